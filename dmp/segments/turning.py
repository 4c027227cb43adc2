"""Whom time alone can have changed between two instants, as queries of their keys.

What lies in a window at one as_of and not at another lies between the two places of an
edge. So the people to look at again are those with an event there: usually few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple, TypeVar

from dmp.core.traits import TRAITS
from dmp.segments.calendars import MONTHS, move, zone_of
from dmp.segments.rule import (
    Attribute,
    Computed,
    Consent,
    Did,
    Duration,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Leaf,
    Other,
    Pattern,
    Regularly,
    Related,
    Restarted,
    Segment,
    Sql,
    Stopped,
    Top,
    leaves,
)
from dmp.segments.rule import (
    Sequence as Steps,
)
from dmp.segments.ticks import comparisons_of, is_relative
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


_TRAIT_OF = {
    "first_event_at": "event",
    "last_event_at": "event",
    "first_order_at": "transaction",
    "last_order_at": "transaction",
}
"""Traits that are the instant of some row: who has the trait there has the row."""
_ENTITY_OF = {**_TRAIT_OF, "event_count": "event"} | dict.fromkeys(
    ("order_count", "order_total"), "transaction"
)
"""The rows that each trait of every profile is of."""
_ANY = Pattern(None)


@dataclass(frozen=True)
class Turning:
    """How time goes on for some segments.

    Attributes:
        then: the earlier as_of.
        now: the later one.
        passed: the ranges of rows whose people may have changed, for which segments.
        rows: those that change something where they come or go, for which segments.
        deciding: segments that ask for consent.
        attributes: conditions on the profile that time can change, with their zone,
            and for which segments.
        everybody: segments whose people cannot be told apart so.
    """

    then: datetime
    now: datetime
    passed: Mapping[Passed, frozenset[str]]
    rows: Mapping[Rows, frozenset[str]]
    deciding: frozenset[str]
    attributes: Mapping[tuple[Attribute, tzinfo], frozenset[str]]
    everybody: frozenset[str]


def turning(
    chosen: Sequence[Segment],
    segments: Mapping[str, Segment],
    then: datetime,
    now: datetime,
    traits: Sequence[Computed] = (),
) -> Turning:
    """Return whom time can have changed in some segments.

    Args:
        chosen: the segments.
        segments: by id, those that they may refer to.
        then: as_of of the evaluation before.
        now: as_of of the one to come, not before it.
        traits: those that operators define.
    """
    defined = {trait.name: trait for trait in traits}
    found = _Found(then, now, defined)
    for segment in chosen:
        for leaf, zone in _everywhere(segment, segments):
            found.add(segment.id, leaf, zone)
    return Turning(
        then,
        now,
        _frozen(found.passed),
        _frozen(found.rows),
        frozenset(found.deciding),
        _frozen(found.attributes),
        frozenset(found.everybody),
    )


K = TypeVar("K")


def _frozen(sets: Mapping[K, set[str]]) -> dict[K, frozenset[str]]:
    return {key: frozenset(names) for key, names in sets.items()}


@dataclass(frozen=True)
class _Found:
    """What is found of the segments one condition at a time."""

    then: datetime
    now: datetime
    defined: Mapping[str, Computed]
    passed: dict[Passed, set[str]] = field(default_factory=dict)
    rows: dict[Rows, set[str]] = field(default_factory=dict)
    deciding: set[str] = field(default_factory=set)
    attributes: dict[tuple[Attribute, tzinfo], set[str]] = field(default_factory=dict)
    everybody: set[str] = field(default_factory=set)

    def add(self, segment: str, leaf: Leaf, zone: tzinfo) -> None:
        """Find what one condition of a segment rests on."""
        read = [self.defined[n] for n in _attributes(leaf) if n in self.defined]
        ages = any(trait.agg == "time_since" for trait in read)
        ages |= bool(read) and any(map(is_relative, comparisons_of(leaf)))
        if isinstance(leaf, Consent):
            self.deciding.add(segment)
        if _needs_everybody(leaf) or (ages and self.then < self.now):
            self.everybody.add(segment)
            return
        for rows in _rows(leaf, zone, read):
            self.rows.setdefault(rows, set()).add(segment)
        if self.then < self.now:
            for passed in self._passed(leaf, zone, read):
                self.passed.setdefault(passed, set()).add(segment)
        by_trait = leaf.name in _TRAIT_OF if isinstance(leaf, Attribute) else True
        if (
            isinstance(leaf, Attribute)
            and is_relative(leaf.comparison)
            and not by_trait
        ):
            self.attributes.setdefault((leaf, zone), set()).add(segment)

    def _passed(
        self, leaf: Leaf, zone: tzinfo, read: Sequence[Computed]
    ) -> Iterator[Passed]:
        """Yield what as_of itself passed over, and what the edges did."""
        for rows in _rows(leaf, zone, read):
            yield Passed(rows, self.then, self.now, low_in=False)
        for trait in read:
            yield from _through_trait(trait, self.then, self.now)
        ends = Moment(self.then, zone), Moment(self.now, zone)
        if not isinstance(leaf, Attribute):
            yield from _edges(leaf, *ends)
        elif leaf.name in _TRAIT_OF and is_relative(leaf.comparison):
            yield from _by_trait(leaf, *ends)


def _rows(leaf: Leaf, zone: tzinfo, read: Sequence[Computed]) -> Iterator[Rows]:
    """Yield which rows a condition rests on, of the traits too that it reads."""
    match leaf:
        case Steps(steps=steps):
            for step in steps:
                yield Rows("event", step.pattern, zone)
            if any(step.immediately for step in steps):
                yield Rows("event", _ANY, zone)
        case Did() | Endmost() | FirstTime() | Regularly() | Stopped() | Restarted():
            yield Rows("event", leaf.pattern, zone)
        case Related():
            yield Rows(leaf.entity, _ANY, zone)
        case Attribute():
            for name in _attributes(leaf):
                if name in _ENTITY_OF:
                    yield Rows(_ENTITY_OF[name], _ANY, zone)
            for trait in read:
                yield _of_trait(trait)


def _of_trait(trait: Computed) -> Rows:
    pattern = _ANY if trait.entity else trait.of
    return Rows(trait.entity or "event", pattern, zone_of(trait.timezone))


def _everywhere(
    segment: Segment, segments: Mapping[str, Segment]
) -> Iterator[tuple[Leaf, tzinfo]]:
    zone = zone_of(segment.timezone)
    for _, leaf in leaves(segment.rule):
        if isinstance(leaf, InSegment):
            yield from _everywhere(segments[leaf.id], segments)
        else:
            yield leaf, zone


def _needs_everybody(leaf: Leaf) -> bool:
    """Say whether others, or as_of by way of a value, can change the answer."""
    if isinstance(leaf, Sql | Top | InList):
        return True
    relative = [c for c in comparisons_of(leaf) if is_relative(c)]
    if isinstance(leaf, Attribute):
        by_birthday = any(c.op == "anniversary_in_next" for c in relative)
        return leaf.name in TRAITS and by_birthday
    return bool(relative)


def _attributes(leaf: Leaf) -> list[str]:
    """Return the attributes that a condition on the profile reads."""
    if not isinstance(leaf, Attribute):
        return []
    values = leaf.comparison.value, leaf.comparison.to
    others = [str(value.property) for value in values if isinstance(value, Other)]
    return [leaf.name, *others]


def _through_trait(trait: Computed, then: datetime, now: datetime) -> Iterator[Passed]:
    """Yield the rows that came into a trait's window or left it."""
    zone = zone_of(trait.timezone)
    spans = [within_span(trait.within, Moment(at, zone)) for at in (then, now)]
    yield from _between(_of_trait(trait), *spans)


def _by_trait(leaf: Attribute, then: Moment, now: Moment) -> Iterator[Passed]:
    spans = [date_spans(leaf.comparison, at).instants for at in (then, now)]
    yield from _between(Rows(_TRAIT_OF[leaf.name], _ANY, now.zone), *spans)


def _edges(leaf: Leaf, then: Moment, now: Moment) -> Iterator[Passed]:
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
