"""The edges of windows and of date operators, as literal instants and dates.

Everything here is computed from as_of in the segment's zone, outside the SQL. Rules
between a date and an instant compare local dates, so a date literal becomes the first
instants of its day and of the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Generic, TypeVar

from dmp.segments.calendars import (
    CALENDAR_UNITS,
    day_start,
    local_date,
    move,
    move_date,
    period_start,
    resolve,
    utc,
)
from dmp.segments.rule import (
    Ago,
    Apart,
    Calendar,
    Comparison,
    Duration,
    Range,
    Regularly,
    Rolling,
    Within,
)

T = TypeVar("T", date, datetime)

_YAML_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d*))?)?"
    r"(?:[ \t]*(Z|[-+]\d\d?(?::?\d\d)?))?)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Span(Generic[T]):
    """An interval; an end that is None is open to infinity.

    Attributes:
        low_in: low itself lies in it.
        high_in: high itself lies in it.
    """

    low: T | None = None
    high: T | None = None
    low_in: bool = False
    high_in: bool = False

    def holds(self, value: T) -> bool:
        """Say whether a value lies in the interval."""
        above = (
            self.low is None or value > self.low or self.low_in * (value == self.low)
        )
        below = self.high is None or value < self.high
        return bool(above and (below or (self.high_in and value == self.high)))


@dataclass(frozen=True)
class Spans:
    """One interval for instants and the one that dates are held against.

    Attributes:
        days: None where dates cannot be compared (units below a day).
    """

    instants: Span[datetime]
    days: Span[date] | None


@dataclass(frozen=True)
class Moment:
    """The fixed point of an evaluation: one instant and the segment's zone."""

    as_of: datetime
    zone: tzinfo

    @property
    def today(self) -> date:
        """The local date of as_of."""
        return local_date(self.as_of, self.zone)

    def ago(self, n: int, unit: str) -> datetime:
        """Return the instant n units before as_of."""
        return move(self.as_of, -n, unit, self.zone)

    def start(self, day: date) -> datetime:
        """Return the first instant of a local day."""
        return day_start(day, self.zone)


def read_time(written: str, zone: tzinfo) -> date | datetime:
    """Return the date, or the instant in UTC, that a rule writes.

    An instant without offset is local to the zone. Takes ISO 8601 and YAML's forms.

    Raises:
        ValueError: it is neither.
    """
    found = _YAML_TIME.fullmatch(written.strip())
    if found is None:
        raise ValueError(f"{written!r} is no ISO 8601 date or instant")
    if found[4] is None:
        return date(int(found[1]), int(found[2]), int(found[3]))
    read = datetime.fromisoformat(_iso(found))
    return resolve(read, zone) if read.tzinfo is None else utc(read)


def _iso(found: re.Match[str]) -> str:
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    clock = f"{int(hour):02}:{minute}:{second or '00'}.{(fraction or '0')[:6]:0<6}"
    return f"{year}-{int(month):02}-{int(day):02}T{clock}{_iso_offset(offset)}"


def _iso_offset(offset: str | None) -> str:
    if offset is None or offset == "Z":
        return offset or ""
    digits = offset[1:].replace(":", "")
    padded = digits.zfill(2) + "00" if len(digits) < 3 else digits.zfill(4)
    return f"{offset[0]}{padded[:2]}:{padded[2:]}"


def within_span(within: Within | None, at: Moment) -> Span[datetime]:
    """Return the window of events; as_of ends every window at the latest."""
    end: Span[datetime] = Span(high=at.as_of, high_in=True)
    match within:
        case None:
            return end
        case Rolling(Duration(n, unit)):
            return Span(at.ago(n, unit), at.as_of, high_in=True)
        case Ago(start, stop, unit):
            return Span(at.ago(start, unit), at.ago(stop, unit), high_in=True)
        case Calendar(Duration(n, unit), include_today):
            current = period_start(at.today, unit)
            low = at.start(move_date(current, -n, unit))
            if include_today:
                return Span(low, at.as_of, low_in=True, high_in=True)
            return Span(low, at.start(current), low_in=True)
        case Range(start, stop):
            return _capped(_between(start, stop, at).instants, at)
        case Apart(after, before):
            return _capped(_apart(after, before, at), at)


def _capped(span: Span[datetime], at: Moment) -> Span[datetime]:
    if span.high is not None and span.high <= at.as_of:
        return span
    return Span(span.low, at.as_of, span.low_in, True)


def _apart(after: str | None, before: str | None, at: Moment) -> Span[datetime]:
    low = _ordered("gt", after, at).instants if after else Span[datetime]()
    high = _ordered("lt", before, at).instants if before else Span[datetime]()
    return Span(low.low, high.high, low.low_in, high.high_in)


def stretch(length: Duration, end: datetime, zone: tzinfo) -> Span[datetime]:
    """Return the rolling window (end - length, end]."""
    return Span(move(end, -length.n, length.unit, zone), end, high_in=True)


def whole_periods(node: Regularly, at: Moment) -> Iterator[Span[datetime]]:
    """Yield the last `of` whole periods, the newest first, each [start, end)."""
    end = period_start(at.today, node.per.unit)
    for _ in range(node.of):
        start = move_date(end, -node.per.n, node.per.unit)
        yield Span(at.start(start), at.start(end), low_in=True)
        end = start


def date_spans(comparison: Comparison, at: Moment) -> Spans:
    """Return the intervals of a date operator whose operands are literals."""
    op, value, unit = comparison.op, comparison.value, comparison.unit or ""
    if op in ("between", "not_between"):
        return _between(str(value), str(comparison.to), at)
    if op in ("this", "previous"):
        return _period(op, unit, at)
    if op == "between_ago":
        return _ago(comparison.start or 0, _count(comparison.to), unit, at)
    if op in ("in_last", "older_than", "in_next", "beyond"):
        return _relative(op, _count(value), unit, at)
    return _ordered(op, str(value), at)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _ordered(op: str, written: str, at: Moment) -> Spans:
    read = read_time(written, at.zone)
    if isinstance(read, datetime):
        return Spans(_side(op, read), _side(op, local_date(read, at.zone)))
    start, following = at.start(read), at.start(move_date(read, 1, "day"))
    days = _side(op, read)
    if op in ("lt", "before"):
        return Spans(Span(high=start), days)
    if op == "lte":
        return Spans(Span(high=following), days)
    if op in ("gt", "after"):
        return Spans(Span(following, low_in=True), days)
    if op == "gte":
        return Spans(Span(start, low_in=True), days)
    return Spans(Span(start, following, low_in=True), days)


def _side(op: str, edge: T) -> Span[T]:
    if op in ("lt", "before", "lte"):
        return Span(high=edge, high_in=op == "lte")
    if op in ("gt", "after", "gte"):
        return Span(edge, low_in=op == "gte")
    return Span(edge, edge, low_in=True, high_in=True)


def _between(start: str, end: str, at: Moment) -> Spans:
    low, high = _ordered("gte", start, at), _ordered("lt", end, at)
    days: Span[date] | None = None
    if low.days and high.days:
        days = Span(low.days.low, high.days.high, low.days.low_in, high.days.high_in)
    return Spans(Span(low.instants.low, high.instants.high, low_in=True), days)


def _period(op: str, unit: str, at: Moment) -> Spans:
    start = period_start(at.today, unit)
    if op == "previous":
        start = move_date(start, -1, unit)
    end = move_date(start, 1, unit)
    instants = Span(at.start(start), at.start(end), low_in=True)
    return Spans(instants, Span(start, end, low_in=True))


def _ago(start: int, end: int, unit: str, at: Moment) -> Spans:
    instants = Span(at.ago(start, unit), at.ago(end, unit), high_in=True)
    if unit not in CALENDAR_UNITS:
        return Spans(instants, None)
    low, high = (move_date(at.today, -n, unit) for n in (start, end))
    return Spans(instants, Span(low, high, high_in=True))


def _relative(op: str, n: int, unit: str, at: Moment) -> Spans:
    away = -n if op in ("in_last", "older_than") else n
    instants = _part(op, at.as_of, move(at.as_of, away, unit, at.zone))
    if unit not in CALENDAR_UNITS:
        return Spans(instants, None)
    return Spans(instants, _part(op, at.today, move_date(at.today, away, unit)))


def _part(op: str, now: T, edge: T) -> Span[T]:
    if op == "in_last":
        return Span(edge, now, high_in=True)
    if op == "older_than":
        return Span(high=edge, high_in=True)
    if op == "in_next":
        return Span(now, edge, high_in=True)
    return Span(edge)


def anniversary_days(comparison: Comparison, at: Moment) -> frozenset[int] | None:
    """Return the month * 100 + day of the anniversaries that hold; None is all.

    29 February is kept on 1 March in common years.
    """
    n = _count(comparison.value)
    if n >= 366:
        return None
    first = 0 if comparison.include_today else 1
    days = (at.today + timedelta(days=i) for i in range(first, n + 1))
    return frozenset(key for day in days for key in _kept_on(day))


def _kept_on(day: date) -> tuple[int, ...]:
    key = day.month * 100 + day.day
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    return (key, 229) if key == 301 and not leap else (key,)
