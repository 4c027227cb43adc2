"""The words a rule's nodes are made of, and the nodes without parts.

Dates and instants stay text, as they were written; they become instants only together
with a zone and an as_of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class Property:
    """A name, or a path into nested values.

    Attributes:
        written: dotted text as in the rule, or the parts when it was a list.
    """

    written: str | tuple[str, ...]

    def candidates(self) -> tuple[tuple[str, ...], ...]:
        """Return the key paths to try, the exact top-level key first.

        >>> Property("a.b").candidates()
        (('a.b',), ('a', 'b'))
        """
        if isinstance(self.written, tuple):
            return (self.written,)
        parts = tuple(self.written.split("."))
        return ((self.written,),) if len(parts) == 1 else ((self.written,), parts)

    def __str__(self) -> str:
        """Return the path with dots."""
        return self.written if isinstance(self.written, str) else ".".join(self.written)


@dataclass(frozen=True)
class Other:
    """Another attribute or property of the same row, in place of a literal."""

    property: Property


@dataclass(frozen=True)
class Comparison:
    """An operator and what it compares with.

    Attributes:
        value: a literal, another value of the row, a tuple of literals, a count of
            units, or the inner comparison of `size`; None where op takes none.
        to: the open end of between.
        start: `from` of between_ago, in units before as_of.
        include_missing: the answer on a missing value; None is the operator's default.
        include_today: anniversary_in_next takes today in.
    """

    op: str
    value: Scalar | Other | tuple[Scalar, ...] | Comparison | None = None
    to: Scalar | Other | None = None
    unit: str | None = None
    start: int | None = None
    include_missing: bool | None = None
    ignore_case: bool = False
    include_today: bool = False


@dataclass(frozen=True)
class Duration:
    """A length of time: n units, n >= 1."""

    n: int
    unit: str


@dataclass(frozen=True)
class Rolling:
    """The window (as_of - n units, as_of]."""

    length: Duration


@dataclass(frozen=True)
class Calendar:
    """The n whole local periods before the current one.

    Attributes:
        include_today: also the current, unfinished period, up to as_of.
    """

    length: Duration
    include_today: bool


@dataclass(frozen=True)
class Ago:
    """The window (as_of - start, as_of - end], start > end >= 0, in units."""

    start: int
    end: int
    unit: str


@dataclass(frozen=True)
class Apart:
    """The window after < occurred_at < before; either may be absent."""

    after: str | None
    before: str | None


@dataclass(frozen=True)
class Range:
    """The window [start, end)."""

    start: str
    end: str


Within: TypeAlias = Rolling | Calendar | Ago | Apart | Range


@dataclass(frozen=True)
class InSegment:
    """Member (or not) of another segment at the same as_of, in its own zone."""

    id: str
    negated: bool


@dataclass(frozen=True)
class Consent:
    """The newest decision for a purpose up to as_of; no decision is unknown."""

    purpose: str
    status: str


@dataclass(frozen=True)
class InList:
    """Member of a static list."""

    id: str


@dataclass(frozen=True)
class Sample:
    """A stable share of people: bucket in [start, start + percent) of [0, 100)."""

    percent: float
    salt: str
    start: float = 0.0


@dataclass(frozen=True)
class Sql:
    """profile_id is in the result of one checked SELECT."""

    select: str
