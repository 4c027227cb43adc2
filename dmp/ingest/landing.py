"""From mapped rows to the lake's tables: subjects, versions, identifiers, events.

Everything here is staged in scratch; `batch` commits it. Clear values of direct
identifiers leave only towards the vault.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.contracts import Contract, FieldSpec
from dmp.ingest.mapping import consent_columns, field_column, property_column
from dmp.privacy import PseudonymKey
from dmp.privacy.pseudonyms import (
    digest_uuid_sql,
    email_forms_sql,
    subject_id_sql,
    token_sql,
)
from dmp.storage.lake import Lake

_CLEAN = "len(list_filter(faults, lambda x: x.action = 'refused')) = 0"


@dataclass(frozen=True)
class PseudonymKeys:
    """The keys by which values become pseudonyms at the door."""

    subject: PseudonymKey
    analytics: PseudonymKey
    content: PseudonymKey


@dataclass(frozen=True)
class Landing:
    """One load on its way: what is staged for it, and under which names and keys."""

    lake: Lake
    contract: Contract
    keys: PseudonymKeys
    load_id: str
    loaded_at: datetime

    @property
    def origin(self) -> Query:
        """The columns that say where a row came from."""
        return sql(
            "$source as source, $load_id as load_id",
            source=self.contract.source,
            load_id=self.load_id,
        )

    def count(self, table: Name) -> int:
        """Return how many rows are staged under a name."""
        return int(self.lake.value(sql("select count(*) from {t}", t=table)))


def stage_accepted(landing: Landing) -> Name:
    """Stage `accepted_row`: the clean rows of `mapped_row` with their `subject_id`."""
    lake, contract = landing.lake, landing.contract
    who = Query("subject_kind || ':' || subject_key")
    lake.stage(
        "subject_key",
        sql(
            """
            select subject_kind, subject_key, {subject_id} as subject_id from (
                select distinct subject_kind, subject_key from mapped_row where {clean}
            )
            """,
            subject_id=subject_id_sql(landing.keys.subject, contract.source, who),
            clean=Query(_CLEAN),
        ),
    )
    return lake.stage(
        "accepted_row",
        sql(
            """
            select k.subject_id, m.*,
                row_number() over (order by m.row_at, m.line) as position
            from mapped_row as m
            join subject_key as k using (subject_kind, subject_key)
            where {clean}
            """,
            clean=Query(_CLEAN),
        ),
    )


def stage_subjects(landing: Landing) -> Name:
    """Stage `new_subject`: rows for `identity.subject` that it does not hold yet."""
    return landing.lake.stage(
        "new_subject",
        sql(
            """
            select subject_id, $source as source, subject_kind as kind,
                $load_id as load_id, $at::timestamptz as first_seen_at
            from subject_key
            where subject_id not in (select subject_id from identity.subject)
            """,
            source=landing.contract.source,
            load_id=landing.load_id,
            at=landing.loaded_at,
        ),
    )


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
    struct = _struct({name: field_column(name) for name in landing.contract.attributes})
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


def stage_identifiers(landing: Landing) -> Name:
    """Stage `new_identifier`: one row a subject and identifier for this load.

    A clear e-mail yields its hashed forms too, so that a partner's hash can match it.
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
    landing.lake.stage(
        "seen_identifier",
        "select subject_id, namespace, type, encoding, value, min(row_at) as first_seen_at, "
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
            token=token,
            origin=landing.origin,
        ),
    )


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
            f"subject_id, row_at, unnest({forms}) as form from (select subject_id, row_at, "
            f"{column} as value from accepted_row where {column} is not null))"
        )
    encoding = quote_text(spec.identifier.encoding)
    return (
        f"select subject_id, {namespace} as namespace, {type_} as type, {encoding} as "
        f"encoding, {column}::varchar as value, row_at from accepted_row "
        f"where {column} is not null"
    )


def stage_events(landing: Landing) -> Name:
    """Stage `new_event`: rows for `core.event` that neither it nor the file repeats."""
    event = landing.contract.event
    if event is None:
        return landing.lake.stage("new_event", "select * from core.event limit 0")
    struct = _struct({name: property_column(name) for name in event.properties})
    return landing.lake.stage(
        "new_event",
        sql(
            """
            with event as (
                select {event_id} as event_id, subject_id, {origin}, event,
                    least(row_at, received_at) as occurred_at, received_at,
                    $platform as platform, row_at > received_at as is_clamped,
                    {properties} as properties, line
                from accepted_row
            )
            select * exclude (line) from event
            where event_id not in (select event_id from core.event)
            qualify row_number() over (partition by event_id order by line) = 1
            order by occurred_at
            """,
            event_id=digest_uuid_sql(
                landing.keys.content, landing.contract.source, Query("message_id")
            ),
            origin=landing.origin,
            platform=event.platform,
            properties=struct,
        ),
    )


def stage_transactions(landing: Landing) -> Name:
    """Stage `new_transaction`: purchases that `core.transaction` does not hold yet."""
    transaction = landing.contract.transaction
    if transaction is None:
        return landing.lake.stage(
            "new_transaction", "select * from core.transaction limit 0"
        )
    repeat = "row_number() over (partition by transaction_key order by line)"
    ordinal = f" || chr(31) || {repeat}" if transaction.repeats else ""
    key = Query(f"transaction_key{ordinal}")
    return landing.lake.stage(
        "new_transaction",
        sql(
            """
            with keyed as (select *, {key} as full_key from accepted_row),
            purchase as (
                select {id} as transaction_id, subject_id, {origin}, row_at as occurred_at,
                    "transaction.amount" as amount, "transaction.currency" as currency,
                    "transaction.quantity"::bigint as quantity,
                    "transaction.category"::varchar as category, line
                from keyed
            )
            select * exclude (line) from purchase
            where transaction_id not in (select transaction_id from core.transaction)
            qualify row_number() over (partition by transaction_id order by line) = 1
            order by occurred_at
            """,
            key=key,
            id=digest_uuid_sql(
                landing.keys.content, landing.contract.source, Query("full_key")
            ),
            origin=landing.origin,
        ),
    )


def stage_consent(landing: Landing) -> Name:
    """Stage `new_consent`: decisions that change what the subject last decided."""
    parts = [
        _decision(landing.contract, number)
        for number in range(len(landing.contract.consent))
    ]
    if not parts:
        return landing.lake.stage(
            "new_consent", "select * from privacy.consent limit 0"
        )
    return landing.lake.stage(
        "new_consent",
        sql(
            """
            with said as ({said}),
            known as (
                select subject_id, purpose, status, captured_at, true as is_known
                from privacy.consent
                where subject_id in (select subject_id from said)
            ), all_said as (
                select *, '' as legal_basis, '' as source_string from known
                union all by name
                select distinct *, false as is_known from said
            ), turned as (
                select *, lag(status) over (
                    partition by subject_id, purpose
                    order by captured_at, is_known desc, status desc
                ) as before
                from all_said
            )
            select subject_id, purpose, status, legal_basis, source_string,
                captured_at, {origin}
            from turned where not is_known and status is distinct from before
            """,
            said=Query(" union all ".join(parts)),
            origin=landing.origin,
        ),
    )


def _decision(contract: Contract, number: int) -> str:
    spec = contract.consent[number]
    status, at = (quote_name(column) for column in consent_columns(number))
    return (
        f"select subject_id, {quote_text(spec.purpose)} as purpose, "
        f"{status} as status, {quote_text(spec.legal_basis)} as legal_basis, "
        f"{quote_text(spec.from_[0] if spec.from_ else 'declared')} as source_string, "
        f"coalesce({at}, row_at) as captured_at from accepted_row "
        f"where {status} is not null"
    )


def stage_refused(landing: Landing, file_name: str) -> Name:
    """Stage `new_refused`: one row a fault, of refused rows and of dropped values."""
    return landing.lake.stage(
        "new_refused",
        sql(
            """
            with fault as (
                select line, unnest(faults, recursive := true) from mapped_row
                where len(faults) > 0
                union all by name
                select line, '' as field, 'refused' as action, reason,
                    'a row of the form that the contract describes' as expected,
                    null::varchar as masked_value
                from rejected_row
            )
            select {origin}, $file as file_name, line, field, action, reason, expected,
                masked_value, $at::timestamptz as refused_at,
                null::varchar as replayed_by
            from fault order by line, field
            """,
            origin=landing.origin,
            file=file_name,
            at=landing.loaded_at,
        ),
    )


def _struct(columns: dict[str, str]) -> Query:
    """Return a struct of the columns, with the null field that every struct has."""
    cells = [f"{quote_text(name)}: {quote_name(c)}" for name, c in columns.items()]
    return Query("{'_': null::boolean" + "".join(f", {cell}" for cell in cells) + "}")
