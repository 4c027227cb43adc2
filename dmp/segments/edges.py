"""The edges of windows, and which rows lie between two places of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from dmp.segments.calendars import MONTHS, move, zone_of
from dmp.segments.rule import (
    Attribute,
    Computed,
    Did,
    Duration,
    Endmost,
    FirstTime,
    Leaf,
    Pattern,
    Regularly,
    Restarted,
    Stopped,
)
from dmp.segments.rule import (
    Sequence as Steps,
)
from dmp.segments.windows import (
    Moment,
    Span,
    date_spans,
    stretch,
    whole_periods,
    within_span,
)

_SLACK = timedelta(days=4)
"""How far months may move an edge away from where it is expected."""


class Rows(NamedTuple):
    """Rows of an entity that decide about somebody.

    Attributes:
        entity: event or transaction.
        pattern: those that match; it takes every row of a transaction.
        zone: that its dates are read in.
    """

    entity: str
    pattern: Pattern
    zone: tzinfo


class Passed(NamedTuple):
    """What an edge passed over: the rows between its two places.

    Attributes:
        low_in: whether low itself is among them; high is.
    """

    rows: Rows
    low: datetime
    high: datetime
    low_in: bool = True


TRAIT_OF = {
    "first_event_at": "event",
    "last_event_at": "event",
    "first_order_at": "transaction",
    "last_order_at": "transaction",
}
"""Traits that are the instant of some row: who has the trait there has the row."""
ENTITY_OF = {**TRAIT_OF, "event_count": "event"} | dict.fromkeys(
    ("order_count", "order_total"), "transaction"
)
"""The rows that each trait of every profile is of."""
ANY = Pattern(None)


def of_trait(trait: Computed) -> Rows:
    """Return the rows that a trait adds up; of a transaction all."""
    pattern = ANY if trait.entity else trait.of
    return Rows(trait.entity or "event", pattern, zone_of(trait.timezone))


def through_trait(trait: Computed, then: datetime, now: datetime) -> Iterator[Passed]:
    """Yield the rows that came into a trait's window or left it."""
    zone = zone_of(trait.timezone)
    spans = [within_span(trait.within, Moment(at, zone)) for at in (then, now)]
    yield from _between(of_trait(trait), *spans)


def by_trait(leaf: Attribute, then: Moment, now: Moment) -> Iterator[Passed]:
    """Yield the rows whose instant, told by a trait, a date operator passed over."""
    spans = [date_spans(leaf.comparison, at).instants for at in (then, now)]
    yield from _between(Rows(TRAIT_OF[leaf.name], ANY, now.zone), *spans)


def edges(leaf: Leaf, then: Moment, now: Moment) -> Iterator[Passed]:
    """Yield the events that the edges of a condition passed over between two as_of."""
    if isinstance(leaf, Did | Endmost | FirstTime):
        spans = [within_span(leaf.within, at) for at in (then, now)]
        yield from _between(Rows("event", leaf.pattern, now.zone), *spans)
    elif isinstance(leaf, Stopped | Restarted):
        rows = Rows("event", leaf.pattern, now.zone)
        for before, after in zip(_spells(leaf, then), _spells(leaf, now), strict=True):
            yield from _between(rows, before, after)
    elif isinstance(leaf, Regularly):
        yield from _periods(leaf, then, now)
    elif isinstance(leaf, Steps):
        yield from _steps(leaf, then, now)


def _between(
    rows: Rows, before: Span[datetime], after: Span[datetime]
) -> Iterator[Passed]:
    """Yield what lies between two places of either edge.

    An edge that is in its span lets go of what lies on it when it moves on.
    """
    if before.low is not None and after.low is not None and before.low != after.low:
        low, high = sorted((before.low, after.low))
        yield Passed(rows, low, high, before.low_in or after.low_in)
    if before.high is not None and after.high is not None and before.high != after.high:
        low, high = sorted((before.high, after.high))
        yield Passed(rows, low, high, not (before.high_in and after.high_in))


def _spells(leaf: Stopped | Restarted, at: Moment) -> list[Span[datetime]]:
    near, far = leaf.silent, leaf.active
    if isinstance(leaf, Restarted):
        near, far = far, near
    recent = stretch(near, at.as_of, at.zone)
    assert recent.low is not None
    return [recent, stretch(far, recent.low, at.zone)]


def _periods(leaf: Regularly, then: Moment, now: Moment) -> Iterator[Passed]:
    before, after = (list(whole_periods(leaf, at)) for at in (then, now))
    if before != after:
        edges = [e for s in (*before, *after) for e in (s.low, s.high) if e is not None]
        rows = Rows("event", leaf.pattern, now.zone)
        yield Passed(rows, min(edges), max(edges))


def _steps(leaf: Steps, then: Moment, now: Moment) -> Iterator[Passed]:
    spans = [within_span(leaf.within, at) for at in (then, now)]
    chosen = [step.pattern for step in leaf.steps if not step.absent]
    absences = [step.gap for step in leaf.steps if step.absent and step.gap is not None]
    for pattern in chosen:
        rows = Rows("event", pattern, now.zone)
        yield from _between(rows, *spans)
        for gap in absences:
            yield Passed(rows, _before(then, gap, -1), _before(now, gap, 1))


def _before(at: Moment, gap: Duration, side: int) -> datetime:
    """Return the instant a gap ago, with room where months are of unequal length."""
    slack = side * _SLACK if gap.unit in MONTHS else timedelta()
    return move(at.as_of, -gap.n, gap.unit, at.zone) + slack
