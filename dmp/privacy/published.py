"""What each role may read by SQL: the published tables and views.

In embedded mode this guides and is logged; it is no wall: who owns the folder can open
the lake's files without asking. What is not listed here is published to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import NotAllowed, UnknownName
from dmp.core.sql import Query, quote_text
from dmp.privacy.roles import Caller, Permission, holders, may
from dmp.storage.loads import LOADS_BY_SOURCE
from dmp.storage.statement import Statement
from dmp.storage.tables import TABLES

FUNCTIONS = frozenset({"generate_series", "range", "unnest"})
"""The functions that may stand where a table could; none of them reads a file."""


@dataclass(frozen=True)
class Published:
    """A table or view that SQL may name.

    Attributes:
        name: of a lake table `schema.name`; of a view made for reading one word.
        permissions: whoever has one of them may read it.
        doc: one row is one what.
        view: the view's query, in which `$minimum_cell` and `$audit_log` stand for
            themselves; empty for a table of the lake.
    """

    name: str
    permissions: tuple[Permission, ...]
    doc: str
    view: str = ""


_P = Permission
_PSEUDONYMOUS = (_P.READ_PSEUDONYMOUS,)
_PIPELINE = (_P.READ_PSEUDONYMOUS, _P.MAINTAIN)
_COUNTS = (_P.COUNT,)

_SEGMENT_COUNT = """
select d.segment, d.name, d.purpose, r.as_of, r.computed_at,
    case when r.people >= $minimum_cell then r.people end as people,
    case when r.members >= $minimum_cell then r.members end as members,
    case when r.consented >= $minimum_cell then r.consented end as consented,
    case when r.after_exclusions >= $minimum_cell then r.after_exclusions end
        as after_exclusions
from segment.result as r
join segment.definition as d using (segment, version)
"""

_SYNC_COUNT = """
select sync_id, destination, segment, as_of, purpose, status, reason, synced_at,
    case when members >= $minimum_cell then members end as members,
    case when consented >= $minimum_cell then consented end as consented,
    case when addressable >= $minimum_cell then addressable end as addressable,
    case when sent >= $minimum_cell then sent end as sent,
    case when accepted >= $minimum_cell then accepted end as accepted
from activation.sync
"""

_LOAD_COUNT = f"""
select source, loads, rows_read, rows_accepted, rows_refused, loaded_at
from ({LOADS_BY_SOURCE.text})
"""

_QUALITY = """
select check_name, scope, checked_at, status, unit, bound,
    case when unit = 'share' then round(measured, 2)
        when unit <> 'rows' or measured = 0 or measured >= $minimum_cell then measured
    end as measured,
    case when failing >= $minimum_cell then failing end as failing
from ops.quality_result
"""

_AUDIT = """
select seq, "at", actor, role, action, detail
from read_json($audit_log, format = 'newline_delimited', columns = {
    seq: 'bigint', "at": 'timestamptz', actor: 'varchar', role: 'varchar',
    action: 'varchar', detail: 'json'})
"""

_TABLES = (
    ("ops.load", _PIPELINE),
    ("ops.migration", _PIPELINE),
    ("ops.key_version", _PIPELINE),
    ("ops.quality_result", _PIPELINE),
    ("ops.quality_alert", _PIPELINE),
    ("raw.refused", _PIPELINE),
    ("core.record", _PSEUDONYMOUS),
    ("core.event", _PSEUDONYMOUS),
    ("core.transaction", _PSEUDONYMOUS),
    ("core.transaction_version", _PSEUDONYMOUS),
    ("identity.subject", _PSEUDONYMOUS),
    ("identity.identifier", _PSEUDONYMOUS),
    ("identity.edge", _PSEUDONYMOUS),
    ("identity.decision", _PSEUDONYMOUS),
    ("identity.label", _PSEUDONYMOUS),
    ("identity.assignment", _PSEUDONYMOUS),
    ("identity.profile", _PSEUDONYMOUS),
    ("identity.change", _PSEUDONYMOUS),
    ("identity.resolution", _PIPELINE),
    ("identity.seen_subject", _PSEUDONYMOUS),
    ("identity.blocked_value", _PSEUDONYMOUS),
    ("identity.term_frequency", _PSEUDONYMOUS),
    ("profile.profile", _PSEUDONYMOUS),
    ("segment.definition", _COUNTS),
    ("segment.result", _PSEUDONYMOUS),
    ("segment.membership", _PSEUDONYMOUS),
    ("segment.note", _COUNTS),
    ("activation.sync", _PSEUDONYMOUS),
    ("activation.ledger", _PSEUDONYMOUS),
    ("privacy.consent", (_P.READ_PSEUDONYMOUS, _P.CONSENT)),
)

PUBLISHED: tuple[Published, ...] = (
    *(Published(name, who, "see docs/tables.md") for name, who in _TABLES),
    Published(
        "segment_count",
        _COUNTS,
        "one evaluation of one segment; counts below minimum_cell are null",
        _SEGMENT_COUNT,
    ),
    Published(
        "sync_count",
        _COUNTS,
        "one sync; counts below minimum_cell are null",
        _SYNC_COUNT,
    ),
    Published("load_count", _COUNTS, "one source, with its rows in all", _LOAD_COUNT),
    Published(
        "quality",
        _COUNTS,
        "one check of one run; counts below minimum_cell are null, shares rounded",
        _QUALITY,
    ),
    Published("audit", (_P.AUDIT_READ,), "one record of the audit log", _AUDIT),
)
_DOCS = {table.name: table.doc for table in TABLES}
_BY_NAME = {one.name: one for one in PUBLISHED}


def published_to(caller: Caller) -> tuple[str, ...]:
    """Return the names that the caller may read, in the order of `PUBLISHED`."""
    return tuple(one.name for one in PUBLISHED if may(caller, *one.permissions))


def published_docs(caller: Caller) -> dict[str, str]:
    """Return what one row is, by the names that the caller may read."""
    return {name: _DOCS.get(name, _BY_NAME[name].doc) for name in published_to(caller)}


def check_statement(caller: Caller, statement: Statement) -> None:
    """Go on only if the caller may read all that a statement names.

    Raises:
        UnknownName: a table is published to nobody.
        NotAllowed: a table is published to others, or a function could read more
            than is published; all of them are named.
    """
    mine = published_to(caller)
    if not mine:
        raise NotAllowed(
            f"reading is not allowed to {_roles(caller)}: nothing is published to it; "
            f"it needs the role {' or '.join(holders(Permission.COUNT))}"
        )
    for name in sorted(statement.tables):
        if name not in _BY_NAME:
            raise UnknownName("published table or view", name, mine)
    functions = statement.functions - FUNCTIONS
    if functions or statement.schema_listings:
        raise NotAllowed(
            f"{', '.join(sorted(functions)) or 'show'} in a statement is not allowed "
            f"to {_roles(caller)}, nor to any role: it could read more than is "
            "published. Files come in by `dmp ingest`; "
            f"published to you: {', '.join(mine)}"
        )
    if refused := sorted(statement.tables.difference(mine)):
        raise NotAllowed(_refusal(caller, refused, mine))


def views_read(
    statement: Statement, *, minimum_cell: int, audit_log: Path
) -> Iterable[tuple[str, Query]]:
    """Give name and query of the published views that a statement names."""
    values = {
        "$minimum_cell": str(minimum_cell),
        "$audit_log": quote_text(str(audit_log)),
    }
    for name in sorted(statement.tables):
        text = _BY_NAME[name].view
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        if text:
            yield name, Query(text)


def _refusal(caller: Caller, refused: list[str], mine: tuple[str, ...]) -> str:
    needs = [
        f"{name} (needs {' or '.join(holders(*_BY_NAME[name].permissions))})"
        for name in refused
    ]
    return (
        f"reading {', '.join(needs)} is not allowed to {_roles(caller)}; "
        f"published to you: {', '.join(mine)}"
    )


def _roles(caller: Caller) -> str:
    return ", ".join(sorted(caller.roles)) or "no role"
