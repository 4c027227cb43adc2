"""CSV files as text: what is none, in which encoding, and which line is broken."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dmp.core.errors import UsageError

_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".geojson")
_JSON = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"\]\d-])')
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SIGNS = {
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"BZh": "compressed by bzip2; unpack it first",
    b"\xfd7zXZ": "compressed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it first",
    b"PK\x03\x04": "a zip archive or a workbook; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an older workbook; save the sheet as CSV",
    b"PAR1": "a Parquet file; let its name end in .parquet",
    b"SQLite format 3": "a SQLite database; export its rows as CSV",
}
_PACKED = {".gz": "gzip", ".zst": "zstd"}
"""Suffixes that DuckDB unpacks by."""

_HEAD_BYTES = 4096
_READ_BYTES = 1 << 24


@dataclass(frozen=True)
class CsvText:
    """A file that is text, as far as its first bytes tell.

    Attributes:
        encoding: as DuckDB calls it.
    """

    path: Path
    encoding: str

    def broken_line(self) -> str:
        """Return the first line that breaks the file, and how; holds no cell.

        Nothing where most lines have another number of cells than the first, which
        then is no header.
        """
        widths = _widths(self._first_line())
        delimiter = max(widths, key=widths.__getitem__)
        first, alike, unlike, before, width = "", 0, 0, 0, 0
        with self._lines() as lines:
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            try:
                for row in rows:
                    width = width or len(row)
                    if len(row) == width:
                        alike += 1
                    elif row:
                        unlike += 1
                        first = first or (
                            f"line {before + 1}: the header has {width} cells, this "
                            f"line {len(row)}; mend it, or quote a cell that holds a "
                            f"{_DELIMITERS[delimiter]}"
                        )
                    before = rows.line_num
            except csv.Error:
                first = first or (
                    f"line {before + 1}: a quote is opened there and not closed at the "
                    "end of its cell; close it, or write a quote inside a cell twice"
                )
        return first if alike >= unlike else ""

    def check_read(self, head: pa.Table) -> None:
        """Check that a reader found the columns of the header, and took quotes off.

        DuckDB finds a reading of its own for a file with a broken line: one column
        whose cells are whole lines, quotes kept in cells, or lines left out before a
        later header.

        Args:
            head: the first rows, every cell text.

        Raises:
            UsageError: it did not, because of a broken line.
        """
        widths = _widths(self._first_line()).values()
        n = head.num_columns
        is_cut = max(widths) <= 1 or (n > 1 and n in widths)
        if (not is_cut or _keeps_quotes(head)) and (broken := self.broken_line()):
            raise UsageError(f"{self.path.name}, {broken}")

    def _first_line(self) -> str:
        with self._lines() as lines:
            return lines.readline(_HEAD_BYTES)

    def _lines(self) -> io.TextIOWrapper:
        name = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        opened = io.BufferedReader(_opened(self.path))
        return io.TextIOWrapper(opened, name, errors="replace", newline="")


def csv_text(path: Path) -> CsvText:
    """Look at a file that should be CSV.

    Raises:
        UsageError: it is JSON, packed, a workbook, no text or no file at all.
    """
    if not path.is_file():
        raise UsageError(
            f"{path}: is no file, and a pipe cannot be read twice; save it as a file"
        )
    try:
        with _opened(path) as file:
            head = file.read(_HEAD_BYTES)
        if found := _other_format(path, head):
            raise UsageError(f"{path.name}: is {found}")
        return CsvText(path, _encoding(path, head))
    except OSError as error:
        raise UsageError(
            f"{path.name}: cannot be read ({error.strerror or 'is it whole?'}); give "
            "a CSV or Parquet file"
        ) from error


def _opened(path: Path) -> pa.NativeFile:
    packed = _PACKED.get(path.suffix.lower())
    return pa.input_stream(str(path), compression=packed)


def _other_format(path: Path, head: bytes) -> str:
    """Return what a file is that is no CSV, and what to do; nothing for CSV."""
    for sign, what in _SIGNS.items():
        if head.startswith(sign):
            return what
    is_utf16 = head.startswith(_UTF16)
    text = head.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace")
    if _suffix(path) in _JSON_SUFFIXES or _JSON.match(text):
        return "JSON, which is not read here; give its records as CSV or Parquet"
    if not is_utf16 and head.count(0) * 10 > len(head):
        return "no text; give a CSV file with a header, or a Parquet file"
    return ""


def _suffix(path: Path) -> str:
    """Return the suffix of what is in a file, packed or not."""
    is_packed = path.suffix.lower() in _PACKED
    return (path.with_suffix("") if is_packed else path).suffix.lower()


def _encoding(path: Path, head: bytes) -> str:
    if head.startswith(_UTF16):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path) as file:
        try:
            for part in iter(lambda: file.read(_READ_BYTES), b""):
                decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"


def _widths(line: str) -> dict[str, int]:
    """Return into how many cells each delimiter cuts a line."""
    return {d: len(next(csv.reader([line], delimiter=d), [])) for d in _DELIMITERS}


def _keeps_quotes(head: pa.Table) -> bool:
    """Say whether a name or cell still stands in its quotes."""
    cells = [pa.chunked_array([pa.array(head.column_names, pa.string())])]
    return any(
        pc.any(pc.match_substring_regex(column, '^".*"$')).as_py()
        for column in (*cells, *head.columns)
    )
