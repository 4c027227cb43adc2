"""`sequence` as an answer from rows: events chosen in order, where any choice counts.

What a chain may still do depends on where it ends and on the deadline of its last
event, so of all chains that end at one event only the latest deadline is kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeAlias

from dmp.segments.live.nodes import SLACK, Answer, EventLeaf
from dmp.segments.live.rows import Row, Timeline, inside
from dmp.segments.live.spans import NEVER, Now, is_exact, later, turns, window
from dmp.segments.live.tracks import Candidates, Tracks
from dmp.segments.rule import Apart, Duration, Pattern, Range, Step
from dmp.segments.rule import Sequence as Steps

_End: TypeAlias = tuple[Row, int]
"""An event at which a chain ends, and its latest deadline."""


@dataclass(frozen=True)
class _Stage:
    """A step and the rows that match it."""

    step: Step
    candidates: Candidates

    @property
    def absent(self) -> Duration | None:
        """For how long no such event may follow; None where one is to be chosen."""
        return self.step.gap if self.step.absent else None


def sequence(node: Steps, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return whether events can be chosen in order, one a step."""
    stages = [_Stage(s, tracks.candidates(s.pattern, zone)) for s in node.steps]
    mine = 0
    for stage in stages:
        mine |= stage.candidates.track
    every = mine
    if any(step.immediately for step in node.steps):
        every |= tracks.candidates(Pattern(None), zone).track
    chosen = [s.candidates.track for s in stages if not s.step.absent]
    opens = window(node.within, zone)

    def answer(timeline: Timeline, now: Now) -> Answer:
        if not all(timeline.on(track) for track in chosen):
            return False, NEVER
        opening = opens(now)
        found = [_rows(s, timeline, opening.low, opening.high, now) for s in stages]
        holds = _is_complete(stages, found, timeline.on(every), node.total, now, zone)
        rows = timeline.on(mine)
        until = turns(rows, opening, now, zone)
        return holds, min([until, *_turns(stages, timeline, rows, now, zone)])

    def reach(now: Now) -> int:
        opening = opens(now)
        return opening.low - (0 if opening.exact else SLACK)

    lasting, stirring = _only_grows(node, stages), _stirring(stages)
    return EventLeaf(every, answer, reach, lambda now: (), False, lasting, stirring)


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


def _only_grows(node: Steps, stages: Sequence[_Stage]) -> bool:
    """Say whether neither time nor more events can break a complete chain."""
    still = node.within is None or isinstance(node.within, Apart | Range)
    firm = all(
        not (s.step.absent or s.step.immediately or s.candidates.where) for s in stages
    )
    return still and firm


def _rows(
    stage: _Stage, timeline: Timeline, low: int, high: int, now: Now
) -> Sequence[Row]:
    """Return the rows that match a step; a window limits those to be chosen alone."""
    found = stage.candidates.rows(timeline, now)
    if stage.step.absent:
        low, high = -NEVER, now.micros
    return inside(found, low, high)


def _is_complete(
    stages: Sequence[_Stage],
    found: Sequence[Sequence[Row]],
    every: Sequence[Row],
    total: Duration | None,
    now: Now,
    zone: tzinfo,
) -> bool:
    ends: Iterable[_End] = ((row, _deadline(row, total, zone)) for row in found[0])
    for stage, rows in zip(stages[1:], found[1:], strict=True):
        before = list(ends)
        if not before:
            return False
        if stage.absent is not None:
            ends = _still_absent(before, rows, stage.absent, now, zone)
        else:
            ends = _extended(before, rows, stage.step, total, every, zone)
    return any(row.first <= deadline for row, deadline in ends)


def _deadline(row: Row, total: Duration | None, zone: tzinfo) -> int:
    return NEVER if total is None else later(row.first, total, zone)


def _still_absent(
    ends: Sequence[_End], such: Sequence[Row], gap: Duration, now: Now, zone: tzinfo
) -> Iterator[_End]:
    """Yield the ends after whose gap, which is over, nothing such had come."""
    for row, deadline in ends:
        start, end = row.first, later(row.first, gap, zone)
        if end <= now.micros and not any(start < r.first <= end for r in such):
            yield row, deadline


def _extended(
    ends: Sequence[_End],
    rows: Sequence[Row],
    step: Step,
    total: Duration | None,
    every: Sequence[Row],
    zone: tzinfo,
) -> Iterator[_End]:
    """Yield the rows that go on one of the chains.

    With exact lengths the latest end before a row reaches furthest and has the latest
    deadline; with months each end is tried.
    """
    enough = is_exact(*(length for length in (step.gap, total) if length is not None))
    past = 0
    for row in rows:
        while past < len(ends) and ends[past][0] < row:
            past += 1
        best = -NEVER
        for end, deadline in ends[max(past - 1, 0) : past] if enough else ends[:past]:
            if deadline > best and _may_follow(row, end, step, every, zone):
                best = deadline
        if best > -NEVER:
            yield row, best


def _may_follow(
    row: Row, end: Row, step: Step, every: Sequence[Row], zone: tzinfo
) -> bool:
    """Say whether a later row may be chosen next."""
    if step.immediately and every[bisect_left(every, row) - 1].id != end.id:
        return False
    return step.gap is None or later(end.first, step.gap, zone) >= row.first


def _turns(
    stages: Sequence[_Stage],
    timeline: Timeline,
    rows: Sequence[Row],
    now: Now,
    zone: tzinfo,
) -> list[int]:
    """Return when relative conditions change, and when the time of absence is over."""
    found = []
    for stage in stages:
        found.append(stage.candidates.until(timeline, now))
        if stage.absent is not None:
            overs = (later(row.first, stage.absent, zone) for row in rows)
            found += [over for over in overs if over > now.micros]
    return found
