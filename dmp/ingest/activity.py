"""What people did: the events of a load, each once."""

from __future__ import annotations

from dmp.core.sql import Name, Query, sql
from dmp.ingest.landing import Landing, struct_of
from dmp.ingest.mapped_columns import property_column
from dmp.privacy.pseudonyms import digest_uuid_sql


def stage_events(landing: Landing) -> Name:
    """Stage `new_event`: rows for `core.event` that neither it nor the file repeats."""
    event = landing.contract.event
    if event is None:
        return landing.lake.view("new_event", Query("from core.event limit 0"))
    _stage_repeated(landing)
    struct = struct_of({name: property_column(name) for name in event.properties})
    return landing.stage_file(
        "new_event",
        sql(
            """
            with event as (
                select {event_id} as event_id, subject_id, {origin}, event,
                    row_at as occurred_at, received_at,
                    $platform as platform, claimed_at > row_at as is_clamped,
                    {properties} as properties
                from mapped_row anti join repeated_line using (line)
            )
            select * from event anti join (
                select event_id from core.event where source = $source
            ) using (event_id)
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


def _stage_repeated(landing: Landing) -> None:
    """Stage `repeated_line`: the rows whose message an earlier line of the file has.

    Few messages repeat: the hashes that occur twice tell which could, and only those
    are compared as a whole.
    """
    landing.lake.stage(
        "repeated_hash",
        "select hash(message_id) as hashed from typed_row "
        "where not is_refused group by hashed having count(*) > 1",
    )
    landing.lake.stage(
        "repeated_line",
        """
        select line from typed_row
        where not is_refused and hash(message_id) in (select hashed from repeated_hash)
        qualify row_number() over (partition by message_id order by line) > 1
        """,
    )
