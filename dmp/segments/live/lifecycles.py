"""The states of `lifecycle` as answers from rows."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import tzinfo

from dmp.segments.live.nodes import SLACK, Answer, EventLeaf
from dmp.segments.live.rows import Cut, Row, Timeline, inside
from dmp.segments.live.spans import (
    NEVER,
    Now,
    Opening,
    clock_change,
    instant,
    is_exact,
    later,
    limits,
    turns,
    window,
)
from dmp.segments.live.tracks import Tracks
from dmp.segments.rule import (
    Duration,
    FirstTime,
    Pattern,
    Regularly,
    Restarted,
    Stopped,
)
from dmp.segments.windows import whole_periods


def first_time(node: FirstTime, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return whether the first event that ever matched lies in the window."""
    candidates = tracks.candidates(node.pattern, zone)
    opens = window(node.within, zone)

    def answer(timeline: Timeline, now: Now) -> Answer:
        found, opening = candidates.rows(timeline, now), opens(now)
        until = candidates.until(timeline, now)
        if not found:
            return False, until
        first = found[0].first
        holds = opening.low <= first <= opening.high
        return holds, min(until, turns(found[:1], opening, now, zone))

    folds = candidates.where is None
    return EventLeaf(candidates.track, answer, _always, lambda now: (), folds)


def stopped(node: Stopped, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return: did in `active`, which ends where `silent` begins, not in `silent`."""

    def judge(found: Sequence[Row], near: int, far: int, now: Now) -> bool:
        active = inside(found, far + 1, near)
        return bool(active) and not inside(found, near + 1, now.micros)

    return _two_spells(node.pattern, node.silent, node.active, tracks, zone, judge)


def restarted(node: Restarted, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return: did in `active`, not in `silent` before it, and some time before."""

    def judge(found: Sequence[Row], near: int, far: int, now: Now) -> bool:
        if not inside(found, near + 1, now.micros) or inside(found, far + 1, near):
            return False
        return bool(inside(found, -NEVER, far))

    leaf = _two_spells(node.pattern, node.active, node.silent, tracks, zone, judge)
    return EventLeaf(leaf.tracks, leaf.answer, _always, leaf.cuts, leaf.folds)


def _two_spells(
    pattern: Pattern,
    near: Duration,
    far: Duration,
    tracks: Tracks,
    zone: tzinfo,
    judge: Callable[[Sequence[Row], int, int, Now], bool],
) -> EventLeaf:
    """Return a leaf about the spell of length `near` and the one before it."""
    candidates, exact = tracks.candidates(pattern, zone), is_exact(near, far)
    before = later(far, zone, times=-1)

    def edges(now: Now) -> tuple[int, int]:
        recent = now.ago(near, zone)
        return recent, before(recent)

    def answer(timeline: Timeline, now: Now) -> Answer:
        found, (recent, distant) = candidates.rows(timeline, now), edges(now)
        opening = Opening(distant, now.micros, (recent, distant), exact=exact)
        until = turns(found, opening, now, zone)
        if found and not exact:
            until = min(until, _next_jump(recent, now, zone))
        until = min(until, candidates.until(timeline, now))
        return judge(found, recent, distant, now), until

    def cuts(now: Now) -> Sequence[int]:
        return [edge + 1 for edge in edges(now)]

    def reach(now: Now) -> int:
        return edges(now)[1] - (0 if exact else SLACK)

    return EventLeaf(candidates.track, answer, reach, cuts, candidates.where is None)


def _next_jump(recent: int, now: Now, zone: tzinfo) -> int:
    """Return when the edge that a spell of months is counted from may make it jump."""
    midnight = Now(instant(recent)).turn("day", zone)
    return min(now.micros + midnight - recent, clock_change(recent, now, zone))


def regularly(node: Regularly, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return whether enough of the last whole periods hold enough events."""
    candidates, key = tracks.candidates(node.pattern, zone), object()

    def starts(now: Now) -> list[int]:
        found: list[int] = now.shared(key, lambda: _starts(node, zone, now))
        return found

    def answer(timeline: Timeline, now: Now) -> Answer:
        found, edges = candidates.rows(timeline, now), starts(now)
        counts: Counter[int] = Counter()
        for row in found:
            place = bisect_right(edges, row.first)
            if bisect_right(edges, row.last) != place:
                raise Cut
            counts[place] += row.n
        whole = range(1, len(edges))
        good = sum(n >= node.times for place, n in counts.items() if place in whole)
        until = now.turn(node.per.unit, zone) if found else NEVER
        return good >= node.at_least, min(until, candidates.until(timeline, now))

    folds = candidates.where is None
    return EventLeaf(
        candidates.track, answer, lambda now: starts(now)[0], starts, folds
    )


def _starts(node: Regularly, zone: tzinfo, now: Now) -> tuple[list[int], int]:
    """Return the starts of the last whole periods and the end of all, ascending.

    Beside it, until when they are that.
    """
    found = [limits(span) for span in whole_periods(node, now.moment(zone))]
    starts = sorted({found[0][1] + 1, *(low for low, _ in found)})
    return starts, now.turn(node.per.unit, zone)


def _always(now: Now) -> int:
    return -NEVER
