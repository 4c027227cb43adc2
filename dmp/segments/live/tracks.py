"""Tracks: each pattern of the rules once, and what is read of the events on it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from dmp.segments.live.clauses import (
    Turn,
    are_relative,
    every,
    keys_of,
    turn_of,
)
from dmp.segments.live.comparing import Test
from dmp.segments.live.rows import Row, Timeline
from dmp.segments.live.spans import NEVER, Now
from dmp.segments.rule import Clause, Pattern

Read = Callable[[Mapping[str, Any]], Any]


@dataclass
class Track:
    """The events of one name that satisfy conditions which time does not change.

    Attributes:
        event: None takes every event.
        where: None where there are no such conditions.
        keys: of the properties that are read.
        columns: what is read of each event, by the number of the column.
        kinds: of the columns that a bucket can hold: `number`, `text` or `flag`.
    """

    event: str | None
    where: Test | None
    keys: set[str] = field(default_factory=set)
    columns: dict[int, Read] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidates:
    """The rows that match a pattern.

    Attributes:
        track: a bit.
        where: conditions that depend on as_of, over what column `raw` holds.
    """

    track: int
    where: Test | None = None
    raw: int = -1
    turn: Turn | None = None

    def rows(self, timeline: Timeline, now: Now) -> list[Row]:
        """Return the rows that match at an as_of, later ones too; do not change it."""
        found = timeline.on(self.track)
        where = self.where
        if where is None:
            return found
        return [row for row in found if where(row.values[self.raw], now)]

    def until(self, timeline: Timeline, now: Now) -> int:
        """Return when time alone can first change which rows match."""
        turn = self.turn
        if turn is None:
            return NEVER
        found = timeline.on(self.track)
        return min((turn(row.values[self.raw], now) for row in found), default=NEVER)


class Tracks:
    """The tracks and columns of all rules, each made once."""

    def __init__(self) -> None:
        self.all: list[Track] = []
        self._found: dict[Hashable, int] = {}
        self._columns: dict[Hashable, int] = {}

    def candidates(self, pattern: Pattern, zone: tzinfo) -> Candidates:
        """Return the rows that match a pattern."""
        if not are_relative(pattern.where):
            return Candidates(1 << self._track(pattern, zone))
        track = self._track(Pattern(pattern.event), zone)
        raw = self.raw(track, pattern.where)
        turn = turn_of(pattern.where, zone)
        return Candidates(1 << track, every(pattern.where, zone), raw, turn)

    def _track(self, pattern: Pattern, zone: tzinfo) -> int:
        key = (pattern, zone if pattern.where else None)
        if key not in self._found:
            self._found[key] = len(self.all)
            where, keys = every(pattern.where, zone), set(keys_of(pattern.where))
            self.all.append(Track(pattern.event, where, keys))
        return self._found[key]

    def raw(self, track: int, parts: Sequence[Clause]) -> int:
        """Return the column of the properties that conditions read, as they are."""
        keys = keys_of(parts)

        def read(given: Mapping[str, Any]) -> Mapping[str, Any]:
            return {key: given[key] for key in keys if key in given}

        return self.column(track, keys, read, keys)

    def column(
        self, track: int, key: Hashable, read: Read, keys: Set[str], kind: str = ""
    ) -> int:
        """Return the number of a column of a track.

        Args:
            track: its number.
            key: tells the columns of a track apart.
            read: of the properties of an event.
            keys: of the properties that are read.
            kind: `number`, `text` or `flag` where a bucket can hold it.
        """
        full = (track, kind, key)
        if full not in self._columns:
            column = self._columns[full] = len(self._columns)
            self.all[track].columns[column] = read
            self.all[track].keys |= keys
            if kind:
                self.all[track].kinds[column] = kind
        return self._columns[full]


def number_of(candidates: Candidates) -> int:
    """Return the number of a candidates' track."""
    return candidates.track.bit_length() - 1
