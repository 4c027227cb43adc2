"""When a job is due: cron expressions in a time zone, over changes of the clock.

As Debian's cron: where the clock jumps ahead, what fell into the gap is due at its
end; where it goes back, a fixed hour is due once, the first time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_ANY = datetime(2026, 1, 1, tzinfo=UTC)
_FARTHEST = timedelta(days=366)
"""What was due longer ago than this is forgotten."""
Missed = Literal["latest", "all", "skip"]


def cron_fault(expression: str) -> str:
    """Return what is wrong with an expression; empty where nothing is.

    >>> cron_fault("30 2 * * *"), cron_fault("99 2 * * *")
    ('', 'Bad minute')
    """
    try:
        if next(CronSim(expression, _ANY), None) is None:
            return "is never due"
    except CronSimError as error:
        return str(error)
    return ""


def upcoming(expression: str, zone: str, since: datetime) -> Iterator[datetime]:
    """Yield the instants after `since` at which an expression is due, in UTC.

    >>> ahead = upcoming("30 1 * * *", "Europe/London", datetime(2026, 3, 28, 9, 0,
    ...     tzinfo=UTC))
    >>> [f"{at:%m-%d %H:%M}" for at in islice(ahead, 2)]
    ['03-29 01:00', '03-30 00:30']
    """
    for at in CronSim(expression, since.astimezone(ZoneInfo(zone))):
        yield at.astimezone(UTC)


def due(
    expression: str, zone: str, *, since: datetime, until: datetime
) -> list[datetime]:
    """Return the instants in (since, until] at which an expression was due, in UTC."""
    since = max(since, until - _FARTHEST)
    return [*takewhile(lambda at: at <= until, upcoming(expression, zone, since))]


def next_due(expression: str, zone: str, since: datetime, count: int) -> list[datetime]:
    """Return the next `count` instants after `since`, in UTC."""
    return [*islice(upcoming(expression, zone, since), count)]


def to_run(
    found: Sequence[datetime], missed: Missed, *, now: datetime, grace: timedelta
) -> tuple[list[datetime], list[datetime]]:
    """Split instants that were due into those to run now and those that are missed."""
    if missed == "all":
        return [*found], []
    if missed == "latest":
        return [*found[-1:]], [*found[:-1]]
    kept = [at for at in found if now - at <= grace]
    return kept, [at for at in found if now - at > grace]
