"""`sequence` as an answer from rows: events chosen in order, where any choice counts.

What a chain may still do depends on where it ends and on the deadline of its last
event, so of all chains that end at one event only the latest deadline is kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from itertools import pairwise
from typing import TypeAlias

from dmp.segments.live.nodes import SLACK, Answer, EventLeaf, stands
from dmp.segments.live.rows import Row, Timeline, inside
from dmp.segments.live.spans import (
    NEVER,
    Later,
    Now,
    is_exact,
    later,
    turns,
    window,
)
from dmp.segments.live.tracks import Candidates, Tracks
from dmp.segments.rule import Pattern, Step
from dmp.segments.rule import Sequence as Steps

_End: TypeAlias = tuple[Row, int]
"""An event at which a chain ends, and its latest deadline."""


@dataclass(frozen=True)
class _Stage:
    """A step and the rows that match it.

    Attributes:
        ends: of an instant, when the step's gap after it is over; None without a gap.
    """

    step: Step
    candidates: Candidates
    ends: Later | None


def sequence(node: Steps, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return whether events can be chosen in order, one a step."""
    stages = [_stage(step, tracks, zone) for step in node.steps]
    mine = 0
    for stage in stages:
        mine |= stage.candidates.track
    every = mine
    if any(step.immediately for step in node.steps):
        every |= tracks.candidates(Pattern(None), zone).track
    chosen = [s.candidates.track for s in stages if not s.step.absent]
    opens = window(node.within, zone)
    deadline = None if node.total is None else later(node.total, zone)
    lengths = [s.step.gap for s in stages] + [node.total]
    exact = is_exact(*(length for length in lengths if length is not None))

    monotone = int(_only_grows(stages))
    grows = monotone > 0 and all(s.candidates.where is None for s in stages)

    def answer(timeline: Timeline, now: Now) -> Answer:
        if not all([timeline.on(track) for track in chosen]):
            return False, NEVER
        opening = opens(now)
        found = [_rows(s, timeline, opening.low, opening.high, now) for s in stages]
        chain = _Chain(timeline.on(every), deadline, exact, now.micros)
        rows = timeline.on(mine)
        holds = chain.is_complete(stages, found)
        if grows and not holds and opening.exact:
            if rows[-1].first <= now.micros == opening.high:
                return False, NEVER
        until = turns(rows, opening, now, zone)
        until = min([until, *_turns(stages, timeline, rows, now, exact)])
        return holds, until

    def reach(now: Now) -> int:
        opening = opens(now)
        return opening.low - (0 if opening.exact else SLACK)

    return EventLeaf(
        every,
        answer,
        reach,
        cuts=lambda now: (),
        folds=False,
        monotone=monotone,
        lasting=grows and stands(node.within),
        stirring=_stirring(stages),
        spare=partial(_spare, stages, _Chain((), deadline, exact, NEVER), every),
    )


def _stage(step: Step, tracks: Tracks, zone: tzinfo) -> _Stage:
    ends = None if step.gap is None else later(step.gap, zone)
    return _Stage(step, tracks.candidates(step.pattern, zone), ends)


def _stirring(stages: Sequence[_Stage]) -> int:
    """Return the tracks whose newest event can change the answer, now or later.

    A chain ends with its last event and breaks by one that must be absent. What else is
    newest only begins something that a later event would have to go on.
    """
    tracks = 0
    for stage in stages:
        if stage.step.absent or any(s.candidates.where for s in stages):
            tracks |= stage.candidates.track
    return tracks | [s for s in stages if not s.step.absent][-1].candidates.track


def _only_grows(stages: Sequence[_Stage]) -> bool:
    """Say whether no further event can break a complete chain."""
    return not any(s.step.absent or s.step.immediately for s in stages)


def _rows(
    stage: _Stage, timeline: Timeline, low: int, high: int, now: Now
) -> Sequence[Row]:
    """Return the rows that match a step; a window limits those to be chosen alone."""
    found = stage.candidates.rows(timeline, now)
    if stage.step.absent:
        low, high = -NEVER, now.micros
    return inside(found, low, high)


def _spare(
    stages: Sequence[_Stage],
    chain: _Chain,
    every: int,
    timeline: Timeline,
    before: int,
) -> set[str]:
    """Return the ids of rows that neither go on a chain nor break one.

    Between two that could be chosen, one other keeps them apart as well as many. Where
    nothing can break a chain, a row that no chain leads to begins none either.
    """
    mine = 0
    for stage in stages:
        mine |= stage.candidates.track
    if any(stage.step.immediately for stage in stages):
        return {
            row.id
            for row, after in pairwise(timeline.on(every))
            if after.first <= before and not (row.tracks | after.tracks) & mine
        }
    if not _only_grows(stages):
        return set()
    rows = timeline.on(stages[0].candidates.track)
    ends, led = [(row, NEVER) for row in rows], {row.id for row in rows}
    for stage in stages[1:]:
        ends = list(chain.extended(ends, timeline.on(stage.candidates.track), stage))
        led |= {row.id for row, _ in ends}
    found = timeline.on(mine)
    return {row.id for row in found if row.first <= before and row.id not in led}


@dataclass(frozen=True)
class _Chain:
    """How chains of events are chosen.

    Attributes:
        every: the events between which steps come immediately, in order.
        deadline: of a first event, when a chain from it must have ended; None: never.
        exact: all lengths are the same wherever they begin.
        as_of: microseconds.
    """

    every: Sequence[Row]
    deadline: Later | None
    exact: bool
    as_of: int

    def is_complete(
        self, stages: Sequence[_Stage], found: Sequence[Sequence[Row]]
    ) -> bool:
        """Say whether some rows, one of each stage's, make a chain."""
        ends = [(row, self._deadline(row)) for row in found[0]]
        last = len(stages) - 1
        for n, (stage, rows) in enumerate(zip(stages, found, strict=True)):
            if not ends:
                return False
            if stage.step.absent:
                ends = list(self._still_absent(ends, rows, stage))
            elif n == last > 0:
                return self._goes_on(ends, rows, stage)
            elif n:
                ends = list(self.extended(ends, rows, stage))
        return any(row.first <= deadline for row, deadline in ends)

    def _goes_on(
        self, ends: Sequence[_End], rows: Sequence[Row], stage: _Stage
    ) -> bool:
        """Say whether a row ends one of the chains: the first that comes, or none."""
        for end, deadline in ends:
            place = bisect_right(rows, end)
            if place == len(rows):
                return False
            row = rows[place]
            if row.first <= deadline and self._may_follow(row, end, stage):
                return True
        return False

    def _deadline(self, row: Row) -> int:
        return NEVER if self.deadline is None else self.deadline(row.first)

    def _still_absent(
        self, ends: Sequence[_End], such: Sequence[Row], stage: _Stage
    ) -> Iterator[_End]:
        """Yield the ends after whose gap, which is over, nothing such had come."""
        assert stage.ends is not None, "what is absent is so for a time"
        for row, deadline in ends:
            over = stage.ends(row.first)
            if over > self.as_of:
                continue
            place = bisect_left(such, (row.first + 1,))
            if place == len(such) or such[place].first > over:
                yield row, deadline

    def extended(
        self, ends: Sequence[_End], rows: Sequence[Row], stage: _Stage
    ) -> Iterator[_End]:
        """Yield the rows that go on one of the chains.

        With exact lengths the latest end before a row reaches furthest and has the
        latest deadline; with months each end is tried.
        """
        past = 0
        for row in rows:
            while past < len(ends) and ends[past][0] < row:
                past += 1
            best = -NEVER
            for end, deadline in ends[max(past - 1, 0) if self.exact else 0 : past]:
                if deadline > best and self._may_follow(row, end, stage):
                    best = deadline
            if best > -NEVER:
                yield row, best

    def _may_follow(self, row: Row, end: Row, stage: _Stage) -> bool:
        """Say whether a later row may be chosen next."""
        if stage.step.immediately:
            if self.every[bisect_left(self.every, row) - 1].id != end.id:
                return False
        return stage.ends is None or stage.ends(end.first) >= row.first


def _turns(
    stages: Sequence[_Stage],
    timeline: Timeline,
    rows: Sequence[Row],
    now: Now,
    exact: bool,
) -> Iterator[int]:
    """Yield when relative conditions change, and when the time of absence is over."""
    for stage in stages:
        yield stage.candidates.until(timeline, now)
        if stage.step.absent and stage.ends is not None:
            for row in reversed(rows):
                over = stage.ends(row.first)
                if over > now.micros:
                    yield over
                elif exact:
                    break
