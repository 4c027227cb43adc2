"""The phrases that a rule in plain English is put together from."""

from __future__ import annotations

from typing import Any

from dmp.segments.operators import OPERATORS
from dmp.segments.rule import (
    Ago,
    Apart,
    Calendar,
    Comparison,
    Duration,
    Other,
    Property,
    Range,
    Rolling,
    Total,
    Within,
)

_OPERATORS = {
    "eq": "is {value}",
    "neq": "is not {value}",
    "in": "is one of {value}",
    "not_in": "is none of {value}",
    "gt": "is more than {value}",
    "gte": "is at least {value}",
    "lt": "is less than {value}",
    "lte": "is at most {value}",
    "between": "is from {value} up to, not including, {to}",
    "not_between": "is not from {value} up to {to}",
    "contains": "contains {value}",
    "not_contains": "does not contain {value}",
    "starts_with": "starts with {value}",
    "not_starts_with": "does not start with {value}",
    "ends_with": "ends with {value}",
    "not_ends_with": "does not end with {value}",
    "matches": "matches {value}",
    "not_matches": "does not match {value}",
    "contains_any": "contains any of {value}",
    "is_true": "is true",
    "is_false": "is false",
    "is_missing": "is missing",
    "is_present": "is present",
    "is_blank": "is blank",
    "has_any": "has any of {value}",
    "has_all": "has all of {value}",
    "has_none": "has none of {value}",
    "size": "has a number of values that {value}",
    "before": "is before {value}",
    "after": "is after {value}",
    "on": "is on {value}",
    "in_last": "is in the last {value} {unit}",
    "in_next": "is in the next {value} {unit}",
    "older_than": "is {value} {unit} ago or longer",
    "beyond": "is more than {value} {unit} away",
    "between_ago": "is {start} to {to} {unit} ago",
    "this": "is this {unit}",
    "previous": "is in the previous {unit}",
    "anniversary_in_next": "has its anniversary in the next {value} {unit}",
}
_COUNTS = {
    "eq": "exactly {times}",
    "gt": "more than {times}",
    "gte": "at least {times}",
    "lt": "fewer than {times}",
    "lte": "at most {times}",
}


def compared(made: Comparison) -> str:
    """Return what a comparison says of the value before it.

    >>> compared(Comparison("in_last", 90, unit="day"))
    'is in the last 90 days'
    """
    said = _OPERATORS[made.op].format(
        value=_value(made.value), to=_value(made.to), unit=_unit(made), start=made.start
    )
    return said.strip() + "".join(_options(made))


def _unit(made: Comparison) -> str:
    if made.unit is None or made.op in ("this", "previous"):
        return made.unit or ""
    return made.unit if made.value == 1 else f"{made.unit}s"


def _options(made: Comparison) -> list[str]:
    said = []
    if made.ignore_case:
        said.append(" in capitals or not")
    if made.include_today:
        said.append(" or today")
    if made.include_missing not in (None, OPERATORS[made.op].negative):
        said.append(" or is missing" if made.include_missing else " and is not missing")
    return said


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, Comparison):
        return compared(value)
    if isinstance(value, Other):
        return f"its {named(value.property)}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str) and (not value or value != value.strip()):
        return f"\N{LEFT DOUBLE QUOTATION MARK}{value}\N{RIGHT DOUBLE QUOTATION MARK}"
    return "" if value is None else str(value)


def measured(measure: Comparison | Total) -> str:
    """Return how often or how much; at least once goes without saying: empty."""
    if isinstance(measure, Total):
        of = f"with {measure.agg} of {named(measure.property)}"
        return f"{of} that {compared(measure.comparison)}"
    if (measure.op, measure.value) == ("gte", 1):
        return ""
    if measure.op not in _COUNTS:
        return f"a number of times that {compared(measure)}"
    return _COUNTS[measure.op].format(times=counted(measure.value))


def counted(n: Any) -> str:
    """Return a number of times.

    >>> counted(1), counted(3)
    ('once', '3 times')
    """
    return "once" if n == 1 else f"{_value(n)} times"


def window(within: Within | None) -> str:
    """Return when; without a window it is at any time."""
    match within:
        case Rolling():
            return f"in the last {_newest(within.length)}"
        case Calendar():
            today = " and the current one" if within.include_today else ""
            return f"in the previous {_newest(within.length)}{today}"
        case Ago():
            return f"from {within.start} to {within.end} {within.unit}s ago"
        case Apart():
            after = f"after {within.after}" if within.after else ""
            before = f"before {within.before}" if within.before else ""
            return " and ".join(end for end in (after, before) if end)
        case Range():
            return f"from {within.start} to {within.end}"
    return "ever"


def _newest(span: Duration) -> str:
    return span.unit if span.n == 1 else length(span)


def length(span: Duration) -> str:
    """Return a length of time.

    >>> length(Duration(1, "week")), length(Duration(2, "week"))
    ('1 week', '2 weeks')
    """
    return f"{span.n} {span.unit}{'' if span.n == 1 else 's'}"


def lengths(span: Duration, n: int) -> str:
    """Return periods of one length.

    >>> lengths(Duration(1, "week"), 4), lengths(Duration(2, "week"), 4)
    ('weeks', 'periods of 2 weeks')
    """
    if span.n == 1:
        return f"{span.unit}{'' if n == 1 else 's'}"
    return f"period{'' if n == 1 else 's'} of {length(span)}"


def named(written: str | Property) -> str:
    """Return a name in words; `last_order_at` is the last order."""
    return str(written).removesuffix("_at").removesuffix("_on").replace("_", " ")
