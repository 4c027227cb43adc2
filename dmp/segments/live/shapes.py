"""What the rules read of an event, found once for events that are alike.

Most events of a name differ in little that a rule reads: the page, the category. What
was read of one is kept under its texts, so that the next alike needs no test; and few
enough sets of tracks and values come of it to be numbered, so that the state of a
person at rest has two bytes for each.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from dmp.segments.live.spans import Now, instant
from dmp.segments.live.tracks import Track

MOST_SHAPES = 16_384
_MOST_READINGS = 16_384
_MOST_TEXT = 256
_ANY_TIME = Now(instant(0))
_PLAIN = (str, bool, type(None))


class Shape(NamedTuple):
    """What the rules read of an event.

    Attributes:
        tracks: a bit for each that it is on.
        values: by column.
        number: among the shapes that are kept; -1 of one that is not.
    """

    tracks: int
    values: Mapping[int, Any]
    number: int


class Shapes:
    """The shapes that came up: some thousands of them, kept while the process lives.

    A shape with numbers, or that is new when the room is used up, has no number.
    """

    def __init__(self, tracks: Sequence[Track]) -> None:
        """Take the tracks of all rules."""
        self.known: list[Shape] = []
        self._tracks = tracks
        self._by_event = {
            name: [n for n, track in enumerate(tracks) if track.event in (name, None)]
            for name in {track.event for track in tracks}
        }
        self._keys = {
            name: sorted({key for n in mine for key in tracks[n].keys})
            for name, mine in self._by_event.items()
        }
        self._numbers: dict[Hashable, Shape] = {}
        self._readings: dict[Hashable, Shape] = {}

    def of(self, event: str, given: Mapping[str, Any]) -> Shape:
        """Return what the rules read of an event with these properties."""
        name = event if event in self._by_event else None
        texts = [given.get(key) for key in self._keys.get(name, ())]
        if not all([type(text) is str or text is None for text in texts]):
            return self._read(name, given)
        key = (name, *texts)
        found = self._readings.get(key)
        if found is None:
            found = self._read(name, given)
            if sum([len(text or "") for text in texts]) <= _MOST_TEXT:
                if len(self._readings) >= _MOST_READINGS:
                    self._readings.clear()
                self._readings[key] = found
        return found

    def _read(self, name: str | None, given: Mapping[str, Any]) -> Shape:
        tracks, values = 0, dict[int, Any]()
        for n in self._by_event.get(name, ()):
            track = self._tracks[n]
            if track.where is None or track.where(given, _ANY_TIME):
                tracks |= 1 << n
                for column, read in track.columns.items():
                    values[column] = read(given)
        return self.shape(tracks, values)

    def shape(self, tracks: int, values: Mapping[int, Any]) -> Shape:
        """Return the shape of these tracks and values, which nobody may change."""
        if not all([type(value) in _PLAIN for value in values.values()]):
            return Shape(tracks, values, -1)
        key = (tracks, *values.items())
        found = self._numbers.get(key)
        if found is None:
            room = len(self.known) < MOST_SHAPES and _is_short(values)
            found = Shape(tracks, values, len(self.known) if room else -1)
            if room:
                self._numbers[key] = found
                self.known.append(found)
        return found


def _is_short(values: Mapping[int, Any]) -> bool:
    texts = [value for value in values.values() if isinstance(value, str)]
    return sum(map(len, texts)) <= _MOST_TEXT
