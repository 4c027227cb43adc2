"""Rows with planted faults, and tables as the bytes of CSV and Parquet files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

Row = tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """A fault planted to be refused: its row (from 0), column, and what is wrong."""

    row: int
    field: str
    what: str


@dataclass(frozen=True)
class Rows:
    """Rows of one file, and which of them are meant to be refused."""

    rows: Sequence[Row]
    refusals: Sequence[Refusal]


def refusals_of(faults: Iterable[tuple[str, str]]) -> list[Refusal]:
    """Return the faults from one (column, what is wrong) a row; '' if all is well."""
    return [
        Refusal(row, column, what) for row, (column, what) in enumerate(faults) if what
    ]


def refusing(found: Sequence[tuple[Row, str, str]]) -> Rows:
    """Return rows apart from their faults."""
    faults = refusals_of((column, what) for _, column, what in found)
    return Rows([row for row, _, _ in found], faults)


def halves(rows: Rows) -> tuple[Rows, Rows]:
    """Return the rows as two files, counted anew in the second."""
    cut = (len(rows.rows) + 1) // 2
    first = [refusal for refusal in rows.refusals if refusal.row < cut]
    second = [
        replace(refusal, row=refusal.row - cut)
        for refusal in rows.refusals
        if refusal.row >= cut
    ]
    return Rows(rows.rows[:cut], first), Rows(rows.rows[cut:], second)


def csv_bytes(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    encoding: str = "utf-8",
    line_end: str = "\n",
) -> bytes:
    """Return rows under a header as CSV; fields are quoted where they must be."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=line_end)
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue().encode(encoding)


def text_table(columns: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    """Return rows as a table of text columns, '' as null."""
    cells = zip(*rows, strict=True) if rows else [()] * len(columns)
    return pa.table(
        {
            name: pa.array([value or None for value in values], pa.string())
            for name, values in zip(columns, cells, strict=True)
        }
    )


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file of one row group."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())
