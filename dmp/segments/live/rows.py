"""What is remembered of events: rows, and the buckets that many old rows become.

A row is one event of one person: when, its id, the tracks it is on (a track is one
pattern of the rules), and the few values that the rules read of it. A bucket stands for
several rows of one track, whose instants it no longer tells apart; a window that ends
inside a bucket cannot be answered from it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import fsum, isfinite
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One event, or one bucket of `n` events.

    Attributes:
        first: microseconds of the earliest.
        id: its event_id.
        tracks: a bit for each track.
        values: by column; of a bucket `Sums`, a set, or `Ends` in place of a
            number, text or flag.
        last: microseconds of the latest.
        shape: the number of its tracks and values, where they are kept; or -1.
    """

    first: int
    id: str
    tracks: int
    values: Mapping[int, Any]
    last: int
    n: int
    shape: int = -1


@lru_cache(maxsize=16_384)
def bits(mask: int) -> tuple[int, ...]:
    """Return the places of the ones of a mask >= 0, the lowest first."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return tuple(found)


class Timeline:
    """The rows of one person by time and id; of each set of tracks, once asked for."""

    def __init__(self, rows: list[Row]) -> None:
        """Take rows that are in order."""
        self.rows = rows
        self._on: dict[int, list[Row]] = {}
        self._single: dict[int, list[Row]] = {}
        self._several: list[tuple[int, list[Row]]] = []
        self._ids: set[str] | None = None

    def on(self, tracks: int) -> list[Row]:
        """Return the rows that are on some of the tracks, given as bits."""
        found = self._on.get(tracks)
        if found is None:
            found = self._on[tracks] = [row for row in self.rows if row.tracks & tracks]
            if tracks & tracks - 1:
                self._several.append((tracks, found))
            else:
                self._single[tracks.bit_length() - 1] = found
        return found

    def add(self, row: Row) -> bool:
        """Add a row; False when one with its id is there already."""
        if self._ids is None:
            self._ids = {known.id for known in self.rows}
        if row.id in self._ids:
            return False
        self._ids.add(row.id)
        put = insort if self.rows and row < self.rows[-1] else list.append
        put(self.rows, row)
        mine = row.tracks
        for track in bits(mine):
            if track in self._single:
                put(self._single[track], row)
        for tracks, found in self._several:
            if mine & tracks:
                put(found, row)
        return True


class Cut(Exception):
    """A window ends inside a bucket: the events themselves are needed."""


class Sums(NamedTuple):
    """The numbers of a bucket; the parts have exactly their sum."""

    n: int
    parts: tuple[float, ...]
    low: float
    high: float


class Ends(NamedTuple):
    """A flag of the earliest event of a bucket and of the latest."""

    first: bool
    last: bool


def inside(rows: Sequence[Row], low: int, high: int) -> Sequence[Row]:
    """Return the rows of a track in [low, high], in order.

    Raises:
        Cut: an end of the window lies inside a bucket.
    """
    start, end = places(rows, low, high)
    return rows[start:end]


def places(rows: Sequence[Row], low: int, high: int) -> tuple[int, int]:
    """Return where the rows in [low, high] begin and end; raises what `inside` does."""
    start, end = bisect_left(rows, (low,)), len(rows)
    if end and rows[-1].first > high:
        end = bisect_left(rows, (high + 1,))
    if start and rows[start - 1].last >= low:
        raise Cut
    if end > start and rows[end - 1].last > high:
        raise Cut
    return start, end


def numbers(rows: Iterable[Row], column: int) -> Sums | None:
    """Return the numbers of a column; None when there are none."""
    values = [row.values.get(column) for row in rows]
    sums = [as_sums(value) for value in values if value is not None]
    if not sums:
        return None
    return Sums(
        sum(one.n for one in sums),
        tuple(part for one in sums for part in one.parts),
        min(one.low for one in sums),
        max(one.high for one in sums),
    )


def as_sums(value: float | Sums) -> Sums:
    """Return a number, or the numbers of a bucket, as sums."""
    return value if isinstance(value, Sums) else Sums(1, (value,), value, value)


def added(parts: Sequence[float]) -> float:
    """Return the sum, correctly rounded; of infinities as IEEE 754 adds them."""
    try:
        return fsum(parts)
    except (OverflowError, ValueError):
        return sum(parts)


def condensed(parts: Iterable[float]) -> tuple[float, ...]:
    """Return a few numbers with exactly the same sum, where all are finite.

    Source: Shewchuk, Adaptive precision floating-point arithmetic (1997).
    """
    kept: list[float] = []
    given = tuple(parts)
    for part in given:
        grown = []
        for other in kept:
            if abs(part) < abs(other):
                part, other = other, part
            high = part + other
            low = other - (high - part)
            if low:
                grown.append(low)
            part = high
        kept = [*grown, part]
    return tuple(kept) if all(map(isfinite, kept)) else given


def bucket(rows: Sequence[Row], track: int, columns: Mapping[int, str]) -> Row:
    """Return rows of one track, in order, as one bucket.

    Args:
        rows: at least one.
        track: its bit.
        columns: those of the track: `number`, `text` or `flag`.
    """
    values = {
        column: folded
        for column, kind in columns.items()
        if (folded := _folded(rows, column, kind)) is not None
    }
    n = sum(row.n for row in rows)
    return Row(rows[0].first, rows[0].id, 1 << track, values, rows[-1].last, n)


def _folded(
    rows: Sequence[Row], column: int, kind: str
) -> Sums | Ends | frozenset[str] | None:
    if kind == "text":
        return frozenset(texts(rows, column))
    if kind == "number":
        found = numbers(rows, column)
        return found and found._replace(parts=condensed(found.parts))
    return Ends(flag(rows, column, False), flag(rows, column, True))


def texts(rows: Iterable[Row], column: int) -> set[str]:
    """Return the different texts of a column."""
    found: set[str] = set()
    for row in rows:
        value = row.values.get(column)
        if isinstance(value, frozenset):
            found |= value
        elif value is not None:
            found.add(value)
    return found


def flag(rows: Sequence[Row], column: int, latest: bool) -> bool:
    """Return the flag of the latest (earliest) of rows, of which there is one."""
    value = rows[-1 if latest else 0].values[column]
    if isinstance(value, Ends):
        return value.last if latest else value.first
    return bool(value)
