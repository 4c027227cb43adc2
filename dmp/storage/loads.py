"""What was loaded, added up by source: a row that was tried again is one row."""

from __future__ import annotations

from dmp.core.sql import Query

LOADS_BY_SOURCE = Query(
    """
    select source, count(*) filter (replay_of is null) as loads,
        sum(rows_read) filter (replay_of is null)::bigint as rows_read,
        sum(rows_accepted)::bigint as rows_accepted,
        sum(rows_unchanged)::bigint as rows_unchanged,
        sum(if(replay_of is null, rows_refused, -rows_accepted - rows_unchanged)
            )::bigint as rows_refused,
        max(loaded_at) as loaded_at
    from ops.load group by source
    """
)
"""One row a source; `rows_read` are those accepted, unchanged and refused together."""
