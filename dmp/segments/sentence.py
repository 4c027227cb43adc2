"""A rule in plain English."""

from __future__ import annotations

from typing import Any

import yaml

from dmp.segments.documents import node_document
from dmp.segments.rule import (
    Ago,
    All,
    AnyOf,
    Apart,
    Attribute,
    Calendar,
    Comparison,
    Condition,
    Did,
    Duration,
    InSegment,
    Node,
    Not,
    Other,
    Pattern,
    Range,
    Rolling,
    Total,
    Within,
    leaves,
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
}
_COUNTS = {
    "eq": "exactly {value} times",
    "gt": "more than {value} times",
    "gte": "at least {value} times",
    "lt": "fewer than {value} times",
    "lte": "at most {value} times",
}


def sentence(node: Node | Condition) -> str:
    """Return what a node says, without a full stop.

    >>> from dmp.segments.rule import Attribute, Comparison
    >>> sentence(Attribute("country", Comparison("eq", "GB")))
    'country is GB'

    Nodes that have no short English stand as they are written in YAML.
    """
    if isinstance(node, All | AnyOf):
        word = " and " if isinstance(node, All) else " or "
        return word.join(_inner(part) for part in node.parts) or _empty(node)
    if isinstance(node, Not):
        return f"not: {_inner(node.part)}"
    if isinstance(node, Condition):
        return f"{_name(str(node.property))} {_comparison(node.comparison)}"
    if isinstance(node, Attribute):
        return f"{_name(node.name)} {_comparison(node.comparison)}"
    if isinstance(node, Did):
        return _did(node)
    if isinstance(node, InSegment):
        return f"{'is not' if node.negated else 'is'} in the segment {node.id}"
    return yaml.safe_dump(node_document(node), default_flow_style=True).strip()


def conditions_said(rule: Node) -> dict[str, str]:
    """Return by its path what each condition of a rule says, in the rule's order."""
    return {path: sentence(leaf) for path, leaf in leaves(rule)}


def _inner(part: Node | Condition) -> str:
    text = sentence(part)
    return (
        f"({text})" if isinstance(part, All | AnyOf) and len(part.parts) > 1 else text
    )


def _empty(node: All | AnyOf) -> str:
    return "everyone" if isinstance(node, All) else "nobody"


def _did(node: Did) -> str:
    parts = [_pattern(node.pattern), _measure(node.measure), _within(node.within)]
    return " ".join(part for part in parts if part)


def _pattern(pattern: Pattern) -> str:
    name = "did anything" if pattern.event is None else f"did {_name(pattern.event)}"
    conditions = " and ".join(_inner(part) for part in pattern.where)
    return f"{name} where {conditions}" if conditions else name


def _measure(measure: Comparison | Total) -> str:
    if isinstance(measure, Total):
        what = f"with {measure.agg} of {_name(str(measure.property))}"
        return f"{what} that {_comparison(measure.comparison)}"
    if (measure.op, measure.value) == ("gte", 1):
        return ""
    form = _COUNTS.get(measure.op, "a number of times that " + _OPERATORS[measure.op])
    return form.format(value=_value(measure.value), to=_value(measure.to))


def _within(within: Within | None) -> str:
    if isinstance(within, Rolling):
        return f"in the last {_length(within.length)}"
    if isinstance(within, Calendar):
        today = " and the current one" if within.include_today else ""
        return f"in the previous {_length(within.length)}{today}"
    if isinstance(within, Ago):
        return f"from {within.start} to {within.end} {within.unit}s ago"
    if isinstance(within, Apart):
        ends = [f"after {within.after}"] if within.after else []
        return " and ".join(
            ends + ([f"before {within.before}"] if within.before else [])
        )
    if isinstance(within, Range):
        return f"from {within.start} to {within.end}"
    return "ever"


def _length(length: Duration) -> str:
    return f"{length.n} {_units(length.n, length.unit)}"


def _units(n: Any, unit: str | None) -> str:
    return f"{unit}{'' if n == 1 else 's'}" if unit else ""


def _comparison(made: Comparison) -> str:
    if made.op == "size" and isinstance(made.value, Comparison):
        return f"has a number of values that {_comparison(made.value)}"
    form = _OPERATORS.get(made.op, f"{made.op} {{value}}")
    unit = (
        made.unit if made.op in ("this", "previous") else _units(made.value, made.unit)
    )
    return form.format(
        value=_value(made.value), to=_value(made.to), unit=unit, start=made.start
    ).strip()


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, Other):
        return f"its {_name(str(value.property))}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _name(written: str) -> str:
    """Return a name in words; `last_order_at` is the last order."""
    return written.removesuffix("_at").removesuffix("_on").replace("_", " ")
