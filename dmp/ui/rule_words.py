"""What the rule builder calls things: nodes, operators, windows, units."""

from __future__ import annotations

from collections.abc import Mapping

Options = list[list[str]]

NODES: Mapping[str, tuple[str, str]] = {
    "attribute": ("Attribute", "what is known of the person"),
    "did": ("Event", "did it so often, in this time"),
    "sequence": ("Sequence", "one event after another"),
    "lifecycle": ("Lifecycle", "new, regular, gone quiet, come back"),
    "last": ("Latest event", "the most recent one was so"),
    "first": ("First event", "the earliest one was so"),
    "related": ("Purchases", "rows of a related table"),
    "segment": ("Segment", "in another segment, or not"),
    "consent": ("Consent", "granted, denied or unknown"),
    "list": ("List", "on an uploaded list"),
    "top": ("Top", "the highest or lowest by an attribute"),
    "sample": ("Sample", "a stable share of people"),
    "sql": ("SQL", "a select over the published views"),
}
OPERATORS: Mapping[str, str] = {
    "eq": "is",
    "neq": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "not_between": "is not between",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "not_starts_with": "does not start with",
    "ends_with": "ends with",
    "not_ends_with": "does not end with",
    "matches": "matches",
    "not_matches": "does not match",
    "contains_any": "contains any of",
    "is_true": "is true",
    "is_false": "is false",
    "is_missing": "is missing",
    "is_present": "is known",
    "is_blank": "is missing or blank",
    "has_any": "has any of",
    "has_all": "has all of",
    "has_none": "has none of",
    "size": "has a number of values that",
    "before": "is before",
    "after": "is after",
    "on": "is on",
    "in_last": "is in the last",
    "in_next": "is in the next",
    "older_than": "is longer ago than",
    "beyond": "is further ahead than",
    "between_ago": "is between … ago",
    "this": "is in this",
    "previous": "is in the previous",
    "anniversary_in_next": "has its anniversary in the next",
}
_PRESENCE = "is_present is_missing is_blank"
_TEXT = (
    "eq neq in not_in contains not_contains starts_with not_starts_with ends_with "
    f"not_ends_with contains_any matches not_matches {_PRESENCE}"
)
_NUMBER = f"gte gt lte lt eq neq between not_between in not_in {_PRESENCE}"
_DATE = (
    "in_last older_than between_ago this previous before after on between in_next "
    f"beyond anniversary_in_next {_PRESENCE}"
)
_BY_KIND: Mapping[str, str] = {
    "text": _TEXT,
    "number": _NUMBER,
    "boolean": f"is_true is_false {_PRESENCE}",
    "date": _DATE,
    "instant": _DATE,
    "list": f"has_any has_all has_none size {_PRESENCE}",
}
COUNT_OPERATORS: Options = [
    ["gte", "at least"],
    ["gt", "more than"],
    ["eq", "exactly"],
    ["lte", "at most"],
    ["lt", "fewer than"],
    ["neq", "other than"],
    ["between", "between"],
    ["not_between", "not between"],
    ["in", "one of"],
    ["not_in", "none of"],
]
MEASURES: Options = [
    ["times", "number of times"],
    ["sum", "sum of"],
    ["avg", "average of"],
    ["min", "smallest"],
    ["max", "largest"],
    ["distinct", "different values of"],
]
WINDOWS: Options = [
    ["ever", "at any time"],
    ["rolling", "in the last"],
    ["calendar", "in the last whole"],
    ["ago", "between … ago"],
    ["range", "from … to"],
    ["apart", "after or before"],
]
LIFECYCLES: Options = [
    ["first_time", "for the first time"],
    ["regularly", "regularly"],
    ["stopped", "and then stopped"],
    ["restarted", "again after a pause"],
]
QUANTIFIERS: Options = [
    ["any", "at least one"],
    ["none", "none"],
    ["all", "all"],
    ["at_least", "at least"],
    ["at_most", "at most"],
    ["exactly", "exactly"],
]
STATUSES: Options = [
    ["granted", "granted"],
    ["denied", "denied"],
    ["unknown", "not decided"],
]
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
PERIODS = UNITS[3:]


def units(periods: bool = False) -> Options:
    """Return the units of time to choose from."""
    return [[unit, f"{unit}s"] for unit in (PERIODS if periods else UNITS)]


def operators(kind: str, current: str) -> Options:
    """Return the operators that fit a kind of value, the current one always."""
    fitting = _BY_KIND.get(kind, " ".join(OPERATORS)).split()
    names = fitting if current in fitting else [current, *fitting]
    return [[name, OPERATORS.get(name, name)] for name in names]


def fitting(kind: str, current: str) -> str:
    """Return the operator itself if it fits a kind of value, else the kind's first.

    >>> fitting("list", "eq"), fitting("text", "eq")
    ('has_any', 'eq')
    """
    names = _BY_KIND.get(kind, " ".join(OPERATORS)).split()
    return current if current in names else names[0]
