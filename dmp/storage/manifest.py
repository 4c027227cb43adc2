"""What a back-up holds, told by a file that is written last: `manifest.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dmp.core.errors import Fault, StorageError, UsageError

NAME = "manifest.json"
FORMAT = "dmp back-up 1"
_CHUNK_BYTES = 1 << 20
Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


@dataclass(frozen=True)
class FileEntry:
    """One file: its path inside the back-up, size, and SHA-256 in hex."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class TableEntry:
    """One table of the lake: its rows, and an order-free sum of their hashes.

    The sum is DuckDB's own hash, so it compares within one version of DuckDB alone.
    """

    table: str
    rows: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """What a back-up holds.

    Attributes:
        workspace: id of the workspace.
        snapshot: the lake's newest snapshot at the instant of the back-up.
        home: the folder it was made of.
        vault_key: public ids of the keys that open its key store; none of them is here.
        made_at: ISO instant.
        dmp, duckdb: the versions that wrote it.
    """

    format: str
    workspace: str
    home: str
    made_at: str
    snapshot: int
    vault_key: tuple[str, ...]
    dmp: str
    duckdb: str
    files: tuple[FileEntry, ...]
    tables: tuple[TableEntry, ...]

    @cached_property
    def by_path(self) -> dict[str, FileEntry]:
        """The files by their path."""
        return {entry.path: entry for entry in self.files}

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> str:
        """Return what stands in the file, which makes a folder a back-up."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a back-up.

    Raises:
        UsageError: the folder is no whole back-up.
    """
    path = folder / NAME
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder} is no whole back-up: it has no {NAME}, which is written last; "
            "name a folder that dmp backup made"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is damaged: take another back-up") from error
    if document.get("format") != FORMAT:
        raise UsageError(f"{path} is of another format than {FORMAT!r}")
    return Manifest(
        **{
            **document,
            "vault_key": tuple(document["vault_key"]),
            "files": tuple(FileEntry(**entry) for entry in document["files"]),
            "tables": tuple(TableEntry(**entry) for entry in document["tables"]),
        }
    )


def file_faults(
    folder: Path, manifest: Manifest, progress: Progress | None = None
) -> Iterator[Fault]:
    """Give what is wrong with the files of a back-up; reads every byte."""
    done = 0
    for entry in manifest.files:
        path = folder / entry.path
        if not path.is_file():
            yield Fault(entry.path, "missing", "take another back-up")
        elif path.stat().st_size != entry.size_bytes or sha256(path) != entry.sha256:
            yield Fault(entry.path, "not the bytes that were written", "damaged")
        done += entry.size_bytes
        if progress:
            progress(done, manifest.size_bytes)
    listed = {NAME, *(entry.path for entry in manifest.files)}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in listed:
            yield Fault(name, "not in the manifest", "nothing is added to a back-up")


def table_faults(
    wanted: Sequence[TableEntry], found: Sequence[TableEntry], *, same_duckdb: bool
) -> Iterator[Fault]:
    """Give the tables whose rows are not those of the manifest."""
    there = {entry.table: entry for entry in found}
    for entry in wanted:
        other = there.get(entry.table)
        if other is None or other.rows != entry.rows:
            rows = "none" if other is None else f"{other.rows:,}"
            yield Fault(entry.table, f"rows: {rows}", f"right would be {entry.rows:,}")
        elif same_duckdb and other.digest != entry.digest:
            yield Fault(entry.table, "other content than was backed up")


def require_no_faults(where: Path, faults: Sequence[Fault]) -> None:
    """Raise if there are faults, listing them.

    Raises:
        StorageError: names up to twenty.
    """
    if faults:
        lines = "".join(f"\n  {fault}" for fault in faults[:20])
        raise StorageError(f"{where} is damaged, {len(faults)} faults:{lines}")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def copy_file(source: Path, target: Path) -> FileEntry:
    """Copy a file, mode 0600, and return size and digest of what was read."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as file, target.open("xb") as copy:
        target.chmod(0o600)
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += copy.write(chunk)
    return FileEntry(target.name, size, digest.hexdigest())
