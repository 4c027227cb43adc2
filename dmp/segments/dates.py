"""Comparisons of dates and instants, row 5: if either is a date, both as local dates.

Literal edges come from `windows` as instants and dates; SQL only compares with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from sqlglot import exp

from dmp.segments import readings, trees
from dmp.segments.localtime import local_day
from dmp.segments.operators import is_date_operator
from dmp.segments.rule import Comparison, Other, Property
from dmp.segments.sources import Source
from dmp.segments.trees import Tree, call
from dmp.segments.windows import (
    Moment,
    Span,
    Spans,
    anniversary_days,
    date_spans,
)

T = TypeVar("T", date, datetime)
_ORDERED = ("eq", "gt", "gte", "lt", "lte", "between", "in")
_KIND: dict[str, type[exp.Binary]] = {
    "before": exp.LT,
    "after": exp.GT,
    "on": exp.EQ,
    "eq": exp.EQ,
    "gt": exp.GT,
    "gte": exp.GTE,
    "lt": exp.LT,
    "lte": exp.LTE,
}


def is_date_comparison(
    source: Source, comparison: Comparison, others: Sequence[Source]
) -> bool:
    """Say whether values are compared as dates: by the operator, or by a date column.

    A date column and a number or boolean literal are no such comparison: it reads as
    neither.
    """
    if is_date_operator(comparison.op):
        return True
    if comparison.op not in _ORDERED:
        return False
    dated = [s for s in (source, *others) if s.kind in ("date", "instant")]
    value = comparison.value
    literals = value if isinstance(value, tuple) else (value,)
    return bool(dated) and any(isinstance(v, str | Other) for v in literals)


def date_test(
    source: Source,
    comparison: Comparison,
    find: Callable[[Property], Source],
    at: Moment,
) -> Tree:
    """Return the test of a date comparison; null exactly when a value is missing."""
    if comparison.op == "anniversary_in_next":
        return _anniversary(source, comparison, at)
    if isinstance(comparison.value, tuple):
        times = [v for v in comparison.value if isinstance(v, str)]
        each = [replace(comparison, op="on", value=v) for v in times]
        return trees.either(in_spans(source, date_spans(one, at), at) for one in each)
    if not isinstance(comparison.value, Other):
        return in_spans(source, date_spans(comparison, at), at)
    return _columns(source, comparison.op, find(comparison.value.property), at)


def in_spans(source: Source, spans: Spans, at: Moment) -> Tree:
    """Return whether a value lies in its interval; null when it has no date."""
    branches = []
    as_day = readings.as_day(source)
    if as_day is not None:
        inside = span_test(as_day, spans.days, trees.day)
        branches.append((trees.is_present(as_day.copy()), inside))
    moment = readings.as_moment(source, at.zone)
    if moment is not None:
        inside = span_test(moment, spans.instants, trees.instant)
        branches.append((trees.is_present(moment.copy()), inside))
    if not branches:
        return trees.cast(exp.Null(), "boolean")
    return branches[0][1] if len(branches) == 1 else trees.case(*branches)


def span_test(value: Tree, span: Span[T] | None, literal: Callable[[T], Tree]) -> Tree:
    """Return whether a value lies in an interval; null for null, or for no interval."""
    if span is None:
        return trees.cast(exp.Null(), "boolean")
    parts = []
    if span.low is not None:
        above = trees.gte if span.low_in else trees.gt
        parts.append(above(value.copy(), literal(span.low)))
    if span.high is not None:
        below = trees.lte if span.high_in else trees.lt
        parts.append(below(value.copy(), literal(span.high)))
    return trees.both(parts)


def _any_day(source: Source, at: Moment) -> Tree:
    """Return the local date of a date or an instant."""
    as_day, moment = readings.as_day(source), readings.as_moment(source, at.zone)
    if moment is None:
        return as_day if as_day is not None else trees.cast(exp.Null(), "date")
    local = local_day(moment, at.zone)
    return local if as_day is None else trees.coalesce(as_day, local)


def _columns(source: Source, op: str, other: Source, at: Moment) -> Tree:
    days = trees.binary(_KIND[op], _any_day(source, at), _any_day(other, at))
    moments = [readings.as_moment(s, at.zone) for s in (source, other)]
    if moments[0] is None or moments[1] is None:
        return days
    exact = trees.binary(_KIND[op], moments[0], moments[1])
    dated = [readings.as_day(s) for s in (source, other)]
    is_date = trees.either(trees.is_present(d) for d in dated if d is not None)
    return trees.case((is_date, days), otherwise=exact)


def _anniversary(source: Source, comparison: Comparison, at: Moment) -> Tree:
    found = _any_day(source, at)
    wanted = anniversary_days(comparison, at)
    if wanted is None:
        return trees.case((trees.is_present(found), trees.truth(True)))
    month = trees.binary(exp.Mul, call("month", found), trees.integer(100))
    key = trees.plus(month, call("day", found.copy()))
    return trees.one_of(key, [trees.integer(n) for n in sorted(wanted)])
