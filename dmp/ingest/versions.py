"""What a load says about subjects: versions for the lake and the vault."""

from __future__ import annotations

import pyarrow as pa

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.landing import Landing, struct_of
from dmp.ingest.mapping import field_column
from dmp.privacy.pseudonyms import token_sql


def stage_versions(landing: Landing) -> Name:
    """Stage `new_version`: per subject what it says now, where that is new.

    Of several rows about a subject the newest value of each field counts, by instant
    and then by line. Columns: `subject_id, recorded_at, content_token` and one for each
    field, direct ones in the clear.
    """
    fields = {**landing.contract.direct_fields, **landing.contract.attributes}
    columns = [field_column(name) for name in fields]
    if not columns:
        return landing.lake.stage(
            "new_version", "select 0::bigint as subject_id limit 0"
        )
    newest = ", ".join(
        f"arg_max({quote_name(c)}, position) as {quote_name(c)}" for c in columns
    )
    row = ", ".join(f"{quote_text(c)}: {quote_name(c)}" for c in sorted(columns))
    texts = ", ".join(f"{quote_name(c)}::varchar" for c in columns)
    return landing.lake.stage(
        "new_version",
        sql(
            """
            with version as (
                select subject_id, max(row_at) as recorded_at, {newest}
                from accepted_row
                where coalesce({texts}, null) is not null
                group by subject_id
            ), digested as (
                select *, {token} as content_token from version
            ), known as (
                select subject_id, arg_max(content_token, recorded_at) as content_token
                from core.record where subject_id in (select subject_id from version)
                group by subject_id
            )
            select d.* from digested as d left join known as k using (subject_id)
            where d.content_token is distinct from k.content_token
            """,
            newest=Query(newest),
            texts=Query(texts),
            token=token_sql(
                landing.keys.content, "record", Query(f"to_json({{{row}}})::varchar")
            ),
        ),
    )


def stage_records(landing: Landing) -> Name:
    """Stage `new_record`: rows for `core.record`, without any direct identifier."""
    struct = struct_of(
        {name: field_column(name) for name in landing.contract.attributes}
    )
    return landing.lake.stage(
        "new_record",
        sql(
            """
            select subject_id, {origin}, recorded_at, content_token,
                {attributes} as attributes
            from new_version
            """,
            origin=landing.origin,
            attributes=struct,
        ),
    )


def clear_values(landing: Landing) -> pa.Table:
    """Return for the vault: `subject_id` and a text column for each direct field.

    Subjects of whom no direct field is known are left out.
    """
    names = list(landing.contract.direct_fields)
    cells = ", ".join(
        f"{quote_name(field_column(n))}::varchar as {quote_name(n)}" for n in names
    )
    known = ", ".join(f"{quote_name(n)}" for n in names)
    query = (
        f"select * from (select subject_id, {cells} from new_version) "
        f"where coalesce({known}, null) is not null order by subject_id"
    )
    return landing.lake.sql(query).to_arrow_table()
