"""The beginning of a file: enough rows to look at, whatever its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dmp.core.sql import quote_file, quote_text
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Head:
    """A file, or a copy of its first rows under the same name.

    Attributes:
        is_whole: whether these are all rows of the file.
    """

    path: Path
    is_whole: bool


def head_of(
    lake: Lake, path: Path, format_: str, scratch: Path, *, rows: int | None
) -> Head:
    """Return the first rows of a file; the file itself where it has no more.

    Args:
        format_: csv, jsonl or parquet; a header is no row.
        scratch: a folder that the caller removes; the copy is in one of its own there.
        rows: how many to give, at least 1; None gives the whole file.
    """
    if rows is None or not path.is_file():
        return Head(path, is_whole=True)
    copy = scratch / "head" / path.name
    copy.parent.mkdir()
    if format_ == "parquet":
        return _parquet(lake, path, copy, rows)
    with path.open("rb") as source, copy.open("wb") as out:
        quoted = format_ == "csv"
        for line in _first_records(source, rows + quoted, quoted=quoted):
            out.write(line)
        is_whole = not source.read(1)
    if is_whole:
        copy.unlink()
    return Head(path if is_whole else copy, is_whole)


def _parquet(lake: Lake, path: Path, copy: Path, rows: int) -> Head:
    read = f"from read_parquet({quote_file(path)}, hive_partitioning = false)"
    if int(lake.value(f"select count(*) {read}")) <= rows:
        return Head(path, is_whole=True)
    lake.execute(
        f"copy (select * {read} limit {rows:d}) to {quote_text(str(copy))} "
        "(format parquet)"
    )
    return Head(copy, is_whole=False)


def _first_records(source: BinaryIO, count: int, *, quoted: bool) -> Iterator[bytes]:
    """Yield lines until `count` records end; a quoted line break ends none."""
    is_open = False
    while count and (line := source.readline()):
        yield line
        is_open ^= quoted and line.count(b'"') % 2 == 1
        count -= not is_open
