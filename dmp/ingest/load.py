"""A load: staged rows become pseudonyms, facts and faults, committed all or none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dmp.core.errors import ConfigInvalid, Fault
from dmp.core.sql import Name, Query, quote_text, sql
from dmp.ingest.activity import stage_events
from dmp.ingest.contracts import Contract, FieldSpec
from dmp.ingest.decisions import stage_consent
from dmp.ingest.file_rows import Rows
from dmp.ingest.identifiers import rekeyed_identifiers, stage_identifiers
from dmp.ingest.landing import (
    Landing,
    PseudonymKeys,
    stage_accepted,
    stage_refused,
    stage_subjects,
    with_subject_ids,
)
from dmp.ingest.mapping import typed_row_sql
from dmp.ingest.purchases import (
    stage_ordinals,
    stage_transactions,
    transaction_writes,
)
from dmp.ingest.readings import define_readers
from dmp.ingest.versions import clear_values, stage_records, stage_versions
from dmp.privacy import Bodies, Vault
from dmp.storage.data_files import take_over
from dmp.storage.instants import not_before
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields, struct_fields
from dmp.storage.temporary import sweep, temporary_folder
from dmp.storage.write import Write, append, change, commit_planned, is_loaded

FOLDER = "load-"
"""How the folders begin in which loads stage files."""
_LOG = logging.getLogger(__name__)
_STAGED_SHARE = 0.8
"""Of a load, the part of the time until all is staged, about."""


@dataclass(frozen=True)
class Stores:
    """What a load writes to.

    Attributes:
        scratch: a private folder inside the workspace's data, for copies of files that
            last as long as a load; None takes the system's temporary folder.
        blocked: type of identifier to the patterns of values that identify nobody.
    """

    lake: Lake
    vault: Vault
    bodies: Bodies
    keys: PseudonymKeys
    scratch: Path | None = None
    blocked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def folder(self) -> AbstractContextManager[Path]:
        """Give a folder for the files of one load; it goes at exit."""
        return temporary_folder(FOLDER, self.scratch)

    def sweep(self) -> None:
        """Remove the folders of loads that were killed."""
        if self.scratch:
            sweep(FOLDER, self.scratch)


@dataclass(frozen=True)
class LoadReport:
    """What became of one input.

    `rows_read = rows_accepted + rows_unchanged + rows_refused`. `faults` are the first
    few, in words; all of them are in `raw.refused`.
    """

    source: str
    file_name: str
    load_id: str
    is_new: bool
    rows_read: int = 0
    rows_accepted: int = 0
    rows_unchanged: int = 0
    rows_refused: int = 0
    events: int = 0
    transactions: int = 0
    versions: int = 0
    fields_undeclared: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Input:
    """Rows staged for a load, and how the load is named.

    Attributes:
        replay_of: the load whose refused rows these are; empty for a file.
        place: a digest of where the file lies; empty for other inputs.
    """

    rows: Rows
    load_id: str
    file_name: str
    digest: str
    replay_of: str = ""
    place: str = ""


def load(
    stores: Stores,
    contract: Contract,
    source: Input,
    folder: Path,
    *,
    now: datetime,
    tell: Callable[[float], None] | None = None,
) -> LoadReport:
    """Write what is new in the rows to the vault and the lake.

    Args:
        folder: where files are staged: one that lasts as long as the load.
        tell: called with the part of the load that is done, in [0, 1].

    Raises:
        ConfigInvalid: the lake stores a field under another type; nothing was written.
        CommitFailed, LakeBusy: nothing of the load is in the lake.
    """
    _check_types(stores.lake, contract)
    now = not_before(stores.lake, now, "ops.load.loaded_at")
    landing = stage(stores, contract, source, now, folder)
    report = report_of(landing, source, is_new=True)
    if tell:
        tell(_STAGED_SHARE)
    _write_vault(stores, landing)
    if not source.replay_of:
        _write_bodies(stores, landing, source.rows)
    _ensure_columns(landing)
    done = commit_planned(
        stores.lake,
        lambda: _planned(landing, report, source),
        message=f"load {source.load_id}",
    )
    if not done.is_new:
        return LoadReport(contract.source, source.file_name, source.load_id, False)
    _LOG.info("loaded load_id=%s rows=%d", source.load_id, report.rows_read)
    return report


def stage(
    stores: Stores, contract: Contract, source: Input, now: datetime, folder: Path
) -> Landing:
    """Stage everything that a load would write, some of it in files in `folder`."""
    lake = stores.lake
    define_readers(lake)
    loaded_at = f"timestamptz {quote_text(now.isoformat())}"
    landing = Landing(
        lake,
        contract,
        stores.keys,
        source.load_id,
        now,
        folder,
        source.replay_of,
        stores.blocked,
    )

    def typed(values: Query, beside: Mapping[str, str]) -> Query:
        rows = typed_row_sql(contract, loaded_at, values, beside)
        return with_subject_ids(landing, rows)

    source.rows.stage_typed(lake, contract.places(), typed)
    stage_ordinals(landing)
    stage_accepted(landing)
    stage_subjects(landing)
    stage_versions(landing, stores.vault)
    stage_records(landing)
    stage_identifiers(landing)
    stage_events(landing)
    stage_transactions(landing)
    stage_consent(landing)
    stage_refused(landing, source.file_name)
    return landing


def report_of(landing: Landing, source: Input, *, is_new: bool) -> LoadReport:
    """Count what is staged for a load."""
    lake, contract = landing.lake, landing.contract
    count = {
        name: landing.count(Name(name))
        for name in ("new_event", "new_transaction", "new_record")
    }
    accepted = int(lake.value("select count(*) from typed_row where not is_refused"))
    refused = int(
        lake.value(
            "select count(distinct line) from new_refused where action = 'refused'"
        )
    )
    news = count["new_record"]
    if contract.event:
        news = count["new_event"]
    elif contract.transaction:
        news = count["new_transaction"]
    return LoadReport(
        source=contract.source,
        file_name=source.file_name,
        load_id=source.load_id,
        is_new=is_new,
        rows_read=accepted + refused,
        rows_accepted=news,
        rows_unchanged=accepted - news,
        rows_refused=refused,
        events=count["new_event"],
        transactions=count["new_transaction"],
        versions=count["new_record"],
        fields_undeclared=tuple(source.rows.undeclared(lake, contract.places())),
        faults=_first_faults(lake, source.file_name),
    )


def _first_faults(lake: Lake, file_name: str) -> tuple[str, ...]:
    rows = lake.rows(
        "select line, field, reason, expected, masked_value from new_refused "
        "order by line, field limit 10"
    )
    return tuple(
        f"{file_name} line {line}: {field or 'row'}: {reason}"
        + (f" ({masked})" if masked else "")
        + f"; right would be {right}"
        for line, field, reason, right, masked in rows
    )


def _write_vault(stores: Stores, landing: Landing) -> None:
    if landing.contract.direct_fields:
        values = clear_values(landing)
        if values is not None:
            stores.vault.write_sorted(landing.load_id, values)


def _write_bodies(stores: Stores, landing: Landing, rows: Rows) -> None:
    query = sql(
        "select line, body from ({bodies}) where line in "
        "(select line from typed_row where len(faults) > 0)"
        " union all select line, body from rejected_row order by line",
        bodies=rows.bodies(),
    )
    bodies = landing.lake.sql(query).to_arrow_table()
    if bodies.num_rows:
        day = landing.loaded_at.date()
        source = landing.contract.source
        stores.bodies.write(source, day, landing.load_id, bodies)


def _stored(contract: Contract) -> Iterator[tuple[str, str, Mapping[str, FieldSpec]]]:
    yield "core.record", "attributes", contract.attributes
    if contract.event:
        yield "core.event", "properties", contract.event.properties


def _check_types(lake: Lake, contract: Contract) -> None:
    faults = [
        Fault(
            f"{column}.{name}",
            f"of type {spec.duckdb_type}, but the lake stores it as {kept[name]}",
            "give it that type, or another name",
        )
        for table, column, fields in _stored(contract)
        for kept in [struct_fields(lake, table, column)]
        for name, spec in fields.items()
        if kept.get(name, spec.duckdb_type) != spec.duckdb_type
    ]
    if faults:
        raise ConfigInvalid(f"config/sources/{contract.source}.yaml", faults)


def _ensure_columns(landing: Landing) -> None:
    for table, column, fields in _stored(landing.contract):
        types = {name: spec.duckdb_type for name, spec in fields.items()}
        ensure_fields(landing.lake, table, column, types)


_TABLES = {"identity.subject": "new_subject", "privacy.consent": "new_consent"}
_FILES = {"core.record": "new_record", "core.event": "new_event"}


def _planned(landing: Landing, report: LoadReport, source: Input) -> list[Write]:
    """Return the writes, asked for under the commit lock; none of a load that is in."""
    if is_loaded(landing.lake, source.load_id):
        return []
    return [*_writes(landing, report, source)]


def _writes(landing: Landing, report: LoadReport, source: Input) -> Iterator[Write]:
    for table, staged in _TABLES.items():
        if landing.has_any(Name(staged)):
            yield append(table, Name(staged))
    for table, staged in _FILES.items():
        if landing.has_any(Name(staged)):
            yield take_over(landing.lake, table, staged, landing.folder)
    yield from transaction_writes(landing)
    if landing.has_any(Name("new_identifier")):
        yield _identifiers(landing)
    if source.replay_of:
        yield _mark_replayed(landing, source.replay_of)
        yield append("raw.refused", Query(_DROPPED))
    elif landing.has_any(Name("new_refused")):
        yield append("raw.refused", Name("new_refused"))
    yield append("ops.load", _load_row(landing, report, source))


_DROPPED = """
select * from new_refused
where action = 'dropped' and line in (select line from accepted_row)
"""
"""Of a replay: values dropped from rows that are accepted now."""


def _identifiers(landing: Landing) -> Write:
    rekeyed = rekeyed_identifiers(landing)
    if rekeyed:
        return append("identity.identifier", rekeyed)
    return take_over(
        landing.lake, "identity.identifier", "new_identifier", landing.folder
    )


def _mark_replayed(landing: Landing, of: str) -> Write:
    return change(
        "raw.refused",
        sql(
            "update raw.refused set replayed_by = $load_id where load_id = $of "
            "and line in (select line from accepted_row)",
            load_id=landing.load_id,
            of=of,
        ),
    )


def _load_row(landing: Landing, report: LoadReport, source: Input) -> Query:
    return sql(
        """
        select $load_id as load_id, $source as source, $file_name as file_name,
            $content_hash as content_hash, $contract_version as contract_version,
            $loaded_at::timestamptz as loaded_at, nullif($place, '') as place,
            nullif($replay_of, '') as replay_of,
            $rows_read as rows_read,
            $rows_accepted as rows_accepted, $rows_unchanged as rows_unchanged,
            $rows_refused as rows_refused, $fields_undeclared as fields_undeclared
        """,
        load_id=report.load_id,
        source=report.source,
        file_name=report.file_name,
        content_hash=source.digest,
        place=source.place,
        replay_of=source.replay_of,
        contract_version=landing.contract.version,
        loaded_at=landing.loaded_at,
        rows_read=report.rows_read,
        rows_accepted=report.rows_accepted,
        rows_unchanged=report.rows_unchanged,
        rows_refused=report.rows_refused,
        fields_undeclared=list(report.fields_undeclared),
    )
