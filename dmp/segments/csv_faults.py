"""What keeps a CSV file from being read, told by its lines and never by its cells."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

_DELIMITERS = ",;\t|"
_TOLD = 3
"""So many lines with too many or too few cells are named."""


def csv_fault(path: Path) -> str:
    """Return what is wrong with the file as a whole; nothing if that is not known.

    It reads the file up to the fault, so it is for one that was refused.
    """
    try:
        with _bytes_of(path) as file:
            if fault := _encoding_fault(file):
                return fault
        with io.TextIOWrapper(_bytes_of(path), "utf-8-sig", newline="") as text:
            return _shape_fault(text)
    except (OSError, EOFError, csv.Error):
        return ""


def _bytes_of(path: Path) -> BinaryIO:
    packed = path.name.lower().endswith(".gz")
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _encoding_fault(file: BinaryIO) -> str:
    empty = True
    for number, line in enumerate(file, 1):
        empty = empty and not line.strip()
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return f"is not UTF-8 in line {number:,}; save it as UTF-8"
    right = "a first line that names the columns is right"
    return f"is empty; {right}" if empty else ""


def _shape_fault(file: io.TextIOWrapper) -> str:
    first = next(line for line in file if line.strip())
    file.seek(0)
    rows = _rows(file, max(_DELIMITERS, key=first.count))
    _, wanted = next(rows)
    odd = ((line, cells) for line, cells in rows if cells != wanted)
    told = [f"line {line:,} has {_cells(n)}" for line, n in islice(odd, _TOLD)]
    if not told:
        return ""
    return f"{', '.join(told)}; the first has {wanted:,}, and so should each"


def _rows(file: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, int]]:
    """Yield the line at which each row begins, and how many cells it has."""
    reader = csv.reader(file, delimiter=delimiter)
    begins = 1
    for row in reader:
        if row:
            yield begins, len(row)
        begins = reader.line_num + 1


def _cells(number: int) -> str:
    return f"{number:,} cell{'s' * (number != 1)}"
