"""Which version holds: of what a source says, and of the key of tokens."""

from __future__ import annotations

from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake

_NEWEST = """
select r.subject_id, r.source, r.load_id, r.recorded_at, r.content_token, r.attributes
from core.record as r left join ops.load as l using (load_id)
where {of}
qualify row_number() over (
    partition by r.subject_id order by r.recorded_at desc, l.loaded_at desc, r.load_id
) = 1
"""


def newest_versions_sql(of: Query | None = None) -> Query:
    """Return the rows of `core.record` that hold now, one a subject.

    The newest by the source's own instant; of equal ones what was loaded last, so that
    a correction counts that leaves the instant as it was.

    Args:
        of: a condition on `r.subject_id` that chooses subjects; None takes all.
    """
    return sql(_NEWEST, of=of or Query("true"))


def token_version(lake: Lake) -> int:
    """Return the key version of all tokens in `identity.identifier`."""
    return int(lake.value("select coalesce(max(version), 1) from ops.key_version"))
