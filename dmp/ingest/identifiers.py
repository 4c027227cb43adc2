"""Identifiers of a load as keyed pseudonyms, in every form that partners use."""

from __future__ import annotations

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.contracts import FieldSpec
from dmp.ingest.landing import Landing
from dmp.ingest.mapping import field_column
from dmp.privacy.pseudonyms import email_forms_sql, rekeyed_sql, token_sql
from dmp.storage.versions import token_version


def stage_identifiers(landing: Landing) -> Name:
    """Stage `new_identifier`: one row a subject and identifier for this load.

    A clear e-mail yields its hashed forms too, so that a partner's hash can match it.
    The tokens are of the key version that the lake uses now.
    """
    parts = [
        _identifier(name, spec)
        for name, spec in landing.contract.fields.items()
        if spec.identifier
    ]
    seen = " union all ".join(parts) or _NO_IDENTIFIER
    token = token_sql(
        landing.keys.analytics,
        "identifier",
        Query("type || ':' || encoding || ':' || value"),
    )
    version = token_version(landing.lake)
    later = landing.keys.later(landing.keys.analytics.version, version)
    landing.lake.stage(
        "seen_identifier",
        "select subject_id, namespace, type, encoding, value, "
        "min(row_at) as first_seen_at, "
        f"max(row_at) as last_seen_at, count(*) as observations from ({seen}) "
        "group by all",
    )
    return landing.lake.stage(
        "new_identifier",
        sql(
            """
            with tokenised as (
                select *, {token} as token
                from (select distinct type, encoding, value from seen_identifier)
            )
            select subject_id, namespace, type, encoding, token, {origin},
                first_seen_at, last_seen_at, observations
            from seen_identifier join tokenised using (type, encoding, value)
            """,
            token=rekeyed_sql(later, token),
            origin=landing.origin,
        ),
    )


def current_identifiers(landing: Landing) -> Name | Query:
    """Return `new_identifier` with tokens of the version in use, for the commit.

    To be asked under the commit lock: the key may have been rotated since they were
    staged.
    """
    staged = landing.lake.value(
        "select split_part(token, ':', 1)::integer from new_identifier limit 1"
    )
    version = token_version(landing.lake)
    later = landing.keys.later(version if staged is None else staged, version)
    if not later:
        return Name("new_identifier")
    token = rekeyed_sql(later, Query("token"))
    return sql("select * replace ({token} as token) from new_identifier", token=token)


_NO_IDENTIFIER = (
    "select 0::bigint as subject_id, '' as namespace, '' as type, '' as encoding, "
    "'' as value, null::timestamptz as row_at limit 0"
)


def _identifier(name: str, spec: FieldSpec) -> str:
    assert spec.identifier is not None
    column = quote_name(field_column(name))
    namespace = quote_text(spec.identifier.namespace)
    type_ = quote_text(spec.identifier.type)
    if spec.type == "email" and spec.identifier.encoding == "plain":
        forms = email_forms_sql(Query("value")).text
        return (
            f"select subject_id, {namespace} as namespace, {type_} as type, "
            "form.encoding as encoding, form.value as value, row_at from (select "
            f"subject_id, row_at, unnest({forms}) as form from ("
            f"select subject_id, row_at, {column} as value from accepted_row "
            f"where {column} is not null))"
        )
    encoding = quote_text(spec.identifier.encoding)
    return (
        f"select subject_id, {namespace} as namespace, {type_} as type, {encoding} as "
        f"encoding, {column}::varchar as value, row_at from accepted_row "
        f"where {column} is not null"
    )
