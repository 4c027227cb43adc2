"""Faults of rows: what is checked, and the SQL that lists what a row failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmp.core.sql import quote_text

MASK_CHARACTERS = 24
FAULT = (
    "struct(field varchar, action varchar, reason varchar, expected varchar, "
    "masked_value varchar)"
)


@dataclass(frozen=True)
class Check:
    """A condition under which a row or a field of it is at fault, in SQL.

    Attributes:
        condition: true or false, never null.
    """

    field: str
    condition: str
    reason: str
    expected: str
    value: str
    action: str = "refused"

    def sql(self) -> str:
        """Return the case expression that gives the fault, or null."""
        return (
            f"case when {self.condition} then {{'field': {quote_text(self.field)}, "
            f"'action': {quote_text(self.action)}, "
            f"'reason': {quote_text(self.reason)}, "
            f"'expected': {quote_text(self.expected)}, "
            f"'masked_value': {masked(self.value)}}}::{FAULT} end"
        )


def masked(value: str) -> str:
    """Return the expression for the shape of a text: letters as a, digits as 9."""
    shape = f"regexp_replace({value}, '[^\\s[:punct:]0-9]', 'a', 'g')"
    return f"left(regexp_replace({shape}, '[0-9]', '9', 'g'), {MASK_CHARACTERS})"


def refused_sql(checks: Sequence[Check]) -> str:
    """Return whether a row is refused, by `is_faulty` and what it failed."""
    refusing = [check for check in checks if check.action == "refused"]
    return f"case when is_faulty then {any_sql(refusing)} else false end"


def faults_sql(checks: Sequence[Check]) -> str:
    """Return the list of faults; it is made for the rows alone that have any."""
    found = ", ".join(check.sql() for check in checks)
    return (
        f"case when is_faulty then list_filter([{found}], lambda x: x is not null) "
        "else [] end"
    )


def any_sql(checks: Sequence[Check]) -> str:
    """Return whether a row fails any check."""
    return " or ".join(f"({check.condition})" for check in checks) or "false"


def missing(field: str, condition: str, right: str) -> Check:
    """Return the check for a value that is not there."""
    return Check(field, condition, "missing", right, "null::varchar")


def unreadable(field: str, condition: str, right: str, text: str) -> Check:
    """Return the check for a value that is not there or says nothing."""
    return Check(field, condition, "missing or not readable", right, text)
