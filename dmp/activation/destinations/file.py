"""The file destination: a whole audience as one file, beside it a manifest."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from dmp.core.sql import Name, Query, quote_text, sql
from dmp.storage.lake import Lake

_COPY_OPTIONS = {
    "csv": "format csv, header",
    "parquet": "format parquet",
    "jsonl": "format json",
}
_SAFE_VALUE = Query(
    r"""case when regexp_matches(value, '^[=@\t\r\n+-]')
        and not regexp_full_match(value, '\+[0-9]+|[A-Za-z0-9+/]{43}=')
    then chr(39) || value else value end"""
)
"""A cell that no spreadsheet runs. Phone numbers and hashes are as they are.

Source: OWASP, CSV injection.
"""
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class WrittenFile:
    """One file at the destination."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What stands beside a file: enough to check it and to know why it exists.

    `rows` counts identifiers, one a row; `people` the persons they belong to.
    """

    destination: str
    segment: str
    purpose: str
    as_of: str
    snapshot: int
    people: int
    files: tuple[WrittenFile, ...]


def write_audience(
    lake: Lake, values: Name, column: str, path: Path, format_: str
) -> WrittenFile:
    """Write the column `value` of a scratch table, sorted, under the name `column`.

    The file appears under its name only when it is complete and on disk; a crash
    leaves at most a `.partial` file, which the next write replaces. An equal audience
    gives equal bytes. In CSV a value that a spreadsheet would run begins with `'`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    rows = sql(
        "select {value} as {column} from {values} order by 1",
        value=_SAFE_VALUE if format_ == "csv" else Name("value"),
        column=Name(column),
        values=values,
    )
    lake.execute(
        Query(
            f"copy ({rows.text}) to {quote_text(str(partial))} "
            f"({_COPY_OPTIONS[format_]})"
        )
    )
    partial.chmod(0o600)
    _to_disk(partial, path)
    count = int(lake.value(sql("select count(*) from {values}", values=values)))
    return WrittenFile(path.name, count, _sha256(path))


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest, last: where it stands, its files are complete."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    partial.chmod(0o600)
    _to_disk(partial, path)


def _to_disk(partial: Path, path: Path) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
