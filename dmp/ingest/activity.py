"""What people did: events and purchases of a load, each once."""

from __future__ import annotations

from dmp.core.sql import Name, Query, sql
from dmp.ingest.landing import Landing, struct_of
from dmp.ingest.mapping import property_column
from dmp.privacy.pseudonyms import digest_uuid_sql


def stage_events(landing: Landing) -> Name:
    """Stage `new_event`: rows for `core.event` that neither it nor the file repeats."""
    event = landing.contract.event
    if event is None:
        return landing.lake.stage("new_event", "select * from core.event limit 0")
    struct = struct_of({name: property_column(name) for name in event.properties})
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
                select {id} as transaction_id, subject_id, {origin},
                    row_at as occurred_at,
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
