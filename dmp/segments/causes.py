"""Why people enter and leave: a word for each person whose membership changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import Query, columns, join, sql
from dmp.segments.checks import reachable
from dmp.segments.population import KEY
from dmp.segments.rule import Consent, deep_leaves
from dmp.segments.saved import Saved, rules
from dmp.segments.stays import CROSSING
from dmp.segments.touched import Base, feed, snapshots
from dmp.storage.lake import Lake

_STIRRED = """
with moved_subject as (
    select subject_id from identity.assignment
    where valid_from > $computed_at or valid_to > $computed_at
    group by subject_id having count(distinct profile_key) > 1
), moved as (
    select profile_key from identity.assignment join moved_subject using (subject_id)
    where valid_from > $computed_at or valid_to > $computed_at
    union
    select profile_key from identity.profile where alias_of is not null
), placed as (
    select subject_id, profile_key from identity.assignment where valid_to is null
), decided as (
    select distinct profile_key from placed where subject_id in (
        select subject_id from privacy.consent
        where captured_at > $before and captured_at <= $as_of
        union all {decisions}
    )
), acted as (
    select profile_key from placed where subject_id in (
        select subject_id from core.event
        where occurred_at > $before and occurred_at <= $as_of
        union all
        select subject_id from core.transaction
        where occurred_at > $before and occurred_at <= $as_of
        union all {deeds}
    )
    union {profiles}
)
select profile_key, bool_or(why = 'merge') as is_moved,
    bool_or(why = 'consent') as is_decided, bool_or(why = 'event') as is_active
from (
    select profile_key, 'merge' as why from moved
    union all select profile_key, 'consent' from decided
    union all select profile_key, 'event' from acted
)
where profile_key in (select profile_key from moving)
group by profile_key
"""
_MOVING = f"""
select n, {KEY}, true as is_entry from entering
union all select n, {KEY}, false from leaving
"""
_CAUSES = """
select b.segment, k.profile_key, k.is_entry, case
    when w.since is null then 'event'
    when w.is_changed then 'rule_change'
    when s.is_moved then 'merge'
    when p.profile_key is null then 'erasure'
    when w.reads_consent and s.is_decided then 'consent'
    when s.is_active then 'event'
    else 'tick' end as cause
from moving as k join building as b using (n) join reason_why as w using (n)
left join stirred as s on s.since = w.since and s.profile_key = k.profile_key
left join (
    select profile_key from profile.profile
    join identity.profile using (profile_key) where valid_to is null
) as p on p.profile_key = k.profile_key
where not b.is_past
"""
_LATEST = """
select segment, version, computed_at, as_of, snapshot from segment.result
qualify row_number() over (
    partition by segment order by as_of desc, computed_at desc
) = 1
"""
_WRITTEN = """
select segment, version, valid_from from segment.definition where valid_to is null
"""


@dataclass(frozen=True)
class _Last:
    """The newest evaluation of a segment, which its open stays are from."""

    version: str
    computed_at: datetime
    base: Base


def stage_causes(
    lake: Lake,
    saved: Mapping[str, Saved],
    names: Sequence[str],
    as_of: datetime,
    snapshot: int,
) -> None:
    """Stage `crossing` from what `stage_moves` staged: who moves in each segment, why.

    In this order: another version of the rule or of one that it refers to; a subject
    moved between profiles since the last build; the person is gone; a decision since,
    where the rule asks for consent; an event, purchase or attribute that came, went or
    was passed over by as_of since; else time alone. A first build says event.

    Args:
        names: the segments, in the order of their numbers.
        as_of: of the build.
        snapshot: of the lake that it read.
    """
    lake.stage("moving", _MOVING)
    moving = {n for (n,) in lake.rows("select distinct n from moving")}
    last = {n: one for n, one in _lasts(lake, names).items() if n in moving}
    sinces = list(
        dict.fromkeys(
            _Since(one.computed_at, one.base, as_of, snapshot) for one in last.values()
        )
    )
    _stage_stirred(lake, sinces)
    _Why(lake, saved, names, last).stage([(s.computed_at, s.base) for s in sinces])
    lake.stage(CROSSING, _CAUSES)


def _lasts(lake: Lake, names: Sequence[str]) -> dict[int, _Last]:
    numbers = {name: n for n, name in enumerate(names)}
    return {
        numbers[segment]: _Last(version, computed_at, Base(as_of, snapshot))
        for segment, version, computed_at, as_of, snapshot in lake.rows(_LATEST)
        if segment in numbers
    }


def _stage_stirred(lake: Lake, sinces: Sequence[_Since]) -> None:
    """Stage whom something happened to since each evaluation, and what."""
    flags = "false as is_moved, false as is_decided, false as is_active"
    nobody = f"select 0 as since, null::bigint as {KEY}, {flags} where false"
    parts = [Query(nobody)]
    for number, since in enumerate(sinces):
        table = lake.stage(f"stirred_{number}", since.query(lake))
        parts.append(sql(f"select {number} as since, * from {{t}}", t=table))
    lake.stage("stirred", join(parts, " union all "))


@dataclass(frozen=True)
class _Why:
    """What of segments themselves decides a cause."""

    lake: Lake
    saved: Mapping[str, Saved]
    names: Sequence[str]
    last: Mapping[int, _Last]

    def stage(self, sinces: Sequence[tuple[datetime, Base]]) -> None:
        """Stage `reason_why`, one row a segment: n, since, is_changed, reads_consent.

        Args:
            sinces: the evaluations to go by; `since` is the place of a segment's own,
                null where it has none.
        """
        numbers = range(len(self.names))
        changed = self._changed()
        places = [
            sinces.index((self.last[n].computed_at, self.last[n].base))
            if n in self.last
            else None
            for n in numbers
        ]
        told = columns(
            n=numbers,
            since=places,
            is_changed=[n in changed for n in numbers],
            reads_consent=[self._reads_consent(self.names[n]) for n in numbers],
        )
        self.lake.stage("reason_why", told)

    def _changed(self) -> set[int]:
        """Return where a rule differs that decides; those never built aren't known."""
        known = rules(self.saved)
        written: dict[str, list[tuple[str, datetime]]] = {}
        for segment, version, valid_from in self.lake.rows(_WRITTEN):
            written.setdefault(segment, []).append((version, valid_from))
        return {
            n
            for n, last in self.last.items()
            if last.version != self.saved[self.names[n]].version
            or any(
                version != self.saved[name].version or valid_from > last.computed_at
                for name in reachable(known[self.names[n]], known)
                for version, valid_from in written.get(name, ())
            )
        }

    def _reads_consent(self, segment: str) -> bool:
        known = rules(self.saved)
        return any(
            isinstance(leaf, Consent)
            for name in reachable(known[segment], known)
            for _, leaf in deep_leaves(known[name].rule)
        )


@dataclass(frozen=True)
class _Since:
    """From one evaluation, at wall clock and as_of, to another."""

    computed_at: datetime
    base: Base
    as_of: datetime
    snapshot: int

    def query(self, lake: Lake) -> Query:
        """Return the select of `profile_key` and what happened, as three booleans."""
        changed = self._fed if self.base.snapshot in snapshots(lake) else self._loaded
        return sql(
            _STIRRED,
            computed_at=self.computed_at,
            before=self.base.as_of,
            as_of=self.as_of,
            decisions=changed("privacy.consent", "subject_id"),
            deeds=sql(
                "{e} union all {t}",
                e=changed("core.event", "subject_id"),
                t=changed("core.transaction", "subject_id"),
            ),
            profiles=changed("profile.profile", "profile_key"),
        )

    def _fed(self, table: str, column: str) -> Query:
        return Query(feed(table, column, self.base.snapshot, self.snapshot))

    def _loaded(self, table: str, column: str) -> Query:
        """Go by loads and versions: where snapshots are gone, what went isn't known."""
        if table == "profile.profile":
            newer = "valid_from > $computed_at or valid_to > $computed_at"
        else:
            newer = (
                "load_id in (select load_id from ops.load "
                "where loaded_at > $computed_at)"
            )
        text = f"select {column} from {table} where {newer}"
        return Query(text, {"computed_at": self.computed_at})
