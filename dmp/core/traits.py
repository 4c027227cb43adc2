"""Computed traits: what a profile's events and purchases add up to at an instant."""

from __future__ import annotations

from dmp.core.sql import Query, quote_text

TRAITS = {
    "event_count": "BIGINT",
    "first_event_at": "TIMESTAMP WITH TIME ZONE",
    "last_event_at": "TIMESTAMP WITH TIME ZONE",
    "order_count": "BIGINT",
    "order_total": "DOUBLE",
    "first_order_at": "TIMESTAMP WITH TIME ZONE",
    "last_order_at": "TIMESTAMP WITH TIME ZONE",
}
"""Trait to DuckDB type.

`order_total` adds amounts as they are, whatever their currency. Counts are 0 and the
others null for people without any.
"""

_TRAITS_AT = """
with placed as (
    select subject_id, profile_key from identity.assignment{at}
    where {standing}{among}
), activity as (
    select profile_key, count(*) as event_count, min(occurred_at) as first_event_at,
        max(occurred_at) as last_event_at
    from core.event{at} join placed using (subject_id)
    where occurred_at <= {as_of} group by profile_key
), purchase as (
    select profile_key, count(*) as order_count,
        round(sum(amount), 2) as order_total, min(occurred_at) as first_order_at,
        max(occurred_at) as last_order_at
    from core.transaction{at} join placed using (subject_id)
    where occurred_at <= {as_of} group by profile_key
)
select p.profile_key, coalesce(e.event_count, 0) as event_count, e.first_event_at,
    e.last_event_at, coalesce(t.order_count, 0) as order_count, t.order_total,
    t.first_order_at, t.last_order_at
from (select distinct profile_key from placed) as p
left join activity as e using (profile_key)
left join purchase as t using (profile_key)
"""


def traits_sql(
    as_of: object = None,
    *,
    among: str = "",
    snapshot: int | None = None,
    standing: str = "valid_to is null",
) -> Query:
    """Return the select of `profile_key` and one column a trait, one row a profile.

    Reads `core.event`, `core.transaction` and the current `identity.assignment`. What
    happened after `as_of` does not count; None counts everything.

    Args:
        among: a relation with the `profile_key` of those to compute them for; empty
            for everybody.
        snapshot: of the lake, to read it as it was then.
        standing: the condition on the rows of `identity.assignment` to go by.
    """
    bound = "'infinity'::timestamptz" if as_of is None else quote_text(str(as_of))
    chosen = f" and profile_key in (select profile_key from {among})" if among else ""
    return Query(
        _TRAITS_AT.format(
            as_of=f"{bound}::timestamptz",
            among=chosen,
            at=at_snapshot(snapshot),
            standing=standing,
        )
    )


def at_snapshot(snapshot: int | None) -> str:
    """Return what follows a table's name to read it as it was in a snapshot."""
    return "" if snapshot is None else f" at (version => {int(snapshot)})"
