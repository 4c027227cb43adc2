"""Sets of segments as the bits of whole numbers: short to write and quick to join."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

BITS = 62
"""Of a column: a bigint of every dialect holds them without its sign."""


@dataclass(frozen=True)
class Masks:
    """Some segments, each a bit of one of the columns `m0`, `m1`, …."""

    segments: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(f"m{n}" for n in range(1 + (len(self.segments) - 1) // BITS))

    def values(self, some: Collection[str]) -> tuple[int, ...]:
        """Return what the columns hold for some of the segments.

        >>> Masks(("a", "b", "c")).values({"a", "c"})
        (5,)
        """
        found = [0] * len(self.columns)
        for place, segment in enumerate(self.segments):
            if segment in some:
                found[place // BITS] |= 1 << place % BITS
        return tuple(found)

    def named(self, values: Sequence[int | None]) -> frozenset[str]:
        """Return the segments that the columns hold."""
        return frozenset(
            segment
            for place, segment in enumerate(self.segments)
            if (values[place // BITS] or 0) >> place % BITS & 1
        )

    def holding(self, some: Collection[str]) -> str:
        """Return the columns of a select that hold some of the segments."""
        return self.where([("true", some)])

    def where(self, tests: Iterable[tuple[str, Collection[str]]]) -> str:
        """Return the columns of a select that hold the segments whose tests hold.

        >>> Masks(("a", "b")).where([("x > 1", {"a"}), ("true", {"b"})])
        '(case when x > 1 then 1 else 0 end | 2)::bigint as m0'
        """
        known = [(test, self.values(some)) for test, some in tests]
        columns = []
        for n, column in enumerate(self.columns):
            parts = [
                str(bits[n]) if test == "true" else _if(test, bits[n])
                for test, bits in known
                if bits[n]
            ]
            columns.append(f"({' | '.join(parts) or '0'})::bigint as {column}")
        return ", ".join(columns)

    @property
    def gathered(self) -> str:
        """The columns of a grouped select: what any row holds."""
        return ", ".join(f"bit_or({column}) as {column}" for column in self.columns)

    def any_of(self, some: Collection[str], alias: str = "") -> str:
        """Return the test whether a row holds any of some segments.

        >>> Masks(("a", "b")).any_of({"b"}, "t.")
        '(t.m0 & 2) <> 0'
        """
        tests = [
            f"({alias}{column} & {bits}) <> 0"
            for column, bits in zip(self.columns, self.values(some), strict=True)
            if bits
        ]
        return (
            f"({' or '.join(tests)})" if len(tests) > 1 else "".join(tests) or "false"
        )


def _if(test: str, bits: int) -> str:
    return f"case when {test} then {bits} else 0 end"
