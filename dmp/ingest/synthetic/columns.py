"""Text columns: long lists of short strings, joined without a loop in Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.ingest.synthetic.seeds import Flags, Ints
from dmp.ingest.synthetic.spec import DAY_MS

Text: TypeAlias = pa.Array
"""An Arrow array of strings without nulls."""

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_DASHES = (8, 13, 18, 23)
_DIGIT_PLACES = [place for place in range(36) if place not in _DASHES]


def text(words: Sequence[str]) -> Text:
    """Return words as a column."""
    return pa.array(words, pa.string())


def pick(words: Sequence[str] | Text, index: Ints | Flags) -> Text:
    """Return for each number the word at that place."""
    column = words if isinstance(words, pa.Array) else text(words)
    return column.take(pa.array(index.astype(np.int64)))


def join(*parts: str | Text) -> Text:
    """Return the parts put together row by row; a plain string goes into every row."""
    cells = [pa.scalar(p) if isinstance(p, str) else p for p in parts]
    return pc.binary_join_element_wise(*cells, "")


def whole(numbers: Ints) -> Text:
    """Return numbers in decimal."""
    return pc.cast(pa.array(numbers), pa.string())


def scatter(n: int, parts: Sequence[tuple[Flags, str | Text]]) -> Text:
    """Return a column of n rows made of parts, each with the rows it fills.

    Args:
        n: how many rows.
        parts: rows (True where the part goes) and one string, or one a filled row.
            The rows of all parts do not overlap; rows of no part are ''.
    """
    place = np.zeros(n, dtype=np.int64)
    words, filled = [text([""])], 1
    for rows, part in parts:
        column = text([part]) if isinstance(part, str) else part
        count = int(rows.sum())
        place[rows] = filled + (np.arange(count) if len(column) == count else 0)
        words.append(column)
        filled += len(column)
    return pick(pa.concat_arrays(words), place)


def uuids(rng: np.random.Generator, n: int) -> Text:
    """Return n random version 4 UUIDs in lower case."""
    nibbles = rng.integers(0, 16, (n, 32), dtype=np.uint8)
    nibbles[:, 12] = 4
    nibbles[:, 16] = 8 + nibbles[:, 16] % 4
    letters = np.full((n, 36), ord("-"), dtype=np.uint8)
    letters[:, _DIGIT_PLACES] = _HEX[nibbles]
    offsets = np.arange(0, 36 * (n + 1), 36, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(letters.tobytes())]
    return pa.Array.from_buffers(pa.string(), n, buffers)


@cache
def _clock() -> tuple[Text, Text]:
    """Return the texts of each second of a day and each millisecond of a second."""
    seconds = [
        f"T{hour:02d}:{minute:02d}:{second:02d}."
        for hour in range(24)
        for minute in range(60)
        for second in range(60)
    ]
    return text(seconds), text([f"{ms:03d}Z" for ms in range(1000)])


def instants(at_ms: Ints) -> Text:
    """Return epoch milliseconds as `2026-03-01T12:33:11.123Z`."""
    if not at_ms.size:
        return text([])
    day, rest = np.divmod(at_ms, DAY_MS)
    first = int(day.min())
    days = np.arange(first, int(day.max()) + 1).astype("datetime64[D]")
    seconds, millis = _clock()
    return join(
        pick(text(np.datetime_as_string(days).tolist()), day - first),
        pick(seconds, rest // 1000),
        pick(millis, rest % 1000),
    )


def amounts(values: npt.NDArray[np.float64]) -> Text:
    """Return amounts of 0 or more with two decimals."""
    cents = np.rint(values * 100).astype(np.int64)
    whole_part, rest = np.divmod(cents, 100)
    return join(whole(whole_part), pick([f".{cent:02d}" for cent in range(100)], rest))


def lines(rows: Text) -> bytes:
    """Return rows as UTF-8 text, a line feed after each."""
    ended = join(rows, "\n")
    if not len(ended):
        return b""
    offsets = np.frombuffer(ended.buffers()[1], dtype=np.int32)
    start, end = int(offsets[ended.offset]), int(offsets[ended.offset + len(ended)])
    return bytes(memoryview(ended.buffers()[2])[start:end])
