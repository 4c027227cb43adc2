"""Evaluate saved segments over the lake and keep funnels and memberships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from dmp.core.sql import Name, Query, sql
from dmp.core.types import Evaluation, Progress, silent
from dmp.privacy.consent import stage_gate
from dmp.segments.causes import stage_causes
from dmp.segments.compiler import compile_segment
from dmp.segments.judging import Judged, judge, judge_people
from dmp.segments.population import KEY, population_of
from dmp.segments.results import (
    definition_writes,
    differing,
    result_writes,
    rewritten,
)
from dmp.segments.rule import Computed, Segment
from dmp.segments.saved import Saved, check, chosen
from dmp.segments.sources import Population
from dmp.segments.stays import (
    REASONS,
    Inside,
    counted,
    membership_writes,
    stage_moves,
)
from dmp.storage.instants import not_before
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.write import Write, commit

MEMBER = "member"
_LOCK_TIMEOUT_S = 3600.0


def stage_members(
    lake: Lake,
    population: Population,
    segment: Segment,
    segments: Mapping[str, Segment],
    as_of: datetime,
    *,
    name: str = MEMBER,
) -> Name:
    """Stage the members of a segment at an instant: one column, `profile_key`."""
    query = compile_segment(segment, population, as_of, segments=segments)
    text = query.sql(dialect="duckdb")
    return lake.stage(name, Query(f"select {KEY} from ({text}) order by {KEY}"))


def evaluate(
    lake: Lake,
    population: Population,
    saved: Mapping[str, Saved],
    segment: str,
    as_of: datetime,
    *,
    consent_at: datetime | None = None,
) -> Evaluation:
    """Evaluate one segment; stages its members as `member` and writes nothing.

    Consent counts as it is at `consent_at`, or at `as_of` where that is None.

    Raises:
        UnknownName: no such segment.
        RuleInvalid: the rule names what the lake does not have.
    """
    one = chosen(saved, segment)
    found = judge_people(lake, saved, segment, population, as_of)
    return _evaluation(lake, one, found, as_of, consent_at or as_of)


def _evaluation(
    lake: Lake, one: Saved, found: Judged, as_of: datetime, consent_at: datetime
) -> Evaluation:
    """Stage the members of a judged segment, and return its funnel."""
    lake.stage(MEMBER, sql("select * from ({m}) order by 1", m=found.members))
    losses = _stage_consented(lake, one.segment.purpose, consent_at)
    members, consented = (_count(lake, t) for t in (MEMBER, "consented_member"))
    return _funnel(one, found, as_of, Inside(members, consented, losses, 0))


def _funnel(one: Saved, found: Judged, as_of: datetime, inside: Inside) -> Evaluation:
    return Evaluation(
        segment=one.segment.id,
        version=one.version,
        purpose=one.segment.purpose,
        as_of=as_of,
        snapshot=found.snapshot,
        people=found.people,
        members=inside.members,
        consented=inside.consented,
        after_exclusions=inside.consented,
        losses=inside.losses,
        conditions=found.conditions,
        touched=found.touched,
    )


def build(
    lake: Lake,
    saved: Mapping[str, Saved],
    names: Sequence[str],
    *,
    as_of: datetime,
    now: datetime,
    full: bool = False,
    traits: Sequence[Computed] = (),
    progress: Progress = silent,
) -> list[Evaluation]:
    """Evaluate segments and keep definition, funnel and membership intervals.

    All are checked first, then evaluated at one `as_of`: only those whom new data, time
    or a new rule has touched since the last build, or everybody with `full`. Writes
    `segment.definition`, `segment.result` and `segment.membership`; an evaluation that
    equals the stored one writes nothing. One of an instant before the newest one keeps
    its funnel and leaves memberships alone: those are told forwards only.

    Raises:
        RuleInvalid: saved rules have faults, all listed; nothing was written.
    """
    check(population_of(lake, as_of, traits=traits), saved)
    with ExitStack() as held:
        for name in sorted(set(names)):
            held.enter_context(_lock(lake, name))
        progress(0, len(names))
        judged = judge(lake, saved, names, as_of, full=full, traits=traits)
        built = _Keeping(lake, saved, judged, as_of).keep(now) if names else {}
    progress(len(names), len(names))
    return [built[name] for name in names]


def _lock(lake: Lake, name: str) -> AbstractContextManager[None]:
    """Let one process at a time build a segment: differences are kept."""
    folder = lake.root / "segment-lock" / name
    return fair_lock(folder, timeout_s=_LOCK_TIMEOUT_S, name=f"segment {name}")


@dataclass(frozen=True)
class _Keeping:
    """Segments judged at one instant, to be kept in one commit."""

    lake: Lake
    saved: Mapping[str, Saved]
    judged: Mapping[str, Judged]
    as_of: datetime

    def keep(self, now: datetime) -> dict[str, Evaluation]:
        """Write what differs from what is stored; return the funnels."""
        instants = "segment.result.computed_at", "ops.load.loaded_at"
        now = not_before(self.lake, now, *instants)
        past = self._past()
        purposes = {name: self.saved[name].segment.purpose for name in self.judged}
        stage_moves(self.lake, self.judged, purposes, past)
        inside = counted(self.lake, purposes, self.as_of)
        found = {
            name: _funnel(self.saved[name], one, self.as_of, inside[name])
            for name, one in self.judged.items()
        }
        moved = {n for n, one in inside.items() if one.moved and n not in past}
        anew = rewritten(self.lake, [self.saved[name] for name in found])
        bases = {name: one.basis for name, one in self.judged.items()}
        told = differing(self.lake, list(found.values()), bases, moved)
        writes = list(definition_writes(anew, now)) if anew else []
        if told:
            writes += result_writes(self.lake, told, bases, now)
        writes += self._membership(moved)
        if writes:
            commit(self.lake, writes, message=_message(list(found)))
        new = {one.segment for one in told} | {one.segment.id for one in anew}
        return {name: replace(one, is_new=name in new) for name, one in found.items()}

    def _past(self) -> frozenset[str]:
        """Return the segments with an evaluation of a later instant: its stays hold."""
        rows = self.lake.rows(
            "select distinct segment from segment.result where as_of > $as_of",
            as_of=self.as_of,
        )
        return frozenset(segment for (segment,) in rows)

    def _membership(self, moved: set[str]) -> Iterator[Write]:
        if not moved:
            return
        snapshot = next(iter(self.judged.values())).snapshot
        given = self.saved, list(self.judged), self.as_of, snapshot
        stage_causes(self.lake, *given)
        yield from membership_writes(self.lake, self.as_of)


def _message(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"build segment {names[0]}"
    return f"build {len(names)} segments"


def _count(lake: Lake, table: str) -> int:
    return int(lake.value(sql("select count(*) from {t}", t=Name(table))))


def _stage_consented(
    lake: Lake, purpose: str, as_of: datetime
) -> tuple[tuple[str, str, int], ...]:
    """Stage `consented_member` and return whom the step lost, by reason."""
    if not purpose:
        lake.stage("consented_member", f"select * from {MEMBER}")
        return ()
    stage_gate(lake, "gate", purpose=purpose, as_of=as_of)
    lake.stage(
        "member_consent",
        f"select {KEY}, coalesce(reason, 'no consent') as reason "
        f"from {MEMBER} left join ({REASONS}) using ({KEY})",
    )
    lake.stage(
        "consented_member",
        f"select {KEY} from member_consent where reason = 'granted' order by {KEY}",
    )
    lost = lake.rows(
        "select reason, count(*) from member_consent where reason <> 'granted' "
        "group by reason order by 2 desc, 1"
    )
    return tuple(("consented", reason, people) for reason, people in lost)
