"""Whom time alone can have changed between two instants, as queries of their keys.

What lies in a window at one as_of and not at another lies between the two places of an
edge. So the people to look at again are those with an event there: usually few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from sqlglot import exp

from dmp.core.traits import TRAITS
from dmp.segments import trees
from dmp.segments.calendars import MONTHS, move, zone_of
from dmp.segments.compiler import compile_node
from dmp.segments.plan import Plan, Scope, key_column
from dmp.segments.rule import (
    Attribute,
    Computed,
    Did,
    Duration,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Leaf,
    Other,
    Regularly,
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
from dmp.segments.sources import Population
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


class Passed(NamedTuple):
    """What an edge passed over: rows of an entity in [low, high].

    Attributes:
        entity: event or transaction.
        event: the name of the events; None takes every row.
    """

    entity: str
    event: str | None
    low: datetime
    high: datetime


_TRAIT_OF = {
    "first_event_at": "event",
    "last_event_at": "event",
    "first_order_at": "transaction",
    "last_order_at": "transaction",
}
"""Traits that are the instant of some row: who has the trait there has the row."""


@dataclass(frozen=True)
class Turning:
    """How time goes on for some segments.

    Attributes:
        then: the earlier as_of.
        now: the later one.
        passed: the ranges of rows whose people may have changed, for which segments.
        attributes: conditions on the profile that time can change, with their zone,
            and for which segments.
        everybody: segments whose people cannot be told apart so.
    """

    then: datetime
    now: datetime
    passed: Mapping[Passed, frozenset[str]]
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
    entities = ("event", "transaction") if then < now else ()
    ranges: dict[Passed, frozenset[str]] = {}
    attributes: dict[tuple[Attribute, tzinfo], frozenset[str]] = {}
    everybody = set()
    for segment in chosen:
        mine = frozenset({segment.id})
        passed = {Passed(entity, None, then, now) for entity in entities}
        for leaf, zone in _everywhere(segment, segments):
            ends = Moment(then, zone), Moment(now, zone)
            read = [defined[n] for n in _attributes(leaf) if n in defined]
            for trait in read:
                passed |= set(_through_trait(trait, then, now))
            ages = any(trait.agg == "time_since" for trait in read)
            ages |= bool(read) and any(map(is_relative, comparisons_of(leaf)))
            if _needs_everybody(leaf) or (ages and then < now):
                everybody.add(segment.id)
            elif not isinstance(leaf, Attribute):
                passed |= set(_passed(leaf, *ends))
            elif leaf.name in _TRAIT_OF and is_relative(leaf.comparison):
                passed |= set(_by_trait(leaf, *ends))
            elif is_relative(leaf.comparison):
                known = attributes.get((leaf, zone), frozenset())
                attributes[leaf, zone] = known | mine
        for one in passed:
            ranges[one] = ranges.get(one, frozenset()) | mine
    return Turning(then, now, ranges, attributes, frozenset(everybody))


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
    for found in _between(trait.of.event, *spans):
        yield found._replace(entity=trait.entity or "event")


def _by_trait(leaf: Attribute, then: Moment, now: Moment) -> Iterator[Passed]:
    spans = [date_spans(leaf.comparison, at).instants for at in (then, now)]
    for found in _between(None, *spans):
        yield found._replace(entity=_TRAIT_OF[leaf.name])


def _passed(leaf: Leaf, then: Moment, now: Moment) -> Iterator[Passed]:
    if isinstance(leaf, Did | Endmost | FirstTime):
        spans = [within_span(leaf.within, at) for at in (then, now)]
        yield from _between(leaf.pattern.event, *spans)
    elif isinstance(leaf, Stopped | Restarted):
        for before, after in zip(_spells(leaf, then), _spells(leaf, now), strict=True):
            yield from _between(leaf.pattern.event, before, after)
    elif isinstance(leaf, Regularly):
        yield from _periods(leaf, then, now)
    elif isinstance(leaf, Steps):
        yield from _steps(leaf, then, now)


def _between(
    event: str | None, before: Span[datetime], after: Span[datetime]
) -> Iterator[Passed]:
    for ends in ((before.low, after.low), (before.high, after.high)):
        found = [end for end in ends if end is not None]
        if len(set(found)) > 1:
            yield Passed("event", event, min(found), max(found))


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
        yield Passed("event", leaf.pattern.event, min(edges), max(edges))


def _steps(leaf: Steps, then: Moment, now: Moment) -> Iterator[Passed]:
    spans = [within_span(leaf.within, at) for at in (then, now)]
    chosen = [step.pattern.event for step in leaf.steps if not step.absent]
    absences = [step.gap for step in leaf.steps if step.absent and step.gap is not None]
    for event in chosen:
        yield from _between(event, *spans)
        for gap in absences:
            yield Passed("event", event, _before(then, gap, -1), _before(now, gap, 1))


def _before(at: Moment, gap: Duration, side: int) -> datetime:
    """Return the instant a gap ago, with room where months are of unequal length."""
    slack = side * _SLACK if gap.unit in MONTHS else timedelta()
    return move(at.as_of, -gap.n, gap.unit, at.zone) + slack


def passed_sql(found: Turning, columns: Mapping[str, str]) -> Iterator[exp.Query]:
    """Yield the queries for the subjects with a row in one of the ranges.

    Their id, and for each segment whether a range of its own is met. Each interval is
    looked at by itself, since the order of the files by time makes that little to read.

    Args:
        found: how time went on.
        columns: by segment, the name of its column.
    """
    intervals: dict[tuple[str, datetime, datetime], list[Passed]] = {}
    for one in sorted(found.passed, key=str):
        intervals.setdefault((one.entity, one.low, one.high), []).append(one)
    for (entity, low, high), mine in intervals.items():
        subject, occurred = trees.column("subject_id", "e"), _OCCURRED
        told = [
            trees.named(
                trees.either(_is_of(one) for one in mine if name in found.passed[one]),
                column,
            )
            for name, column in columns.items()
        ]
        tests = [
            trees.gte(occurred.copy(), trees.instant(low)),
            trees.lte(occurred.copy(), trees.instant(high)),
            trees.either(_is_of(one) for one in mine),
        ]
        source = trees.relation(f"core.{entity}", "e")
        yield trees.select([subject, *told], source, trees.both(tests))


_OCCURRED = trees.column("occurred_at", "e")


def _is_of(one: Passed) -> trees.Tree:
    if one.event is None:
        return trees.truth(True)
    return trees.eq(trees.column("event", "e"), trees.text(one.event))


def attributes_sql(
    found: Turning, population: Population, columns: Mapping[str, str]
) -> exp.Query | None:
    """Return those whose conditions on the profile hold at one as_of only, by segment.

    None where time changes no such condition.
    """
    if not found.attributes or found.then == found.now:
        return None
    scopes = [_scope(population, at) for at in (found.then, found.now)]
    tests: list[tuple[trees.Tree, frozenset[str]]] = []
    for (leaf, zone), segments in found.attributes.items():
        before, after = (compile_node(leaf, scope.in_zone(zone)) for scope in scopes)
        tests.append((trees.negation(trees.eq(before, after)), segments))
    told = [
        trees.named(
            trees.either(test.copy() for test, of in tests if name in of), column
        )
        for name, column in columns.items()
    ]
    table = trees.relation(population.profiles, "p")
    anyone = trees.either(test for test, _ in tests)
    return trees.select([key_column(scopes[0], "p"), *told], table, anyone)


def _scope(population: Population, at: datetime) -> Scope:
    return Scope(Plan(population, at, {}), zone_of("UTC"), compile_node)
