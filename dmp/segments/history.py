"""Membership as history: who was in when, who entered and left since, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import sql
from dmp.segments.build import MEMBER, stage_members
from dmp.segments.population import workspace_population
from dmp.segments.rule import Computed
from dmp.segments.saved import Saved, chosen, rules
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class MembersAt:
    """Who was in a segment at an instant.

    Attributes:
        origin: `stored`: a build of just that instant kept them; `evaluated`: the rule
            as it is now, over the rows that held then.
        version: the rule's version that decided.
    """

    segment: str
    as_of: datetime
    origin: str
    version: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Crossing:
    """One person who entered or left.

    Attributes:
        kind: entered or left.
        at: as_of of the evaluation that saw it.
        cause: event, tick, merge, rule_change, consent or erasure.
    """

    profile_id: str
    kind: str
    at: datetime
    cause: str


@dataclass(frozen=True)
class Size:
    """How large a segment was at an instant, by the build that was made of it."""

    as_of: datetime
    version: str
    people: int
    members: int
    consented: int


_STORED = """
select i.profile_id from segment.membership as m
join identity.profile as i using (profile_key)
where m.segment = $segment and m.entered_at <= $as_of
    and (m.left_at is null or m.left_at > $as_of)
order by i.profile_id
"""
_CROSSINGS = """
with crossing as (
    select profile_key, 'entered' as kind, entered_at as at, cause_entered as cause
    from segment.membership where segment = $segment
    union all
    select profile_key, 'left', left_at, cause_left
    from segment.membership where segment = $segment and left_at is not null
)
select i.profile_id, c.kind, c.at, c.cause
from crossing as c join identity.profile as i using (profile_key)
where c.at > $since and c.at <= $until
order by c.at, i.profile_id, c.kind
"""
_SIZES = """
select as_of, version, people, members, consented from segment.result
where segment = $segment
qualify row_number() over (partition by as_of order by computed_at desc) = 1
order by as_of
"""


def members_at(
    lake: Lake,
    saved: Mapping[str, Saved],
    segment: str,
    as_of: datetime,
    *,
    traits: Sequence[Computed] = (),
) -> MembersAt:
    """Return who was in a saved segment at an instant, and how that is known.

    Where the segment was built of just that instant, and no build of a later one came
    before it, the stored stays answer. Elsewhere the rule of now is evaluated over
    the attributes, identities, events and decisions that held then.

    Raises:
        UnknownName: no such segment.
        RuleInvalid: the rule names what the lake does not have.
    """
    one = chosen(saved, segment)
    version = _built(lake, segment, as_of)
    if version is not None:
        rows = lake.rows(_STORED, segment=segment, as_of=as_of)
        found = tuple(str(id_) for (id_,) in rows)
        return MembersAt(segment, as_of, "stored", version, found)
    population = workspace_population(lake, as_of, known_at=as_of, traits=traits)
    stage_members(lake, population, one.segment, rules(saved), as_of)
    rows = lake.rows(
        f"select profile_id from {MEMBER} join person using (profile_key) "
        "order by profile_id"
    )
    found = tuple(str(id_) for (id_,) in rows)
    return MembersAt(segment, as_of, "evaluated", one.version, found)


def _built(lake: Lake, segment: str, as_of: datetime) -> str | None:
    """Return the version of the build of an instant whose stays were kept, if any."""
    rows = lake.rows(
        "select r.version from segment.result as r "
        "where r.segment = $segment and r.as_of = $as_of and not exists ("
        "select 1 from segment.result as o where o.segment = $segment "
        "and o.as_of > $as_of and o.computed_at <= r.computed_at) "
        "order by r.computed_at desc limit 1",
        segment=segment,
        as_of=as_of,
    )
    return str(rows[0][0]) if rows else None


def crossings(
    lake: Lake, segment: str, since: datetime, until: datetime
) -> list[Crossing]:
    """Return who entered and left in (since, until], oldest first, with the cause."""
    found = sql(_CROSSINGS, segment=segment, since=since, until=until)
    return [Crossing(*row) for row in lake.rows(found)]


def sizes(lake: Lake, segment: str) -> list[Size]:
    """Return the sizes of a segment at the instants it was built of, oldest first."""
    return [Size(*row) for row in lake.rows(_SIZES, segment=segment)]
