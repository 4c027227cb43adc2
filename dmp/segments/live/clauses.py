"""Conditions of `where` and `has` over one row, and when time alone changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any

from dmp.segments.checks import conditions
from dmp.segments.live.comparing import Row, Test, holds, is_relative
from dmp.segments.live.spans import NEVER, Now, crossing, is_exact, micros
from dmp.segments.live.values import Find, as_dated, finder, roots
from dmp.segments.operators import OPERATORS, Takes
from dmp.segments.rule import (
    All,
    AnyOf,
    Clause,
    Comparison,
    Condition,
    Duration,
    Node,
    Not,
    Other,
    Property,
)

Turn = Callable[[Row, Now], int]


def every(parts: Sequence[Clause], zone: tzinfo) -> Test | None:
    """Return the test that all clauses hold for a row; None when there are none."""
    tests = [_clause(part, zone) for part in parts]
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda row, now: all(test(row, now) for test in tests)


def _clause(part: Condition | Node, zone: tzinfo) -> Test:
    if isinstance(part, Condition):
        return holds(finder(part.property), part.comparison, zone)
    if isinstance(part, Not):
        inner = _clause(part.part, zone)
        return lambda row, now: not inner(row, now)
    if not isinstance(part, All | AnyOf):
        raise TypeError("a clause is made of conditions")
    tests = [_clause(one, zone) for one in part.parts]
    enough = all if isinstance(part, All) else any
    return lambda row, now: enough(test(row, now) for test in tests)


def found_in(parts: Sequence[Clause]) -> Iterator[Condition]:
    """Yield the single conditions of clauses."""
    for part in parts:
        yield from (condition for _, condition in conditions(part, ""))


def are_relative(parts: Sequence[Clause]) -> bool:
    """Say whether the answer of some condition depends on as_of."""
    return any(is_relative(found.comparison) for found in found_in(parts))


def keys_of(parts: Sequence[Clause]) -> frozenset[str]:
    """Return the top-level keys that the conditions read."""
    read: set[str] = set()
    for found in found_in(parts):
        for wanted in (found.property, *_others(found.comparison)):
            read |= roots(wanted)
    return frozenset(read)


def _others(comparison: Comparison) -> list[Property]:
    operands = (comparison.value, comparison.to)
    return [v.property for v in operands if isinstance(v, Other)]


def turn_of(parts: Sequence[Clause], zone: tzinfo) -> Turn:
    """Return what tells when time alone can first change the answer for a row."""
    turns = [
        comparison_turn(finder(found.property), found.comparison, zone)
        for found in found_in(parts)
        if is_relative(found.comparison)
    ]
    return lambda row, now: min((turn(row, now) for turn in turns), default=NEVER)


def comparison_turn(find: Find, comparison: Comparison, zone: tzinfo) -> Turn:
    """Return what tells when a relative comparison can first change its answer."""
    takes, unit = OPERATORS[comparison.op].takes, comparison.unit or "day"
    by_day = takes in (Takes.PERIOD, Takes.ANNIVERSARY)
    lengths = [] if by_day else [Duration(n, unit) for n in _counts(comparison)]

    def turn(row: Row, now: Now) -> int:
        found: Any = as_dated(find(row), zone)
        if found is None:
            return NEVER
        if by_day or not isinstance(found, datetime):
            return now.turn("day", zone)
        time, exact = [(micros(found),)], is_exact(*lengths)
        first = crossing(time, now.micros, now, zone)
        for length in lengths:
            edge = now.ago(length, zone)
            first = min(first, crossing(time, edge, now, zone, exact))
        return first

    return turn


def _counts(comparison: Comparison) -> list[int]:
    """Return the units before as_of (negative: after it) of the edges."""
    sign = -1 if comparison.op in ("in_next", "beyond") else 1
    given = (comparison.value, comparison.start, comparison.to)
    return [sign * n for n in given if isinstance(n, int) and n]
