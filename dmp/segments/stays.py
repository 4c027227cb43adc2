"""Who enters and who leaves the segments of one build, found for all of them at once.

Everything is staged by a number a segment, since whole numbers join more quickly than
names; what is to be written is staged with the names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import Name, Query, columns, join, sql
from dmp.privacy.consent import stage_gate
from dmp.segments.judging import Judged
from dmp.segments.population import KEY
from dmp.storage.lake import Lake
from dmp.storage.write import Write, append, change

CROSSING = "crossing"
"""Scratch table: segment, profile_key, is_entry, cause."""

REASONS = f"""
select {KEY}, case when bool_or(is_eligible) then 'granted'
    when bool_or(reason = 'denied') then 'denied' else 'no consent' end as reason
from gate where {KEY} is not null group by {KEY}
"""
"""Whether the profiles that the staged gate knows have the purpose, or why not."""

_OPEN = f"""
select b.n, m.{KEY} from segment.membership as m join building as b using (segment)
where m.left_at is null and not b.is_past
"""
_STAY = f"""
{_OPEN} and b.is_whole
union all select n, {KEY} from ({_OPEN} and not b.is_whole) semi join judged
using (n, {KEY})
"""
_ENTERING = f"select n, {KEY} from anew anti join stay using (n, {KEY})"
_LEAVING = f"select n, {KEY} from stay anti join anew using (n, {KEY})"
_INSIDE = f"""
select n, {KEY} from ({_OPEN} and b.purpose <> '') anti join leaving using (n, {KEY})
union all select n, {KEY} from entering
"""
_COUNTED = """
select n, sum(people)::bigint from (
    select b.n, count(*) as people
    from segment.membership as m join building as b using (segment)
    where m.left_at is null and not b.is_past group by b.n
    union all select n, count(*) from entering group by n
    union all select n, -count(*) from leaving group by n
)
group by n
"""
_LOST = f"""
select n, coalesce(reason, 'no consent') as reason, count(*)
from inside join building using (n) left join reason_of using ({KEY})
where purpose = $purpose group by all order by 1, 3 desc, 2
"""


@dataclass(frozen=True)
class Inside:
    """Who is in a segment, counted.

    Attributes:
        consented: of these, those with consent for the purpose.
        losses: how many the want of it loses, by reason.
        moved: how many enter or leave.
    """

    members: int
    consented: int
    losses: tuple[tuple[str, str, int], ...]
    moved: int


def stage_moves(
    lake: Lake,
    judged: Mapping[str, Judged],
    purposes: Mapping[str, str],
    past: Collection[str],
) -> None:
    """Stage the segments, who enters and who leaves.

    As `building`, one row a segment; and `stay` (open, of those judged anew),
    `entering`, `leaving` and `inside`, by its number and `profile_key`. A segment of
    the `past`, evaluated at an instant before its stays are from, has none: everybody
    enters.
    """
    names = list(judged)
    lake.stage(
        "building",
        columns(
            n=range(len(names)),
            segment=names,
            purpose=[purposes[name] for name in names],
            is_past=[name in past for name in names],
            is_whole=[judged[name].among is None for name in names],
        ),
    )
    lake.stage("anew", _numbered([judged[name].anew for name in names]))
    lake.stage("judged", _numbered([judged[name].among for name in names]))
    lake.stage("stay", _STAY)
    lake.stage("entering", _ENTERING)
    lake.stage("leaving", _LEAVING)
    lake.view("inside", Query(_INSIDE))


def _numbered(queries: Sequence[Query | None]) -> Query:
    """Return the select of the keys of all queries, each with its number."""
    parts = [Query(f"select 0 as n, null::bigint as {KEY} where false")]
    for n, query in enumerate(queries):
        if query is not None:
            part = f"select $n{n}::integer as n, {KEY} from ({{q}})"
            parts.append(sql(part, q=query, **{f"n{n}": n}))
    return join(parts, " union all ")


def counted(
    lake: Lake, purposes: Mapping[str, str], as_of: datetime
) -> dict[str, Inside]:
    """Count what is staged, by segment, with consent as it is at as_of."""
    members = dict(lake.rows(_COUNTED))
    moving = "select n from entering union all select n from leaving"
    moved = dict(lake.rows(f"select n, count(*) from ({moving}) group by n"))
    lost: dict[int, list[tuple[str, str, int]]] = {}
    for purpose in sorted(set(purposes.values()) - {""}):
        stage_gate(lake, "gate", purpose=purpose, as_of=as_of)
        lake.stage("reason_of", REASONS)
        for n, reason, people in lake.rows(_LOST, purpose=purpose):
            if reason != "granted":
                lost.setdefault(n, []).append(("consented", reason, people))
    found = {}
    for n, name in enumerate(purposes):
        losses, inside = tuple(lost.get(n, ())), members.get(n, 0)
        consented = inside - sum(people for _, _, people in losses)
        found[name] = Inside(inside, consented, losses, moved.get(n, 0))
    return found


def membership_writes(lake: Lake, as_of: datetime) -> Iterator[Write]:
    """Yield what closes and opens the stays of the staged crossings."""
    kinds = f"select is_entry, count(*) from {CROSSING} group by is_entry"
    there = dict(lake.rows(kinds))
    if there.get(False):
        yield change("segment.membership", sql(_LEAVE, as_of=as_of))
    if there.get(True):
        entries = sql(_ENTER, crossing=Name(CROSSING), as_of=as_of)
        yield append("segment.membership", entries)


_LEAVE = f"""
update segment.membership as m set left_at = $as_of, cause_left = (
    select cause from {CROSSING} as c
    where c.{KEY} = m.{KEY} and c.segment = m.segment and not c.is_entry
)
where left_at is null
    and (segment, {KEY}) in (select (segment, {KEY}) from {CROSSING} where not is_entry)
"""
_ENTER = f"""
select segment, {KEY}, $as_of::timestamptz as entered_at, cause as cause_entered
from {{crossing}} where is_entry order by segment, {KEY}
"""
