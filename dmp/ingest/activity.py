"""What people did: the events of a load, each once."""

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
                    row_at as occurred_at, received_at,
                    $platform as platform, claimed_at > row_at as is_clamped,
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
