"""Local time: moving instants and dates, and where local days and periods begin.

All in Python, with `zoneinfo`, once per evaluation. Results past year 1 or 9999 stay
at that end.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 30, tzinfo=UTC)

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
UNITS = (*SECONDS, *MONTHS)
CALENDAR_UNITS = ("day", "week", "month", "quarter", "year")


def resolve(local: datetime, zone: tzinfo) -> datetime:
    """Return the instant of a local time without offset.

    A skipped local time moves forward by the gap, a repeated one is the earlier.

    >>> resolve(datetime(2025, 3, 30, 1, 30), ZoneInfo("Europe/London")).isoformat()
    '2025-03-30T01:30:00+00:00'
    """
    try:
        return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        return FIRST if local.year < 5000 else LAST


def local_time(instant: datetime, zone: tzinfo) -> datetime:
    """Return the local wall time of an instant, without offset."""
    return instant.astimezone(zone).replace(tzinfo=None)


def move(instant: datetime, n: int, unit: str, zone: tzinfo) -> datetime:
    """Return the instant n units later (n < 0: earlier).

    Seconds to weeks are exact durations. Months, quarters and years move the local
    date, clamped to the month's last day, and keep the local time of day.

    >>> move(datetime(2024, 3, 31, tzinfo=UTC), -1, "month", UTC).date().isoformat()
    '2024-02-29'
    """
    if n == 0:
        return instant
    try:
        if unit in SECONDS:
            return _clamped(instant + timedelta(seconds=n * SECONDS[unit]))
        wall = local_time(instant, zone)
        moved = _months_later(wall.date(), n * MONTHS[unit])
        return _clamped(resolve(datetime.combine(moved, wall.time()), zone))
    except (OverflowError, ValueError):
        return LAST if n > 0 else FIRST


def _clamped(instant: datetime) -> datetime:
    return min(max(instant, FIRST), LAST)


def move_date(day: date, n: int, unit: str) -> date:
    """Return the date n units later; units of a day or more."""
    try:
        if unit in SECONDS:
            return day + timedelta(days=n * (SECONDS[unit] // SECONDS["day"]))
        return _months_later(day, n * MONTHS[unit])
    except (OverflowError, ValueError):
        return LAST.date() if n > 0 else FIRST.date()


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def day_start(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a local day."""
    return resolve(datetime.combine(day, time()), zone)


def local_date(instant: datetime, zone: tzinfo) -> date:
    """Return the local day that has begun last at an instant.

    It is the wall date, but for the minutes after a midnight that repeats.
    """
    wall = local_time(instant, zone).date()
    following = move_date(wall, 1, "day")
    return following if day_start(following, zone) <= instant else wall


def period_start(day: date, unit: str) -> date:
    """Return the first day of the day's week (Monday), month, quarter or year.

    >>> period_start(date(2025, 5, 14), "quarter").isoformat()
    '2025-04-01'
    """
    if unit == "day":
        return day
    if unit == "week":
        return move_date(day, -day.weekday(), "day")
    months = MONTHS[unit]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def utc(instant: datetime) -> datetime:
    """Return the instant in UTC; without an offset it is taken as UTC."""
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    return instant.astimezone(UTC)


def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return timezone.utc if name == "UTC" else ZoneInfo(name)  # noqa: UP017
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"no time zone {name!r}") from error
