from __future__ import annotations

import struct

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dmp.privacy.blobs import decode, encode

CELL = st.none() | st.text(max_size=8)


def test_the_layout_is_ends_then_texts() -> None:
    columns = [pa.array(["ab", None]), pa.array([None, "é"]), pa.array(["", "c"])]
    assert encode([column.cast(pa.large_string()) for column in columns]) == [
        struct.pack("<3I", 2, 0xFFFFFFFF, 2) + b"ab",
        struct.pack("<3I", 0xFFFFFFFF, 2, 3) + "éc".encode(),
    ]


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=20), st.permutations(range(3)))
@settings(max_examples=100, deadline=None)
def test_any_columns_come_back(
    rows: list[tuple[str | None, ...]], wanted: list[int]
) -> None:
    columns = [[row[number] for row in rows] for number in range(3)]
    encoded = encode([pa.array(column, pa.large_string()) for column in columns])
    for chosen in (wanted, wanted[:1], []):
        decoded = decode(encoded, 3, chosen)
        assert [column.to_pylist() for column in decoded] == [
            columns[number] for number in chosen
        ]
