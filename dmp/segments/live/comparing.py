"""A comparison as a test of one row, true or false: the live twin of `comparisons`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any, TypeAlias

from dmp.segments.calendars import local_date
from dmp.segments.comparisons import literal_kind
from dmp.segments.literals import is_time
from dmp.segments.live.expressions import portable
from dmp.segments.live.spans import Now
from dmp.segments.live.values import (
    Find,
    as_boolean,
    as_dated,
    as_number,
    as_text,
    finder,
    is_blank,
    is_missing,
    lower,
)
from dmp.segments.operators import OPERATORS, Takes, is_date_operator
from dmp.segments.patterns import pieces
from dmp.segments.rule import Comparison, Other, Scalar
from dmp.segments.windows import Moment, Spans, anniversary_days, date_spans

Row: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Row, Now], bool]
Judge: TypeAlias = Callable[[Any, Row, Now], bool | None]
Reader: TypeAlias = Callable[[Any], Any]

RELATIVE = (Takes.COUNT, Takes.AGO, Takes.PERIOD, Takes.ANNIVERSARY)
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_OPS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "on": operator.eq,
    "gt": operator.gt,
    "after": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "before": operator.lt,
    "lte": operator.le,
    "contains": lambda value, part: part in value,
    "starts_with": lambda value, part: value.startswith(part),
    "ends_with": lambda value, part: value.endswith(part),
}
_ORDERED = ("eq", "gt", "gte", "lt", "lte", "between")
_WORDS = ("contains", "starts_with", "ends_with")
_READERS: Mapping[str, Reader] = {
    "text": as_text,
    "number": as_number,
    "boolean": as_boolean,
}
_PRESENCE: Mapping[str, Callable[[Any], bool]] = {
    "is_missing": is_missing,
    "is_present": lambda value: not is_missing(value),
    "is_blank": is_blank,
}


def is_relative(comparison: Comparison) -> bool:
    """Say whether the answer depends on as_of."""
    return OPERATORS[comparison.op].takes in RELATIVE


def holds(find: Find, comparison: Comparison, zone: tzinfo) -> Test:
    """Return the test that a value of a row satisfies a comparison."""
    if comparison.op in _PRESENCE:
        present = _PRESENCE[comparison.op]
        return lambda row, now: present(find(row))
    if isinstance(comparison.value, Comparison):
        inner = replace(comparison.value, include_missing=comparison.include_missing)
        fits = number_test(inner)
        return lambda row, now: fits(_size(find(row)))
    op = OPERATORS[comparison.op]
    positive = replace(comparison, op=op.twin or op.name)
    judge, of_text = _judge(positive, zone), _text_test(positive)
    filled = _on_missing(comparison)
    negative = op.negative

    def answer(row: Row, now: Now) -> bool:
        given = find(row)
        if type(given) is str and of_text is not None:
            return of_text(given) is not negative
        found = judge(given, row, now)
        return filled if found is None else found is not negative

    return answer


def _text_test(comparison: Comparison) -> Callable[[str], bool] | None:
    """Return a test as `_judge` makes it, for text that is compared as it stands."""
    op, value = comparison.op, comparison.value
    if comparison.ignore_case or is_date_operator(op):
        return None
    if op == "in" and isinstance(value, tuple) and _all_text(value):
        return frozenset(value).__contains__
    if op not in _OPS or not isinstance(value, str):
        return None
    compare = _OPS[op]
    return lambda text: compare(text, value)


def _all_text(values: tuple[Scalar, ...]) -> bool:
    return all(isinstance(value, str) for value in values)


def _on_missing(comparison: Comparison) -> bool:
    asked = comparison.include_missing
    return OPERATORS[comparison.op].negative if asked is None else asked


def _size(value: Any) -> float | None:
    return float(len(value)) if isinstance(value, list | tuple) else None


def number_test(comparison: Comparison) -> Callable[[float | None], bool]:
    """Return the test of a number against literals; None is a missing value."""
    op = OPERATORS[comparison.op]
    positive = replace(comparison, op=op.twin or op.name)
    filled, negative = _on_missing(comparison), op.negative
    judge = _number_judge(positive)

    def fits(number: float | None) -> bool:
        found = None if number is None else judge(number)
        return filled if found is None else found is not negative

    return fits


def _number_judge(comparison: Comparison) -> Callable[[float], bool | None]:
    """Return a positive test of a number, of which NaN is missing."""
    op, value = comparison.op, comparison.value
    if op in _ORDERED and op in _OPS and literal_kind(value) == "number":
        compare, wanted = _OPS[op], as_number(value)
        return lambda number: None if number != number else compare(number, wanted)
    judge, now = _judge(comparison, UTC), Now(_SOME_DAY)
    nothing: Row = {}
    return lambda number: judge(number, nothing, now)


def _judge(comparison: Comparison, zone: tzinfo) -> Judge:
    """Return a positive test that is None exactly when a value is missing."""
    op, value = comparison.op, comparison.value
    if op in ("is_true", "is_false"):
        return lambda given, row, now: _same(as_boolean(given), op == "is_true")
    if op in ("has_any", "has_all"):
        return _list_judge(comparison)
    if op == "between" and (isinstance(value, Other) or _to_other(comparison)):
        return _ends_judge(comparison, zone)
    if isinstance(value, Other):
        return _other_judge(comparison, value, zone)
    if is_date_operator(op):
        return _dated_judge(comparison, zone)
    if op == "in":
        return _in_judge(comparison, zone)
    plain = _plain(comparison)
    return _or_dated(plain, comparison, zone) if op in _ORDERED else plain


def _same(found: bool | None, wanted: bool) -> bool | None:
    return None if found is None else found is wanted


def _to_other(comparison: Comparison) -> bool:
    return isinstance(comparison.to, Other)


def _operand(value: Scalar, blind: bool) -> Any:
    kind = literal_kind(value)
    if kind == "text":
        return lower(str(value)) if blind else value
    return as_number(value) if kind == "number" else value


def _reader(kind: str, blind: bool) -> Reader:
    read = _READERS[kind]
    if kind != "text" or not blind:
        return read

    def folded(value: Any) -> str | None:
        found = as_text(value)
        return None if found is None else lower(found)

    return folded


def _plain(comparison: Comparison) -> Judge:
    op, value, blind = comparison.op, comparison.value, comparison.ignore_case
    if op == "matches":
        return _matches(str(value), blind)
    if isinstance(value, tuple):
        return _contains_any(tuple(_operand(v, blind) for v in value), blind)
    assert isinstance(value, str | int | float)
    read, wanted = _reader(literal_kind(value), blind), _operand(value, blind)
    if op == "between":
        assert isinstance(comparison.to, str | int | float)
        return _between(read, wanted, _operand(comparison.to, blind))
    compare = _OPS[op]

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        left = read(given)
        return None if left is None else compare(left, wanted)

    return judge


def _between(read: Reader, low: Any, high: Any) -> Judge:
    def judge(given: Any, row: Row, now: Now) -> bool | None:
        left = read(given)
        return None if left is None else bool(low <= left < high)

    return judge


def _contains_any(wanted: tuple[str, ...], blind: bool) -> Judge:
    read = _reader("text", blind)

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        left = read(given)
        return None if left is None else any(part in left for part in wanted)

    return judge


def _matches(pattern: str, blind: bool) -> Judge:
    if blind:
        parts = [lower(part) if free else part for part, free in pieces(pattern)]
        pattern = "".join(parts)
    expression, read = portable(pattern), _reader("text", blind)
    assert expression is not None, "refused before, as not live"

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        left = read(given)
        return None if left is None else expression.search(left) is not None

    return judge


def _or_dated(plain: Judge, comparison: Comparison, zone: tzinfo) -> Judge:
    """Return the test that compares dates where the stored value is one."""
    written = [v for v in (comparison.value, comparison.to) if v is not None]
    if not all(isinstance(v, str) and is_time(v) for v in written):
        return lambda given, row, now: (
            None if isinstance(given, date) else plain(given, row, now)
        )
    dated = _dated_judge(comparison, zone)
    return lambda given, row, now: (
        dated(given, row, now) if isinstance(given, date) else plain(given, row, now)
    )


def _in_judge(comparison: Comparison, zone: tzinfo) -> Judge:
    assert isinstance(comparison.value, tuple)
    blind = comparison.ignore_case
    groups: dict[str, set[Any]] = {}
    for value in comparison.value:
        groups.setdefault(literal_kind(value), set()).add(_operand(value, blind))
    reads = [(_reader(kind, blind), wanted) for kind, wanted in groups.items()]
    dated = _any_day(comparison, zone)

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        if isinstance(given, date):
            return dated(given, row, now)
        known = False
        for read, wanted in reads:
            left = read(given)
            if left in wanted:
                return True
            known = known or left is not None
        return False if known else None

    return judge


def _any_day(comparison: Comparison, zone: tzinfo) -> Judge:
    """Return whether a date is one of those written; None where none is."""
    assert isinstance(comparison.value, tuple)
    times = [v for v in comparison.value if isinstance(v, str) and is_time(v)]
    each = [_dated_judge(replace(comparison, op="on", value=v), zone) for v in times]
    return lambda given, row, now: (
        any(judge(given, row, now) for judge in each) if each else None
    )


def _list_judge(comparison: Comparison) -> Judge:
    assert isinstance(comparison.value, tuple)
    blind, enough = comparison.ignore_case, all if comparison.op == "has_all" else any
    wanted = [
        (_reader(literal_kind(v), blind), _operand(v, blind)) for v in comparison.value
    ]

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        if not isinstance(given, list | tuple):
            return None
        return enough(any(read(x) == want for x in given) for read, want in wanted)

    return judge


def _ends_judge(comparison: Comparison, zone: tzinfo) -> Judge:
    low = _judge(replace(comparison, op="gte", to=None), zone)
    high = _judge(replace(comparison, op="lt", value=comparison.to, to=None), zone)

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        above, below = low(given, row, now), high(given, row, now)
        return None if above is None or below is None else above and below

    return judge


def _other_judge(comparison: Comparison, other: Other, zone: tzinfo) -> Judge:
    """Return the comparison with another value, which stands for the literal."""
    op, blind, find = comparison.op, comparison.ignore_case, finder(other.property)
    compare, by_date = _OPS[op], is_date_operator(op)
    as_words = op in _WORDS

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        right = find(row)
        dated = isinstance(given, date) or isinstance(right, date)
        if by_date or (dated and not as_words):
            return _compare_dates(compare, given, right, zone)
        if is_missing(right) or isinstance(right, list | tuple | Mapping):
            return None
        kind = "text" if as_words or isinstance(right, date) else literal_kind(right)
        read = _reader(kind, blind)
        left, right = read(given), read(right)
        return None if left is None or right is None else compare(left, right)

    return judge


def _compare_dates(
    compare: Callable[[Any, Any], bool], left: Any, right: Any, zone: tzinfo
) -> bool | None:
    found = [as_dated(value, zone) for value in (left, right)]
    if None in found:
        return None
    if not all(isinstance(value, datetime) for value in found):
        found = [as_day(value, zone) for value in found if value is not None]
    return compare(*found)


def as_day(value: date | datetime, zone: tzinfo) -> date:
    """Return the local date of a date or an instant."""
    return local_date(value, zone) if isinstance(value, datetime) else value


def _dated_judge(comparison: Comparison, zone: tzinfo) -> Judge:
    if comparison.op == "anniversary_in_next":
        return _anniversary(comparison, zone)
    key = (comparison, zone)
    fixed = Moment(_SOME_DAY, zone)
    always = None if is_relative(comparison) else date_spans(comparison, fixed)

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        found = as_dated(given, zone)
        if found is None:
            return None
        spans: Spans = always or now.kept(
            key, lambda: date_spans(comparison, now.moment(zone))
        )
        if isinstance(found, datetime):
            return spans.instants.holds(found)
        return None if spans.days is None else spans.days.holds(found)

    return judge


def _anniversary(comparison: Comparison, zone: tzinfo) -> Judge:
    key = (comparison, zone)

    def judge(given: Any, row: Row, now: Now) -> bool | None:
        found = as_dated(given, zone)
        if found is None:
            return None
        days = now.kept(key, lambda: anniversary_days(comparison, now.moment(zone)))
        born = as_day(found, zone)
        return days is None or born.month * 100 + born.day in days

    return judge
