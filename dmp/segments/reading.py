"""What of the events some segments read: which names, since when, which properties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dmp.segments import trees
from dmp.segments.calendars import zone_of
from dmp.segments.checks import conditions, reachable
from dmp.segments.rule import (
    Clause,
    Did,
    Endmost,
    FirstTime,
    Leaf,
    Other,
    Pattern,
    Property,
    Regularly,
    Restarted,
    Segment,
    Stopped,
    Total,
    deep_leaves,
)
from dmp.segments.rule import (
    Sequence as Steps,
)
from dmp.segments.trees import Tree
from dmp.segments.windows import Moment, stretch, whole_periods, within_span


@dataclass(frozen=True)
class Reading:
    """The events that some segments read at an instant.

    Attributes:
        since: by name, None for events of every name: the first instant that is of any
            use; None where it is all of time.
        properties: the top-level keys that are read.
    """

    since: Mapping[str | None, datetime | None]
    properties: frozenset[str]

    def rows(self, as_of: datetime) -> Tree:
        """Return the condition on an event up to as_of that it is of any use."""
        occurred, tests = trees.column("occurred_at", "e"), list[Tree]()
        for event, low in self.since.items():
            test = []
            if event is not None:
                test.append(trees.eq(trees.column("event", "e"), trees.text(event)))
            if low is not None:
                test.append(trees.gte(occurred.copy(), trees.instant(low)))
            tests.append(trees.both(test))
        return trees.both([self.limits(as_of), trees.either(tests)])

    def also(self, other: Reading) -> Reading:
        """Return what either reads."""
        since = dict(self.since)
        for event, low in other.since.items():
            since[event] = _earlier(since.get(event, low), low)
        return Reading(since, self.properties | other.properties)

    def limits(self, as_of: datetime) -> Tree:
        """Return the condition on the instant of any event up to as_of of use."""
        occurred = trees.column("occurred_at", "e")
        limits = [trees.lte(occurred, trees.instant(as_of))]
        lows = [low for low in self.since.values() if low is not None]
        if len(lows) == len(self.since):
            limits.append(trees.gte(occurred.copy(), trees.instant(min(lows))))
        return trees.both(limits)


def reading(
    chosen: Iterable[Segment], segments: Mapping[str, Segment], as_of: datetime
) -> Reading:
    """Return what of the events segments read, with those that they refer to."""
    since: dict[str | None, datetime | None] = {}
    properties: set[str] = set()
    for segment in _with_others(chosen, segments):
        at = Moment(as_of, zone_of(segment.timezone))
        for _, leaf in deep_leaves(segment.rule):
            for pattern, low in _patterns(leaf, at):
                known = since.get(pattern.event, low)
                since[pattern.event] = _earlier(known, low)
                properties |= _keys(pattern.where)
            properties |= _measured(leaf)
    return Reading(since, frozenset(properties))


def _earlier(low: datetime | None, other: datetime | None) -> datetime | None:
    return None if low is None or other is None else min(low, other)


def _with_others(
    chosen: Iterable[Segment], segments: Mapping[str, Segment]
) -> Iterator[Segment]:
    own = {segment.id: segment for segment in chosen}
    known = {**segments, **own}
    ids = {id_ for segment in own.values() for id_ in reachable(segment, known)}
    return (known[id_] for id_ in sorted(ids))


def _patterns(leaf: Leaf, at: Moment) -> Iterator[tuple[Pattern, datetime | None]]:
    match leaf:
        case Did() | Endmost():
            yield leaf.pattern, within_span(leaf.within, at).low
        case FirstTime() | Restarted():
            yield leaf.pattern, None
        case Stopped():
            silent = stretch(leaf.silent, at.as_of, at.zone).low
            assert silent is not None
            yield leaf.pattern, stretch(leaf.active, silent, at.zone).low
        case Regularly():
            lows = [span.low for span in whole_periods(leaf, at)]
            yield leaf.pattern, min(low for low in lows if low is not None)
        case Steps():
            low = within_span(leaf.within, at).low
            for step in leaf.steps:
                yield step.pattern, low
            if any(step.immediately for step in leaf.steps):
                yield Pattern(None), low


def _measured(leaf: Leaf) -> set[str]:
    if isinstance(leaf, Did) and isinstance(leaf.measure, Total):
        return _roots(leaf.measure.property)
    return _keys(leaf.has) if isinstance(leaf, Endmost) else set()


def _keys(parts: Iterable[Clause]) -> set[str]:
    found: set[str] = set()
    for part in parts:
        for _, condition in conditions(part, ""):
            found |= _roots(condition.property)
            for value in (condition.comparison.value, condition.comparison.to):
                if isinstance(value, Other):
                    found |= _roots(value.property)
    return found


def _roots(wanted: Property) -> set[str]:
    return {parts[0] for parts in wanted.candidates()}
