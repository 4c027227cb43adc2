"""The nodes about events as answers from rows: did, last, first, lifecycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TypeAlias

from dmp.segments.live.clauses import are_relative, every, keys_of, turn_of
from dmp.segments.live.comparing import Test, number_test
from dmp.segments.live.rows import (
    Row,
    Timeline,
    added,
    flag,
    numbers,
    places,
    texts,
)
from dmp.segments.live.spans import (
    DAY,
    NEVER,
    Now,
    Opening,
    Window,
    instant,
    is_exact,
    turns,
    window,
)
from dmp.segments.live.tracks import Candidates, Tracks, number_of
from dmp.segments.live.values import as_number, as_text, finder, roots
from dmp.segments.rule import (
    Apart,
    Comparison,
    Did,
    Endmost,
    Range,
    Rolling,
    Total,
    Within,
)

Answer: TypeAlias = tuple[bool, int]
Measure: TypeAlias = Callable[[Sequence[Row], Now], bool]
SLACK = 20 * DAY


@dataclass(frozen=True)
class EventLeaf:
    """A condition on events.

    Attributes:
        tracks: the bits of those it reads.
        answer: whether it holds, and when time alone can first change that.
        reach: before which instant it needs no events, now and later.
        cuts: instants that no bucket may reach across at an as_of.
        folds: it can be answered from buckets.
        monotone: 1 where more events can only make it true, -1 where they can only
            make it false, 0 where they can do either.
        lasting: once it holds, neither time nor more events end it.
        stirring: of the tracks, those whose newest event can change the answer.
        steady: while time alone is to change the answer, a newest event does not.
        spare: the ids of the rows up to an instant that no answer needs any more,
            where all events to come are later than it.
    """

    tracks: int
    answer: Callable[[Timeline, Now], Answer]
    reach: Callable[[Now], int]
    cuts: Callable[[Now], Sequence[int]]
    folds: bool
    monotone: int = 0
    lasting: bool = False
    stirring: int = -1
    steady: bool = False
    spare: Callable[[Timeline, int], Set[str]] | None = None


def did(node: Did, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return whether the count or the total satisfies its comparison."""
    candidates = tracks.candidates(node.pattern, zone)
    monotone = _monotone(node.measure)
    if isinstance(node.measure, Total):
        measure = _total(node.measure, candidates, tracks)
        return _windowed(candidates, node.within, zone, measure, monotone)
    fits = number_test(node.measure)

    def count(rows: Sequence[Row], now: Now) -> bool:
        return fits(sum([row.n for row in rows]))

    leaf = _windowed(candidates, node.within, zone, count, monotone)
    lasting = monotone > 0 and stands(node.within) and candidates.where is None
    return replace(leaf, lasting=lasting)


def _monotone(measure: Comparison | Total) -> int:
    """Return which way more events can turn the answer, as `EventLeaf` has it."""
    total = measure if isinstance(measure, Total) else None
    comparison = measure.comparison if isinstance(measure, Total) else measure
    upward = {"gt": 1, "gte": 1, "lt": -1, "lte": -1}.get(comparison.op, 0)
    if total is None or total.agg == "distinct":
        return upward
    if comparison.include_missing or total.agg not in ("min", "max"):
        return 0
    return max(upward if total.agg == "max" else -upward, 0)


def stands(within: Within | None) -> bool:
    """Say whether no event ever leaves a window."""
    return within is None or isinstance(within, Apart | Range)


def _total(total: Total, candidates: Candidates, tracks: Tracks) -> Measure:
    find, track = finder(total.property), number_of(candidates)
    keys = roots(total.property)
    fits = number_test(total.comparison)
    if total.agg == "distinct":
        column = tracks.column(
            track, total.property, lambda row: as_text(find(row)), keys, "text"
        )
        return lambda rows, now: fits(len(texts(rows, column)))
    column = tracks.column(
        track, total.property, lambda row: as_number(find(row)), keys, "number"
    )
    return lambda rows, now: _judged(total.agg, rows, column, fits)


def _judged(
    agg: str, rows: Sequence[Row], column: int, fits: Callable[[float | None], bool]
) -> bool:
    found = numbers(rows, column)
    if found is None:
        return agg == "sum" and fits(0.0)
    if agg == "min":
        return fits(found.low)
    if agg == "max":
        return fits(found.high)
    whole = added(found.parts)
    return fits(whole if agg == "sum" else whole / found.n)


def _windowed(
    candidates: Candidates,
    within: Within | None,
    zone: tzinfo,
    measure: Measure,
    monotone: int = 0,
    folds: bool = True,
) -> EventLeaf:
    opens, still = window(within, zone), candidates.where is None
    of_nothing = measure((), Now(instant(0)))

    track = candidates.track

    def answer(timeline: Timeline, now: Now) -> Answer:
        found = timeline.on(track) if still else candidates.rows(timeline, now)
        if not found and still:
            return of_nothing, NEVER
        opening = opens(now)
        start, end = places(found, opening.low, opening.high)
        until = _until(found, start, end, opening, now, zone)
        if not still:
            until = min(until, candidates.until(timeline, now))
        return measure(found[start:end], now), until

    return EventLeaf(
        candidates.track, answer, _low(opens), _ends(opens), folds and still, monotone
    )


def _until(
    found: Sequence[Row], start: int, end: int, opening: Opening, now: Now, zone: tzinfo
) -> int:
    """Return when time alone can first change which rows a window holds.

    Args:
        found: the rows, of which it holds those from start up to end.
    """
    if not opening.exact or opening.high != now.micros:
        return turns(found, opening, now, zone)
    until = opening.turn
    if end < len(found):
        until = min(until, found[end].first)
    if opening.edges and start < len(found):
        until = min(until, now.micros + found[start].first - opening.edges[0])
    return until


def _low(opens: Window) -> Callable[[Now], int]:
    def reach(now: Now) -> int:
        opening = opens(now)
        return opening.low - (0 if opening.exact else SLACK)

    return reach


def _ends(opens: Window) -> Callable[[Now], Sequence[int]]:
    def cuts(now: Now) -> Sequence[int]:
        opening = opens(now)
        return (opening.low, opening.high + 1)

    return cuts


def endmost(node: Endmost, tracks: Tracks, zone: tzinfo) -> EventLeaf:
    """Return whether the latest (earliest) candidate satisfies `has`."""
    candidates = tracks.candidates(node.pattern, zone)
    track, has = number_of(candidates), every(node.has, zone)
    if has is None:
        return _windowed(candidates, node.within, zone, lambda rows, now: bool(rows), 1)
    if are_relative(node.has):
        return _endmost_by_time(node, candidates, has, tracks, zone)
    still, at = has, Now(instant(0))
    column = tracks.column(
        track,
        (node.has, zone),
        lambda given: still(given, at),
        keys_of(node.has),
        "flag",
    )

    def measure(rows: Sequence[Row], now: Now) -> bool:
        return bool(rows) and flag(rows, column, node.latest)

    leaf = _windowed(candidates, node.within, zone, measure)
    if candidates.where is not None:
        return leaf
    if not node.latest:
        return replace(leaf, steady=_slides(node.within))
    opens = window(node.within, zone)

    def answer(timeline: Timeline, now: Now) -> Answer:
        found, opening = timeline.on(candidates.track), opens(now)
        if not _ends_in(found, opening, now):
            return leaf.answer(timeline, now)
        until, newest = opening.turn, found[-1]
        if opening.edges:
            until = min(until, now.micros + newest.first - opening.edges[0])
        return flag((newest,), column, True), until

    return replace(leaf, answer=answer)


def _slides(within: Within | None) -> bool:
    """Say whether a window is a length of time up to as_of."""
    return isinstance(within, Rolling) and is_exact(within.length)


def _ends_in(found: Sequence[Row], opening: Opening, now: Now) -> bool:
    """Say whether the newest row is past and in a window that only slides."""
    if not found or opening.high != now.micros or not opening.exact:
        return False
    newest = found[-1]
    return opening.low <= newest.first and newest.last <= now.micros


def _endmost_by_time(
    node: Endmost, candidates: Candidates, has: Test, tracks: Tracks, zone: tzinfo
) -> EventLeaf:
    column = tracks.raw(number_of(candidates), node.has)
    turn, place = turn_of(node.has, zone), -1 if node.latest else 0

    def measure(rows: Sequence[Row], now: Now) -> bool:
        return bool(rows) and has(rows[place].values[column], now)

    leaf = _windowed(candidates, node.within, zone, measure, folds=False)

    def answer(timeline: Timeline, now: Now) -> Answer:
        found, until = leaf.answer(timeline, now)
        mine = timeline.on(candidates.track)
        return found, min([until, *(turn(row.values[column], now) for row in mine)])

    return EventLeaf(candidates.track, answer, leaf.reach, leaf.cuts, False)
