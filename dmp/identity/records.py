"""Records as the linkage model compares them: clear values, in memory only."""

from __future__ import annotations

import pyarrow as pa

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.identity.nicknames import NICKNAMES
from dmp.identity.settings import LinkageSettings, root_column
from dmp.privacy import Vault
from dmp.storage.lake import Lake
from dmp.storage.versions import newest_versions_sql

_TITLES = r"^(mr|mrs|ms|miss|mx|dr|prof|sir|dame|rev)\.?\s+"
_NAME = r"nullif(trim(regexp_replace(regexp_replace(strip_accents(lower({0})), '[^a-z ]', '', 'g'), '\s+', ' ', 'g')), '')"  # noqa: E501
_TEXT = r"nullif(trim(regexp_replace(regexp_replace(strip_accents(lower({0})), '[^a-z0-9 ]', '', 'g'), '\s+', ' ', 'g')), '')"  # noqa: E501
_NORMAL = {
    "given_name": _NAME,
    "surname": _NAME,
    "date": "try_cast({0} as date)",
    "email": "lower({0})",
    "phone": "{0}",
    "exact": "nullif(regexp_replace(lower({0}), '[^a-z0-9]', '', 'g'), '')",
    "text": _TEXT,
}
_SPLIT = {
    "first_name": "regexp_extract({0}, '^(\\S+)', 1)",
    "last_name": "regexp_extract({0}, '\\s(\\S+)$', 1)",
}
"""How a name comes out of a `full_name` where the source gives only that."""
_GIVEN_FIRST = (
    "trim(lower(split_part(full_name, ',', 2) || ' ' || split_part(full_name, ',', 1)))"
)
"""A full name with the given name first, whether or not a comma turned it around."""


def stage_linkage_records(
    lake: Lake, vault: Vault, settings: LinkageSettings, *, of: Name | None = None
) -> Name:
    """Stage `linkage_record`: the newest version of each subject, normalised.

    Reads `core.record` and the vault. Columns: `subject_id`, one for each field of the
    model, and `<field>_root` for each given name. Names: lower case, no accents, no
    titles; dates as dates; other text without punctuation. Fields that a source lacks
    are null. Subjects of whom nothing is known but codes are left out: there is nothing
    to compare beyond the identifiers that join them anyway.

    Args:
        of: a scratch table of the subjects wanted, by `subject_id`; None takes all.
    """
    clear = _clear_values(lake, vault, clear_fields(settings), of)
    lake.connection.register("clear_arrow", clear)
    lake.stage("nickname", _nicknames())
    lake.stage("normal_record", _normal(settings, Query("clear_arrow")))
    lake.connection.unregister("clear_arrow")
    return lake.stage("linkage_record", _with_roots(settings, Query("normal_record")))


def clear_fields(settings: LinkageSettings) -> list[str]:
    """Return the names under which clear values are read for the model."""
    return [*settings.fields, "full_name"]


def normal_record_sql(settings: LinkageSettings, clear: Query) -> Query:
    """Return the select of records as the model compares them, out of clear values.

    Reads the scratch `nickname`, which `stage_linkage_records` makes.

    Args:
        clear: a select of `subject_id` and, as text, of all `clear_fields`.
    """
    normal = _normal(settings, sql("({clear})", clear=clear))
    return _with_roots(settings, sql("({normal})", normal=normal))


def _normal(settings: LinkageSettings, clear: Query) -> Query:
    cells = [_cell(name, kind) for name, kind in settings.fields.items()]
    known = (f"{quote_name(name)}::varchar" for name in settings.describing_fields)
    return sql(
        "select * from (select subject_id, {cells} from {clear}) "
        "where coalesce({known}, null) is not null",
        cells=Query(", ".join(cells)),
        clear=clear,
        known=Query(", ".join(known)),
    )


def _clear_values(
    lake: Lake, vault: Vault, columns: list[str], of: Name | None
) -> pa.Table:
    wanted = sql("r.subject_id in (select subject_id from {of})", of=of) if of else None
    versions = lake.sql(
        sql(
            "select subject_id, load_id from ({newest}) order by subject_id",
            newest=newest_versions_sql(wanted),
        )
    ).to_arrow_table()
    return vault.read(versions, columns)


def _cell(name: str, kind: str) -> str:
    value = quote_name(name)
    if name in _SPLIT:
        bare = f"regexp_replace({_GIVEN_FIRST}, {quote_text(_TITLES)}, '')"
        value = f"coalesce({value}, {_SPLIT[name].format(bare)})"
    if name == "first_name":
        value = f"regexp_replace(lower({value}), {quote_text(_TITLES)}, '')"
    return f"{_NORMAL[kind].format(value)} as {quote_name(name)}"


def _nicknames() -> Query:
    rows = ", ".join(
        f"({quote_text(short)}, {quote_text(full)})"
        for short, full in sorted(NICKNAMES.items())
    )
    return Query(f"select * from (values {rows}) as n(short, full_name)")


def _with_roots(settings: LinkageSettings, normal: Query) -> Query:
    names = [name for name, kind in settings.fields.items() if kind == "given_name"]
    roots = "".join(
        f", coalesce(n{i}.full_name, r.{quote_name(name)}) as "
        f"{quote_name(root_column(name))}"
        for i, name in enumerate(names)
    )
    joins = " ".join(
        f"left join nickname as n{i} on n{i}.short = r.{quote_name(name)}"
        for i, name in enumerate(names)
    )
    return sql(
        "select r.*{roots} from {normal} as r {joins} order by subject_id",
        normal=normal,
        roots=Query(roots),
        joins=Query(joins),
    )
