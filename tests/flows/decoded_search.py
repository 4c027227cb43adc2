"""Search whatever lies in folders for values, however they are written.

Needs no key and nothing of dmp: sqlite3, DuckDB and pyarrow alone. As a program it
takes a JSON file of `{"folders": [...], "left_out": [...], "values": {label: value}}`
and prints what it found as JSON.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True, order=True)
class Found:
    """A value met: under which label, in which writing, in which file."""

    label: str
    writing: str
    place: str


@dataclass(frozen=True)
class Haystack:
    """One file, or one thing that was shown, in each form that is searched."""

    place: str
    exact: bytes
    lowered: bytes
    unquoted: bytes


def search(places: Iterable[Haystack], values: Mapping[str, str]) -> list[Found]:
    """Return every value found, in any case and composition, in any writing."""
    wanted = {label: _needles(value) for label, value in values.items()}
    found = set()
    for place in places:
        for label, needles in wanted.items():
            for writing, needle in needles:
                if needle in _where(place, writing):
                    found.add(Found(label, writing, place.place))
    return sorted(found)


def haystack(place: str, content: bytes) -> Haystack:
    text = content.decode("utf-8", errors="surrogateescape")
    lowered = text.lower()
    unquoted = unquote_plus(text, errors="surrogateescape").lower()
    return Haystack(place, content, _bytes(lowered), _bytes(unquoted))


def decoded(folder: Path, *, left_out: Iterable[str] = ()) -> Iterator[Haystack]:
    """Yield every file below a folder, decoded and as its raw bytes."""
    skipped = [folder / name for name in left_out]
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(path.is_relative_to(one) for one in skipped):
            continue
        # Names of files and folders count as content too.
        parts = [
            str(path.relative_to(folder)).encode(),
            path.read_bytes(),
            *_read(path),
        ]
        yield haystack(str(path.relative_to(folder)), b"\n".join(parts))


def _needles(value: str) -> list[tuple[str, bytes]]:
    composed = {unicodedata.normalize(form, value) for form in ("NFC", "NFD")}
    cases = {case for text in composed for case in (text, text.lower(), text.upper())}
    plain = {("plain", _bytes(text.lower())) for text in composed}
    quoted = {("url", _bytes(text.lower())) for text in composed}
    hexed = {("hex", text.encode().hex().encode()) for text in cases}
    return sorted(plain | quoted | hexed | {n for text in cases for n in _base64(text)})


def _base64(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield what stands in base64 wherever the text begins within three bytes."""
    for shift in range(3):
        content = b"\0" * shift + text.encode()
        whole = base64.b64encode(content[: len(content) // 3 * 3])
        inner = whole[4:] if shift else whole
        yield f"base64+{shift}", inner
        yield f"base64+{shift}", inner.replace(b"+", b"-").replace(b"/", b"_")


def _where(place: Haystack, writing: str) -> bytes:
    if writing == "url":
        return place.unquoted
    return place.exact if writing.startswith("base64") else place.lowered


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")


def _read(path: Path) -> Iterator[bytes]:
    head = path.read_bytes()[:16]
    if head.startswith(b"PAR1"):
        yield from _parquet(path)
    elif head.startswith(b"SQLite format 3"):
        yield from _sqlite(path)
    elif path.suffix in {".json", ".ipynb"}:
        yield from _strings(json.loads(path.read_text("utf-8")))
    elif path.suffix == ".jsonl":
        for line in path.read_text("utf-8").splitlines():
            yield from _inner(line)


def _parquet(path: Path) -> Iterator[bytes]:
    table = pq.ParquetFile(path).read()
    assert table.num_rows == _rows_of_duckdb(path)
    for column in table.columns:
        yield from _distinct(column.combine_chunks())


def _rows_of_duckdb(path: Path) -> int:
    """Read every column of every row with the other reader too."""
    with duckdb.connect() as connection:
        rows = connection.read_parquet(str(path)).fetchall()
    return len(rows)


def _distinct(column: pa.Array) -> Iterator[bytes]:
    values = {repr(value): value for value in column.to_pylist()}.values()
    for value in values:
        yield from _strings(value)


def _sqlite(path: Path) -> Iterator[bytes]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = connection.execute("select name, sql from sqlite_master").fetchall()
        yield from _strings(names)
        tables = "select name from sqlite_master where type = 'table'"
        for (name,) in connection.execute(tables).fetchall():
            quoted = '"' + name.replace('"', '""') + '"'
            yield from _strings(
                connection.execute(f"select * from {quoted}").fetchall()
            )
    finally:
        connection.close()


def _strings(value: Any) -> Iterator[bytes]:
    """Yield every text and number within a value, also within JSON held as text."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key).encode()
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
    elif value is not None:
        yield _bytes(str(value))
        if isinstance(value, str) and value[:1] in {"{", "["}:
            yield from _inner(value)


def _inner(text: str) -> Iterator[bytes]:
    try:
        yield from _strings(json.loads(text))
    except ValueError:
        return


def _main(request: Mapping[str, Any]) -> list[dict[str, str]]:
    places = [
        place
        for folder in request["folders"]
        for place in decoded(Path(folder), left_out=request["left_out"])
    ]
    return [asdict(one) for one in search(places, request["values"])]


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    sys.stdout.write(json.dumps(_main(asked)))
