"""What a load says about subjects: versions for the lake and the vault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.changes import stage_changed
from dmp.ingest.contracts import Contract, FieldSpec
from dmp.ingest.landing import Landing, struct_of
from dmp.ingest.mapped_columns import field_column
from dmp.privacy import Vault
from dmp.storage.lake import Lake
from dmp.storage.migrate import struct_fields
from dmp.storage.versions import newest_versions_sql

_BATCH_ROWS = 65_536


def stage_versions(landing: Landing, vault: Vault) -> Name:
    """Show `new_version`: per subject what it says now, where that is new.

    Of several rows about a subject the newest value of each field counts, by instant
    and then by line. A row of events or purchases tells a part of what the source
    knows; what it leaves out stays as an earlier load said it. Columns: `subject_id,
    recorded_at, content_token` and one for each field, direct ones in the clear.
    """
    lake, fields = landing.lake, _fields(landing.contract)
    if not fields:
        return lake.view("new_version", Query(_NO_VERSION))
    _show_said(lake, fields)
    if landing.contract.event or landing.contract.transaction:
        lake.stage("own_version", "select * from said_version")
        _stage_known(landing, vault)
        lake.view("said_version", _merged_sql(landing, fields))
    return stage_changed(landing, fields)


_NO_VERSION = """
select 0::bigint as subject_id, null::timestamptz as recorded_at,
    null::varchar as content_token
limit 0
"""


def _fields(contract: Contract) -> dict[str, FieldSpec]:
    return {**contract.direct_fields, **contract.attributes}


def _show_said(lake: Lake, fields: Mapping[str, FieldSpec]) -> None:
    """Show `said_version`: what the load's rows say about each subject.

    Only subjects of several rows need their rows compared.
    """
    columns = [quote_name(field_column(name)) for name in fields]
    says_anything = " or ".join(f"{column} is not null" for column in columns)
    said = f"from mapped_row where {says_anything}"
    lake.stage(
        "repeated_subject", "select subject_id from subject_key where n_rows > 1"
    )
    if not lake.value("select exists (from repeated_subject)"):
        lake.view("said_version", _once_sql(columns, said))
        return
    cells = ", ".join(["subject_id", "row_at", "line", *columns])
    lake.view("said_row", Query(f"select {cells} {said}"))
    lake.view("said_version", _newest_sql(columns))


def _once_sql(columns: Sequence[str], said: str) -> Query:
    return Query(
        f"select subject_id, row_at as recorded_at, {', '.join(columns)} {said}"
    )


def _newest_sql(columns: Sequence[str]) -> Query:
    newest = ", ".join(f"arg_max({c}, position) as {c}" for c in columns)
    of_one_row = "from said_row anti join repeated_subject using (subject_id)"
    return Query(
        f"""
        {_once_sql(columns, of_one_row).text}
        union all
        select subject_id, max(row_at), {newest} from (
            select *, row_number() over (order by row_at, line) as position
            from said_row semi join repeated_subject using (subject_id)
        ) group by subject_id
        """
    )


def _stage_known(landing: Landing, vault: Vault) -> None:
    """Stage `known_version` and `known_clear`: what earlier loads said."""
    lake = landing.lake
    of = Query("r.subject_id in (select subject_id from own_version)")
    lake.stage("known_version", newest_versions_sql(of))
    versions = lake.sql(
        "select subject_id, load_id from known_version order by subject_id"
    ).to_arrow_table()
    clear = vault.read(versions, list(landing.contract.direct_fields))
    lake.connection.register("clear_arrow", clear)
    lake.stage("known_clear", "select * exclude (load_id) from clear_arrow")
    lake.connection.unregister("clear_arrow")


def _merged_sql(landing: Landing, fields: Mapping[str, FieldSpec]) -> Query:
    """Return what is said with what is known; where both are there, the newer one."""
    stored = struct_fields(landing.lake, "core.record", "attributes")
    cells = []
    for name, spec in fields.items():
        said = f"s.{quote_name(field_column(name))}"
        if name in landing.contract.direct_fields:
            known = f"try_cast(c.{quote_name(name)} as {spec.duckdb_type})"
        elif name in stored:
            known = f"k.attributes.{quote_name(name)}"
        else:
            known = "null"
        cells.append(
            f"if(k.recorded_at > s.recorded_at, coalesce({known}, {said}), "
            f"coalesce({said}, {known})) as {quote_name(field_column(name))}"
        )
    return Query(
        "select s.subject_id, greatest(s.recorded_at, k.recorded_at) as recorded_at, "
        f"{', '.join(cells)} from own_version as s "
        "left join known_version as k using (subject_id) "
        "left join known_clear as c using (subject_id)"
    )


def stage_records(landing: Landing) -> Name:
    """Stage `new_record`: rows for `core.record`, without any direct identifier."""
    struct = struct_of(
        {name: field_column(name) for name in landing.contract.attributes}
    )
    source, load_id = map(quote_text, (landing.contract.source, landing.load_id))
    return landing.stage_file(
        "new_record",
        sql(
            """
            select subject_id, {source} as source, {load_id} as load_id, recorded_at,
                content_token, {attributes} as attributes
            from new_version
            """,
            source=Query(source),
            load_id=Query(load_id),
            attributes=struct,
        ),
    )


def clear_values(landing: Landing) -> pa.RecordBatchReader | None:
    """Return for the vault: `subject_id` and a text column for each direct field.

    In ascending order of `subject_id`, in batches; they are to be read before the lake
    is asked anything else. Subjects of whom no direct field is known are left out;
    None where that leaves nobody.
    """
    names = list(landing.contract.direct_fields)
    cells = ", ".join(
        f"{quote_name(field_column(n))}::varchar as {quote_name(n)}" for n in names
    )
    known = ", ".join(f"{quote_name(n)}" for n in names)
    query = (
        f"select * from (select subject_id, {cells} from new_version) "
        f"where coalesce({known}, null) is not null"
    )
    if not landing.lake.value(f"select exists ({query})"):
        return None
    landing.lake.execute(f"{query} order by subject_id")
    return landing.lake.connection.to_arrow_reader(_BATCH_ROWS)
