"""When time alone can change the answer of a condition, without any new event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum

from sqlglot import exp

from dmp.segments import readings, trees
from dmp.segments.calendars import move_date, period_start
from dmp.segments.checks import conditions, wheres
from dmp.segments.localtime import later
from dmp.segments.operators import OPERATORS, Takes
from dmp.segments.plan import Scope, events_relation, matching
from dmp.segments.rule import (
    Ago,
    Attribute,
    Calendar,
    Comparison,
    Did,
    Duration,
    Endmost,
    FirstTime,
    InSegment,
    Leaf,
    Pattern,
    Regularly,
    Related,
    Restarted,
    Rolling,
    Segment,
    Sequence,
    Sql,
    Stopped,
    Top,
    Within,
    deep_leaves,
)
from dmp.segments.sources import attribute_source
from dmp.segments.trees import Tree

_RELATIVE = (Takes.COUNT, Takes.AGO, Takes.PERIOD, Takes.ANNIVERSARY)


class Mode(Enum):
    """What can change the answer of a condition."""

    INSTANT = "instant"
    TICK = "tick"
    BATCH = "batch"


def mode_of(leaf: Leaf, segments: Mapping[str, Segment]) -> Mode:
    """Return batch for what needs everybody, tick where time alone can change it."""
    if isinstance(leaf, Sql | Top):
        return Mode.BATCH
    if isinstance(leaf, InSegment):
        inner = segments.get(leaf.id)
        found = (
            [mode_of(x, segments) for _, x in deep_leaves(inner.rule)] if inner else []
        )
        order = (Mode.BATCH, Mode.TICK)
        return next((mode for mode in order if mode in found), Mode.INSTANT)
    ticks = _is_timed(leaf) or any(is_relative(c) for c in comparisons_of(leaf))
    return Mode.TICK if ticks else Mode.INSTANT


def _is_timed(leaf: Leaf) -> bool:
    if isinstance(leaf, Regularly | Stopped | Restarted):
        return True
    if isinstance(leaf, Sequence) and any(step.absent for step in leaf.steps):
        return True
    return isinstance(_window(leaf), Rolling | Calendar | Ago)


def _window(leaf: Leaf) -> Within | None:
    if isinstance(leaf, Did | Endmost | Sequence | FirstTime):
        return leaf.within
    return None


def is_relative(comparison: Comparison) -> bool:
    """Say whether the answer depends on as_of."""
    return OPERATORS[comparison.op].takes in _RELATIVE


def comparisons_of(leaf: Leaf) -> Iterator[Comparison]:
    """Yield the comparisons of a condition, of all that it looks at."""
    if isinstance(leaf, Attribute):
        yield leaf.comparison
    places = [parts for _, parts in wheres("", leaf)]
    places += [leaf.where] if isinstance(leaf, Related) else []
    for parts in places:
        for part in parts:
            yield from (found.comparison for _, found in conditions(part, ""))


def next_tick(leaf: Leaf, scope: Scope) -> datetime | exp.Query | None:
    """Return when time alone can first change a condition's answer.

    Either that instant, or a query of one row with it as `next_at` (null: not without
    new events). None where it is not known beforehand. Nothing changes before it; at
    it something may.
    """
    unit = _calendar_unit(leaf, scope)
    if unit:
        start = move_date(period_start(scope.at.today, unit), 1, unit)
        return scope.at.start(start)
    if isinstance(leaf, Attribute):
        return _of_attribute(leaf, scope)
    relative = any(is_relative(c) for c in comparisons_of(leaf))
    if relative or isinstance(leaf, InSegment):
        return None
    crossings = [_crossing(*edge, scope) for edge in _edges(leaf)]
    return _earliest(crossings, trees.relation(events_relation(scope), "e"), scope)


def _calendar_unit(leaf: Leaf, scope: Scope) -> str:
    if isinstance(leaf, Regularly):
        return leaf.per.unit
    within = _window(leaf)
    if isinstance(within, Calendar):
        return "day" if within.include_today else within.length.unit
    if not isinstance(leaf, Attribute):
        return ""
    takes = OPERATORS[leaf.comparison.op].takes
    if takes is Takes.PERIOD:
        return leaf.comparison.unit or "day"
    is_date = attribute_source(scope.population, leaf.name).kind == "date"
    return "day" if takes is Takes.ANNIVERSARY or is_date else ""


def _edges(leaf: Leaf) -> Iterator[tuple[Pattern, tuple[Duration, ...]]]:
    """Yield the patterns and how long after an event the answer can turn."""
    if isinstance(leaf, Stopped | Restarted):
        near, far = leaf.silent, leaf.active
        if isinstance(leaf, Restarted):
            near, far = far, near
        yield leaf.pattern, (near,)
        yield leaf.pattern, (near, far)
    elif isinstance(leaf, Sequence):
        yield from _sequence_edges(leaf)
    elif isinstance(leaf, Did | Endmost | FirstTime):
        for length in _lengths(leaf.within):
            yield leaf.pattern, (length,)


def _sequence_edges(leaf: Sequence) -> Iterator[tuple[Pattern, tuple[Duration, ...]]]:
    for before, step in zip(leaf.steps, leaf.steps[1:], strict=False):
        if step.absent and step.gap is not None:
            pattern = Pattern(None) if before.absent else before.pattern
            yield pattern, (step.gap,)
    for length in _lengths(leaf.within):
        for step in leaf.steps:
            yield step.pattern, (length,)


def _lengths(within: Within | None) -> Iterator[Duration]:
    if isinstance(within, Rolling):
        yield within.length
    if isinstance(within, Ago):
        yield Duration(within.start, within.unit)
        if within.end:
            yield Duration(within.end, within.unit)


def _crossing(pattern: Pattern, lengths: tuple[Duration, ...], scope: Scope) -> Tree:
    turned: Tree = trees.column("occurred_at", "e")
    for length in lengths:
        turned = later(turned, length, scope.zone)
    return trees.case((matching(pattern, scope), turned))


def _earliest(crossings: list[Tree], table: Tree, scope: Scope) -> exp.Query:
    """Return the query for the first of the instants that lies after as_of."""
    now = trees.instant(scope.plan.as_of)
    found = [
        trees.filtered(
            trees.call("min", crossing), trees.gt(crossing.copy(), now.copy())
        )
        for crossing in crossings
    ]
    first = trees.call("least", *found) if found else exp.Null()
    first = trees.call("epoch_us", trees.cast(first, "timestamptz"))
    return trees.select([trees.named(first, "next_at")], table)


def _of_attribute(leaf: Attribute, scope: Scope) -> exp.Query | None:
    source = attribute_source(scope.population, leaf.name)
    made, unit = leaf.comparison, leaf.comparison.unit or "day"
    takes = OPERATORS[made.op].takes
    if takes not in (Takes.COUNT, Takes.AGO) or source.kind != "instant":
        return None
    stored = readings.as_instant(source)
    sign = -1 if made.op in ("in_next", "beyond") else 1
    counts = [n for n in (made.value, made.start, made.to) if isinstance(n, int)]
    crossings = [
        later(stored.copy(), Duration(sign * n, unit), scope.zone) for n in counts
    ]
    if made.op in ("in_next", "in_last"):
        crossings.append(stored)
    profiles = trees.relation(scope.population.profiles, "p")
    return _earliest(crossings, profiles, scope)
