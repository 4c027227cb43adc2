"""The comparison operators: what each takes and how it answers on missing values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Takes(Enum):
    """What stands beside an operator."""

    NOTHING = "nothing"
    SCALAR = "value: text, number, true/false or another value of the row"
    RANGE = "value and to: two of one type, or other values of the row"
    TEXT = "value: text or another value of the row"
    PATTERN = "value: a regular expression (RE2)"
    TEXTS = "value: a list of texts"
    ITEMS = "value: a list of texts, numbers or true/false"
    SIZE = "value: {op, value, to?} on the number of elements"
    TIME = "value: a date, an instant or another value of the row"
    COUNT = "value: an integer >= 1, and unit"
    AGO = "from > to >= 0, and unit"
    PERIOD = "unit: day, week, month, quarter or year"
    ANNIVERSARY = "value: an integer >= 1, unit: day, include_today"


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        negative: holds where its positive twin does not, and, by default, on a
            missing value.
        twin: the positive operator that a negative one is the complement of.
    """

    name: str
    takes: Takes
    twin: str = ""

    @property
    def negative(self) -> bool:
        """Whether a missing value satisfies it by default."""
        return bool(self.twin)


_TABLE: Mapping[Takes, str] = {
    Takes.NOTHING: "is_true is_false is_missing is_present is_blank",
    Takes.SCALAR: "eq neq=eq gt gte lt lte",
    Takes.RANGE: "between not_between=between",
    Takes.TEXT: "contains not_contains=contains starts_with not_starts_with=starts_with"
    " ends_with not_ends_with=ends_with",
    Takes.PATTERN: "matches not_matches=matches",
    Takes.TEXTS: "contains_any",
    Takes.ITEMS: "in not_in=in has_any has_all has_none=has_any",
    Takes.SIZE: "size",
    Takes.TIME: "before after on",
    Takes.COUNT: "in_last in_next older_than beyond",
    Takes.AGO: "between_ago",
    Takes.PERIOD: "this previous",
    Takes.ANNIVERSARY: "anniversary_in_next",
}


def _operators() -> Mapping[str, Operator]:
    listed = {}
    for takes, words in _TABLE.items():
        for word in words.split():
            name, _, twin = word.partition("=")
            listed[name] = Operator(name, takes, twin)
    return listed


OPERATORS: Mapping[str, Operator] = _operators()
NUMBER_OPS = (
    *("eq", "neq", "in", "not_in"),
    *("gt", "gte", "lt", "lte", "between", "not_between"),
)
PRESENCE_OPS = frozenset({"is_missing", "is_present", "is_blank"})
LIST_OPS = frozenset({"has_any", "has_all", "has_none"})
DATE_TAKES = frozenset(
    {Takes.TIME, Takes.COUNT, Takes.AGO, Takes.PERIOD, Takes.ANNIVERSARY}
)
CASE_TAKES = frozenset(
    {
        Takes.SCALAR,
        Takes.RANGE,
        Takes.TEXT,
        Takes.PATTERN,
        Takes.TEXTS,
        Takes.ITEMS,
    }
)


def is_date_operator(op: str) -> bool:
    """Say whether an operator reads dates from text."""
    return OPERATORS[op].takes in DATE_TAKES
