"""Windows as whole microseconds, and when time alone next moves what lies in them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from operator import add
from typing import Any, NamedTuple, TypeAlias

from dmp.segments.calendars import (
    LAST,
    MONTHS,
    SECONDS,
    local_time,
    move,
    move_date,
    period_start,
    utc,
)
from dmp.segments.rule import Ago, Calendar, Duration, Rolling, Within
from dmp.segments.windows import Moment, Span, within_span

NEVER = 1 << 62
"""Microseconds past any instant; -NEVER lies before all."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

Shared: TypeAlias = dict[Hashable, tuple[int, int, Any]]
"""What was found, with the microseconds [begun, until) at which it holds."""

Later: TypeAlias = Callable[[int], int]
"""Moves an instant, in microseconds."""

Times: TypeAlias = Sequence[tuple[Any, ...]]
"""Tuples that begin with microseconds, as rows do."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(instant: datetime) -> int:
    """Return microseconds since 1970; without an offset the instant is UTC."""
    since = (instant if instant.tzinfo is UTC else utc(instant)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def instant(at: int) -> datetime:
    """Return the instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


class Now:
    """One as_of, and what was computed for it, each once.

    What holds for a while is shared between instants that are near each other.
    """

    def __init__(self, as_of: datetime, shared: Shared | None = None) -> None:
        """Fix the instant.

        Args:
            as_of: without an offset it is UTC.
            shared: what instants before have found out; this one adds to it.
        """
        self.as_of = utc(as_of)
        self.micros = micros(self.as_of)
        self._kept: dict[Hashable, Any] = {}
        self._shared: Shared = {} if shared is None else shared

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` gave when first asked under this key."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def shared(self, key: Hashable, make: Callable[[], tuple[Any, int]]) -> Any:
        """Return what `make` gave, with until when it holds, at an as_of before."""
        begun, until, found = self._shared.get(key, (0, 0, None))
        if not begun <= self.micros < until:
            found, until = make()
            self._shared[key] = self.micros, until, found
        return found

    def moment(self, zone: tzinfo) -> Moment:
        """Return as_of in a zone."""
        return Moment(self.as_of, zone)

    def turn(self, unit: str, zone: tzinfo) -> int:
        """Return when the next local day, week, month, … begins."""

        def make() -> tuple[int, int]:
            at = self.moment(zone)
            turn = micros(at.start(move_date(period_start(at.today, unit), 1, unit)))
            return turn, turn

        return int(self.shared(("turn", unit, zone), make))

    def ago(self, length: Duration, zone: tzinfo) -> int:
        """Return the instant a duration before as_of (n < 0: after it)."""
        if length.unit in SECONDS:
            return self.micros - length.n * SECONDS[length.unit] * SECOND

        def make() -> tuple[int, int]:
            edge = micros(self.moment(zone).ago(length.n, length.unit))
            jump = min(self.turn("day", zone), clock_change(edge, self, zone))
            return edge - self.micros, jump

        return self.micros + int(self.shared((length, zone), make))


class Opening(NamedTuple):
    """A window of events at one as_of.

    Attributes:
        low: the first microsecond inside.
        high: the last one inside.
        edges: what moves with as_of: an event crosses when an edge reaches it.
        turn: when the window jumps, at the latest; NEVER where it only slides.
        exact: the edges move as time does; those of months may jump at midnight.
    """

    low: int
    high: int
    edges: tuple[int, ...] = ()
    turn: int = NEVER
    exact: bool = True


Window = Callable[[Now], Opening]


def window(within: Within | None, zone: tzinfo) -> Window:
    """Return what opens a window at an as_of; as_of ends it at the latest."""
    if within is None:
        return lambda now: Opening(-NEVER, now.micros)
    if isinstance(within, Rolling) and within.length.unit in SECONDS:
        length = within.length.n * SECONDS[within.length.unit] * SECOND
        return lambda now: _rolling(now.micros - length, now)
    if isinstance(within, Rolling):
        months = within.length
        return lambda now: _rolling(now.ago(months, zone), now, exact=False)
    if isinstance(within, Ago):
        return lambda now: _between(within, zone, now)
    if isinstance(within, Calendar):
        key = object()
        return lambda now: _capped(
            now.shared(key, lambda: _periods(within, zone, now)), now
        )
    written = Opening(*limits(within_span(within, Moment(LAST, zone))))
    return lambda now: _capped(written, now)


def _rolling(edge: int, now: Now, exact: bool = True) -> Opening:
    return Opening(edge + 1, now.micros, (edge,), NEVER, exact)


def _between(within: Ago, zone: tzinfo, now: Now) -> Opening:
    start, stop = Duration(within.start, within.unit), Duration(within.end, within.unit)
    low = now.ago(start, zone)
    high = now.ago(stop, zone) if within.end else now.micros
    return Opening(low + 1, high, (low, high), NEVER, is_exact(start))


def _periods(within: Calendar, zone: tzinfo, now: Now) -> tuple[Opening, int]:
    """Return the window of whole periods, and until when it is that."""
    low, high = limits(within_span(within, now.moment(zone)))
    turn = now.turn(within.length.unit, zone)
    return Opening(low, NEVER if within.include_today else high, turn=turn), turn


def _capped(opening: Opening, now: Now) -> Opening:
    if opening.high <= now.micros:
        return opening
    return Opening(opening.low, now.micros, *opening[2:])


def limits(span: Span[datetime]) -> tuple[int, int]:
    """Return the first and the last microsecond of an interval."""
    low = -NEVER if span.low is None else micros(span.low) + (not span.low_in)
    high = NEVER if span.high is None else micros(span.high) - (not span.high_in)
    return low, high


_SLACK = 10 * DAY
"""How far the edge of a window of months may jump, twice over, with room to spare."""


def crossing(
    times: Times, edge: int, now: Now, zone: tzinfo, exact: bool = True
) -> int:
    """Return when the edge of a window first reaches one of the times; NEVER if none.

    Nothing crosses before it. An edge of months moves by another length at each local
    midnight, and back and forth where the zone changes its clock: days before one that
    is near a time, only the next such jump is foretold.

    Args:
        times: ascending.
        edge: where it is at as_of.
        now: as_of.
        zone: the segment's.
        exact: the edge moves as time does.
    """
    ahead = _next(times, edge)
    if exact or ahead == NEVER:
        found = ahead
    else:
        found = ahead - _SLACK if ahead > edge + _SLACK else ahead
    if not exact and _next(times, edge - _SLACK) <= edge + _SLACK:
        jump = min(now.turn("day", zone), clock_change(edge, now, zone))
        return min(now.micros + found - edge, jump)
    return now.micros + found - edge if found < NEVER else NEVER


def _next(times: Times, after: int) -> int:
    """Return the first time that is later; NEVER if there is none."""
    place = bisect_left(times, (after + 1,))
    return int(times[place][0]) if place < len(times) else NEVER


def clock_change(edge: int, now: Now, zone: tzinfo) -> int:
    """Return the next minute where a clock changes around as_of or the edge."""
    for at in (now.as_of, instant(edge)):
        before, after = at - timedelta(hours=26), at + timedelta(hours=26)
        shifts = [local_time(t, zone) - t.replace(tzinfo=None) for t in (before, after)]
        if shifts[0] != shifts[1]:
            return now.micros // MINUTE * MINUTE + MINUTE
    return NEVER


def turns(times: Times, opening: Opening, now: Now, zone: tzinfo) -> int:
    """Return when time alone can first change which of the times a window holds."""
    found = min(opening.turn, crossing(times, now.micros, now, zone))
    for edge in opening.edges:
        found = min(found, crossing(times, edge, now, zone, opening.exact))
    return found


def is_exact(*lengths: Duration) -> bool:
    """Say whether durations are the same wherever they begin."""
    return not any(length.unit in MONTHS for length in lengths)


def later(length: Duration, zone: tzinfo, times: int = 1) -> Later:
    """Return what moves an instant a duration later, or -1 times it: before."""
    if length.unit in SECONDS:
        return partial(add, times * length.n * SECONDS[length.unit] * SECOND)
    return lambda at: micros(move(instant(at), times * length.n, length.unit, zone))
