"""Rows of text columns as one byte string each, and back to Arrow in batches.

A row is the end of each column's text, counted in bytes from the first text, as uint32
little-endian (0xFFFFFFFF marks null), then the texts in UTF-8, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_NULL = 0xFFFFFFFF
_WORD_BYTES = 4


def encode(columns: Sequence[pa.Array]) -> list[bytes]:
    """Return the rows of text columns of equal length, at least one, as bytes."""
    binary = [pc.fill_null(column.cast(pa.large_binary()), b"") for column in columns]
    lengths = np.stack([pc.binary_length(column).to_numpy() for column in binary], 1)
    ends = np.cumsum(lengths, axis=1).astype("<u4")
    nulls = [column.is_null().to_numpy(zero_copy_only=False) for column in columns]
    ends[np.stack(nulls, 1)] = _NULL
    header = _fixed_binary(ends).cast(pa.binary()).cast(pa.large_binary())
    rows = pc.binary_join_element_wise(header, *binary, pa.scalar(b"", header.type))
    return list(rows.to_pylist())


def decode(
    rows: Sequence[bytes], n_columns: int, wanted: Sequence[int]
) -> list[pa.Array]:
    """Return the columns numbered `wanted` of encoded rows, as Arrow strings.

    Copies only what is asked for.
    """
    if not wanted:
        return []
    offsets, nulls = _pieces(rows, n_columns)
    joined = pa.py_buffer(b"".join(rows))
    pieces = pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), joined]
    )
    firsts = np.arange(len(rows), dtype=np.int64) * (n_columns + 1) + 1
    return [
        pieces.take(pa.array(firsts + number, mask=nulls[:, number])).cast(pa.string())
        for number in wanted
    ]


def _pieces(
    rows: Sequence[bytes], n_columns: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return where header and texts begin in the joined rows, and what is null."""
    header_bytes = _WORD_BYTES * n_columns
    headers = b"".join([row[:header_bytes] for row in rows])
    ends = np.frombuffer(headers, "<u4").reshape(len(rows), n_columns)
    nulls = ends == _NULL
    reached = np.maximum.accumulate(np.where(nulls, 0, ends).astype(np.int64), axis=1)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    starts = np.cumsum(lengths) - lengths
    offsets = np.empty(len(rows) * (n_columns + 1) + 1, np.int64)
    table = offsets[:-1].reshape(len(rows), n_columns + 1)
    table[:, 0] = starts
    table[:, 1] = starts + header_bytes
    table[:, 2:] = (starts + header_bytes)[:, None] + reached[:, :-1]
    offsets[-1] = lengths.sum()
    return offsets, nulls


def _fixed_binary(words: npt.NDArray[np.uint32]) -> pa.Array:
    width = _WORD_BYTES * words.shape[1]
    buffer = pa.py_buffer(np.ascontiguousarray(words))
    return pa.Array.from_buffers(pa.binary(width), len(words), [None, buffer])
