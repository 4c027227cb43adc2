"""Identifiers of a load as keyed pseudonyms, in every form that partners use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dmp.core.identifiers import FieldType
from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.contracts import FieldSpec
from dmp.ingest.faults import masked
from dmp.ingest.landing import Landing
from dmp.ingest.mapped_columns import field_column
from dmp.privacy.pseudonyms import email_forms_sql, rekeyed_sql, token_sql
from dmp.storage.versions import token_version

Blocked = Mapping[str, Sequence[str]]
"""Type of identifier to the patterns of values that identify nobody."""


def stage_identifiers(landing: Landing) -> Name:
    """Stage `new_identifier`: one row a subject and identifier for this load.

    A clear e-mail yields its hashed forms too, so that a partner's hash can match it.
    Values that a pattern of `landing.blocked` matches are none, and are staged as
    faults, `blocked_identifier`. The tokens are of the key version that the lake uses
    now.
    """
    fields = {n: s for n, s in landing.contract.fields.items() if s.identifier}
    parts = [_identifier(n, s, landing.blocked) for n, s in fields.items()]
    seen = " union all ".join(parts) or _NO_IDENTIFIER
    faults = " union all ".join(_faults(fields, landing.blocked))
    landing.lake.stage("blocked_identifier", faults or _NO_FAULT)
    token = token_sql(
        landing.keys.analytics,
        "identifier",
        Query("type || ':' || encoding || ':' || value"),
    )
    version = token_version(landing.lake)
    later = landing.keys.later(landing.keys.analytics.version, version)
    return landing.stage_file(
        "new_identifier",
        sql(
            """
            select subject_id, namespace, type, encoding, {token} as token, {origin},
                first_seen_at, last_seen_at, observations
            from ({seen})
            """,
            token=rekeyed_sql(later, token),
            origin=landing.origin,
            seen=Query(_each_once(landing, fields.values(), seen)),
        ),
    )


def _each_once(landing: Landing, specs: Iterable[FieldSpec], seen: str) -> str:
    """Return the select of each identifier of a subject once, from all that are seen.

    Nothing is to be compared where no subject has two rows or two fields of one type.
    """
    kinds = [(s.identifier.namespace, s.identifier.type) for s in specs if s.identifier]
    if len(set(kinds)) == len(kinds) and not landing.has_repeated_subjects():
        return (
            "select * exclude (row_at), row_at as first_seen_at, "
            f"row_at as last_seen_at, 1::bigint as observations from ({seen})"
        )
    return (
        "select * exclude (row_at), min(row_at) as first_seen_at, "
        f"max(row_at) as last_seen_at, count(*) as observations from ({seen}) "
        "group by all"
    )


def rekeyed_identifiers(landing: Landing) -> Query | None:
    """Return `new_identifier` with tokens of the version in use; None where it has.

    To be asked under the commit lock: the key may have been rotated since they were
    staged.
    """
    staged = landing.lake.value(
        "select split_part(token, ':', 1)::integer from new_identifier limit 1"
    )
    version = token_version(landing.lake)
    later = landing.keys.later(version if staged is None else staged, version)
    if not later:
        return None
    token = rekeyed_sql(later, Query("token"))
    return sql("select * replace ({token} as token) from new_identifier", token=token)


def forms_sql(spec: FieldSpec, value: Query) -> Query:
    """Return an expression of all forms in which a value is kept as an identifier.

    Takes a value as the field reads it; gives a list of struct(encoding, value).
    """
    assert spec.identifier is not None
    if _has_forms(spec):
        return email_forms_sql(value)
    if spec.type is FieldType.TEXT:
        value = Query(_whole(value.text), value.params)
    return sql(
        "[struct_pack(encoding := {encoding}, value := {value})]",
        encoding=_encoding(spec, value),
        value=value,
    )


_NO_IDENTIFIER = (
    "select 0::bigint as subject_id, '' as namespace, '' as type, '' as encoding, "
    "'' as value, null::timestamptz as row_at limit 0"
)
_NO_FAULT = (
    "select 0::bigint as line, '' as field, '' as action, '' as reason, "
    "'' as expected, '' as masked_value limit 0"
)


def _identifier(name: str, spec: FieldSpec, blocked: Blocked) -> str:
    assert spec.identifier is not None
    kept = _kept(name, spec, blocked)
    head = (
        f"subject_id, {quote_text(spec.identifier.namespace)} as namespace, "
        f"{quote_text(spec.identifier.type)} as type"
    )
    if _has_forms(spec):
        return (
            f"select {head}, form.encoding as encoding, form.value as value, row_at "
            f"from (select subject_id, row_at, "
            f"unnest({email_forms_sql(Query('value')).text}) as form from ({kept}))"
        )
    encoding = _encoding(spec, Query("value"))
    if spec.identifier.window_hours is None:
        return f"select {head}, {encoding} as encoding, value, row_at from ({kept})"
    return (
        f"select {head}, {encoding} as encoding, value || chr(31) || part as value, "
        f"row_at from (select *, unnest({_parts(spec.identifier.window_hours)}) "
        f"as part from ({kept}))"
    )


def _kept(name: str, spec: FieldSpec, blocked: Blocked) -> str:
    """Return the select of `subject_id, value, row_at`: what identifies somebody."""
    assert spec.identifier is not None
    columns = [_value(name, spec), *map(_text, spec.identifier.together_with)]
    known = " and ".join(f"{column} is not null" for column in columns)
    if pattern := _pattern(spec, blocked):
        known += f" and not regexp_full_match({columns[0]}, {pattern})"
    value = " || chr(31) || ".join(columns)
    return f"select subject_id, row_at, {value} as value from mapped_row where {known}"


def _faults(fields: Mapping[str, FieldSpec], blocked: Blocked) -> Iterator[str]:
    """Yield the select of the faults of each field that has blocked values."""
    for name, spec in fields.items():
        pattern, value = _pattern(spec, blocked), _text(name)
        if pattern:
            yield (
                f"select line, {quote_text(name)} as field, 'dropped' as action, "
                "'is blocked as an identifier' as reason, "
                "'a value that identifies one person' as expected, "
                f"{masked(value)} as masked_value from mapped_row "
                f"where regexp_full_match({value}, {pattern})"
            )


def _pattern(spec: FieldSpec, blocked: Blocked) -> str:
    assert spec.identifier is not None
    patterns = blocked.get(spec.identifier.type, ())
    return quote_text("|".join(f"(?:{p})" for p in patterns)) if patterns else ""


def _value(name: str, spec: FieldSpec) -> str:
    return _whole(_text(name)) if spec.type is FieldType.TEXT else _text(name)


def _whole(text: str) -> str:
    """Read a number as others write it: a column with gaps often comes as `123.0`."""
    return (
        f"(case when suffix({text}, '0') and regexp_full_match({text}, '[0-9]+[.]0+') "
        f"then split_part({text}, '.', 1) else {text} end)"
    )


def _text(name: str) -> str:
    return f"{quote_name(field_column(name))}::varchar"


def _has_forms(spec: FieldSpec) -> bool:
    assert spec.identifier is not None
    return spec.type is FieldType.EMAIL and spec.identifier.encoding == "plain"


def _encoding(spec: FieldSpec, value: Query) -> Query:
    """Return the expression of a value's encoding; a RampID says its own."""
    assert spec.identifier is not None
    if spec.type is FieldType.RAMPID:
        return sql("substr({value}, 3, 4)", value=value)
    return Query(quote_text(spec.identifier.encoding))


def _parts(window_hours: float) -> str:
    """Return the list of the two stretches of time, half overlapping, that a row is in.

    Rows up to half a window apart have one in common, rows a window apart have none.
    """
    half = f"floor(epoch(row_at) / {window_hours * 1800!r})::bigint"
    return f"[({half} - 1)::varchar, ({half})::varchar]"
