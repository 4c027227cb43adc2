"""Which versions of subjects are changes: what a load says beside what the lake holds.

Attributes are compared as the lake shows them. Direct fields lie in the vault: of those
`content_token` keeps a keyed digest, of which nobody can test guesses without the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.contracts import FieldSpec
from dmp.ingest.landing import Landing
from dmp.ingest.mapped_columns import field_column
from dmp.privacy.pseudonyms import token_sql
from dmp.storage.migrate import struct_fields

_MARK = "d"
"""How tokens of direct fields begin; earlier ones are digests of the whole version."""

_KNOWN = """
select s.subject_id, arg_max(
    {{'token': r.content_token, 'attributes': {attributes}}},
    row(r.recorded_at, l.loaded_at)
) as version
from (select subject_id, recorded_at from said_version) as s
join core.record as r
    on r.subject_id = s.subject_id and r.recorded_at <= s.recorded_at
left join ops.load as l on l.load_id = r.load_id
where r.source = $source
group by s.subject_id
"""
_CHANGED = """
select d.* from (select *, {token} as content_token from said_version) as d
left join known_content as k using (subject_id)
where k.subject_id is null or case
    when k.version.token is null or starts_with(k.version.token, {mark})
        then d.content_token is distinct from k.version.token
            or {attributes} <> k.version.attributes
    else {whole} <> k.version.token
end
"""


def stage_changed(landing: Landing, fields: Mapping[str, FieldSpec]) -> Name:
    """Show `new_version`: of `said_version` what the lake does not hold already.

    It is staged unless there is nothing to digest or to compare: then, wide rows are
    copied once only. Two versions whose attributes differ are taken for the same with a
    chance of 1 in 2**64, that of DuckDB's hash.

    Args:
        fields: the columns of `said_version`, by their names in the contract.
    """
    lake, contract = landing.lake, landing.contract
    kept = struct_fields(lake, "core.record", "attributes")
    types = kept | {name: s.duckdb_type for name, s in contract.attributes.items()}
    stored = [
        f"r.attributes.{quote_name(name)}" if name in kept else f"null::{type_}"
        for name, type_ in types.items()
    ]
    known = lake.stage(
        "known_content",
        sql(_KNOWN, attributes=_hash(stored), source=contract.source),
    )
    if not contract.direct_fields and not landing.has_any(known):
        everything = "select *, null::varchar as content_token from said_version"
        return lake.view("new_version", Query(everything))
    said = [
        f"d.{quote_name(field_column(name))}::{type_}"
        if name in contract.attributes
        else f"null::{type_}"
        for name, type_ in types.items()
    ]
    changed = lake.stage(
        "changed_version",
        sql(
            _CHANGED,
            token=_direct_token(landing),
            attributes=_hash(said),
            whole=_token(landing, "record", fields),
            mark=Query(quote_text(_MARK)),
        ),
    )
    return lake.view("new_version", sql("from {changed}", changed=changed))


def _hash(cells: Iterable[str]) -> Query:
    return Query(f"hash({', '.join(['true', *cells])})")


def _direct_token(landing: Landing) -> Query:
    """Return the digest of the direct fields; null where a source has none."""
    fields = landing.contract.direct_fields
    if not fields:
        return Query("null::varchar")
    token = _token(landing, "direct", fields)
    return sql("{mark} || {token}", mark=Query(quote_text(_MARK)), token=token)


def _token(landing: Landing, type_: str, fields: Iterable[str]) -> Query:
    """Return the keyed digest of fields, each under its name."""
    columns = sorted(field_column(name) for name in fields)
    row = ", ".join(f"{quote_text(c)}: {quote_name(c)}" for c in columns)
    return token_sql(landing.keys.content, type_, Query(f"to_json({{{row}}})::varchar"))
