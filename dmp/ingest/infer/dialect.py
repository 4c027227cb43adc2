"""How a file is written: format, encoding, delimiter; what cannot be read, and why."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.ingest.field_names import shown_file
from dmp.ingest.texts import check_text
from dmp.privacy.detect import kinds

_LOOK_BYTES = 1 << 18
_LOOK_LINES = 200
_COMMON_DELIMITERS = ",;\t|"
_RARE_DELIMITERS = "~^\x01\x1f¦§#!*:"
_DATA = re.compile(
    r"[+-]?[\d.,]+|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|[0-9a-fA-F-]{32,64}"
)


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes:
        format: as the contract's connector names it.
        delimiter: of CSV, one character; a comma where there is one column alone.
    """

    format: str
    delimiter: str = ","


def read_dialect(path: Path) -> Dialect:
    """Find out how a file is written, from its first 256 KiB.

    Raises:
        UsageError: it is no file, empty, of a form that cannot be read, or CSV without
            a line of column names; the message says what to do.
    """
    start = _start(path)
    if start.startswith(b"PAR1"):
        return Dialect("parquet")
    check_text(path)
    text = _text(start)
    first = text.lstrip("\ufeff \t\r\n")[:1]
    if first == "[":
        raise UsageError(
            f"{shown_file(path)} is one JSON array; write one object a line, for "
            "example: jq -c '.[]' FILE > FILE.jsonl"
        )
    if first == "{" and _is_json_lines(text):
        return Dialect("jsonl")
    return _csv(path, text)


def _start(path: Path) -> bytes:
    if not path.is_file():
        raise UsageError(f"{shown_file(path)} is not a file; name a file with data")
    try:
        with path.open("rb") as file:
            start = file.read(_LOOK_BYTES)
    except OSError as error:
        raise UsageError(
            f"{shown_file(path)} cannot be opened: {error.strerror}"
        ) from error
    if not start.strip():
        raise UsageError(f"{shown_file(path)} is empty; name a file with data")
    return start


def _text(start: bytes) -> str:
    """Decode; a character cut at the end of the look is no fault."""
    try:
        return start.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(start) == _LOOK_BYTES and error.start > len(start) - 4:
            return start[: error.start].decode("utf-8")
    return start.decode("cp1252", errors="replace")


def _is_json_lines(text: str) -> bool:
    line = next(line for line in text.splitlines() if line.strip("\ufeff \t"))
    try:
        return isinstance(json.loads(line.lstrip("\ufeff")), dict)
    except (ValueError, RecursionError):
        return len(text) >= _LOOK_BYTES // 2 and "\n" not in text


def _csv(path: Path, text: str) -> Dialect:
    delimiter = _delimiter(text)
    header = next(iter(_records(text, delimiter)), [])
    if _is_data(header):
        raise UsageError(
            f"the first line of {shown_file(path)} looks like data, not like names of "
            "columns; put a line with names before it"
        )
    return Dialect("csv", delimiter)


def _delimiter(text: str) -> str:
    """Return the character that takes most lines apart into as many fields.

    Common delimiters go before rare ones: those occur inside values too.
    """
    for group in (_COMMON_DELIMITERS, _RARE_DELIMITERS):
        scores = {mark: _evenness(text, mark) for mark in group}
        best = max(scores, key=lambda mark: scores[mark])
        if scores[best] > 0:
            return best
    return ","


def _evenness(text: str, delimiter: str) -> float:
    """Return 0 where nothing is taken apart, else share of even lines and their width.

    A header must be among the even lines.
    """
    widths = [len(record) for record in _records(text, delimiter) if record]
    if not widths or widths[0] < 2:
        return 0.0
    share = Counter(widths)[widths[0]] / len(widths)
    return share + min(widths[0], 99) / 100 if share >= 0.5 else 0.0


def _records(text: str, delimiter: str) -> list[list[str]]:
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").split("\n")[:_LOOK_LINES]
    if len(text) >= _LOOK_BYTES // 2 and len(lines) < _LOOK_LINES:
        lines = lines[:-1] or lines
    try:
        reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
        return [record for record in reader if record]
    except csv.Error:
        return [line.split(delimiter) for line in lines if line]


def _is_data(header: Sequence[str]) -> bool:
    """Say whether a first line holds values: any of a person, or half of them data."""
    cells = [cell.strip() for cell in header if cell.strip()]
    like_data = sum(bool(_DATA.fullmatch(cell)) for cell in cells)
    return any(kinds(cell) for cell in cells) or 2 * like_data >= max(len(cells), 1)
