"""One point of the data, held still and copied while others write.

Data files are never changed once written, so hard links made under the commit lock,
with a copy of the catalog, are that point; the copying itself needs no lock. The
catalog is copied by a process of its own: two libraries of SQLite in one process would
drop each other's locks.
Source: sqlite.org, "How To Corrupt An SQLite Database File", 2.2.1.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from dmp.core.errors import StorageError
from dmp.core.sql import Name
from dmp.storage.lake import CATALOG as CATALOG_NAME
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.manifest import (
    FileEntry,
    Manifest,
    Progress,
    TableEntry,
    copy_file,
    sha256,
)
from dmp.storage.write import LOCK_TIMEOUT_S

DUCKDB_VERSION = duckdb.__version__
CATALOG = Path("lake") / "catalog.sqlite"
_LEFT_OUT = {"landing", "exports", "tmp"}
_LOCKS = ("lock", "run-lock", "resolve-lock", "ingest-lock")
_COPY = """
import sqlite3, sys
source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=30)
target = sqlite3.connect(sys.argv[2])
source.backup(target)
target.execute("pragma journal_mode = delete")
"""


@contextmanager
def point_in_time(lake: Lake, data: Path, scratch: Path) -> Iterator[tuple[Path, int]]:
    """Give a folder with the data of one instant, and the snapshot it is of.

    Everything below `data` but landed and exported files, scratch and locks; SQLite
    files are copied whole. Holds the commit lock while links are made and the catalog
    is copied: some milliseconds a thousand files. Every load that was acknowledged
    before is in, none by half. The folder vanishes at exit.

    Raises:
        LakeBusy: the lock did not come in time.
    """
    for rest in scratch.glob("backup-*"):
        shutil.rmtree(rest)
    with tempfile.TemporaryDirectory(prefix="backup-", dir=scratch) as name:
        folder = Path(name)
        with fair_lock(lake.lock_folder, timeout_s=LOCK_TIMEOUT_S):
            snapshot = lake.snapshot()
            _link_files(data, folder)
            copy_catalog(data / CATALOG, folder / CATALOG)
        for path in _sqlite_files(data):
            _copy_sqlite(path, folder / path.relative_to(data))
        yield folder, snapshot


def copy_catalog(source: Path, target: Path) -> None:
    """Copy a catalog that DuckDB may have open, as one consistent file.

    Raises:
        StorageError: it cannot be read.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-I", "-c", _COPY, str(source), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StorageError(f"the catalog {source} could not be copied: {why}")


def copy_tree(
    source: Path,
    target: Path,
    part: str,
    *,
    previous: tuple[Path, Manifest] | None = None,
    progress: Progress | None = None,
) -> list[FileEntry]:
    """Copy all files of a folder below `target / part`; return them, by path.

    Args:
        previous: an earlier back-up beside it; files that it holds with the same
            content are linked, and take no more room.
    """
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    total = sum(path.stat().st_size for path in paths)
    entries, done = [], 0
    for path in paths:
        name = str(Path(part) / path.relative_to(source))
        entry = _linked(path, name, target / name, previous)
        entry = entry or copy_file(path, target / name)
        entries.append(replace(entry, path=name))
        done += entry.size_bytes
        if progress:
            progress(done, total)
    return entries


def table_entries(lake_folder: Path) -> list[TableEntry]:
    """Return rows and digest of each table of a lake folder at rest; reads every row.

    The folder is not written to: a copy of its catalog is opened beside its files.
    """
    with tempfile.TemporaryDirectory(prefix="dmp-lake-") as name:
        folder = Path(name)
        shutil.copyfile(lake_folder / CATALOG.name, folder / CATALOG.name)
        (folder / "files").symlink_to((lake_folder / "files").resolve())
        with Lake(folder) as lake:
            return [_entry(lake, name) for name in _tables(lake)]


def flush(folder: Path) -> None:
    """Wait until all files below a folder are on disk."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            sync(path)


def sync(path: Path) -> None:
    """Wait until one file, or the names in one folder, are on disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tables(lake: Lake) -> list[str]:
    """Return the tables that are there, whichever version declared them."""
    rows = lake.rows(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = $catalog order by 1",
        catalog=CATALOG_NAME,
    )
    return [name for (name,) in rows]


def _entry(lake: Lake, table: str) -> TableEntry:
    rows, digest = lake.row(
        "select count(*), coalesce(sum(hash(t)::hugeint), 0)::varchar "
        f"from {Name.of(table)} as t"
    )
    return TableEntry(table, int(rows), str(digest))


def _files(data: Path) -> Iterator[Path]:
    for path in sorted(data.rglob("*")):
        parts = path.relative_to(data).parts
        if parts[0] in _LEFT_OUT or any(_is_left_out(part) for part in parts):
            continue
        if path.is_file() and not path.is_symlink():
            yield path


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in _LOCKS or name.endswith((".lock", ".tmp"))


def _link_files(data: Path, folder: Path) -> None:
    for path in _files(data):
        if ".sqlite" in path.name:
            continue
        target = folder / path.relative_to(data)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.link(path, target)


def _sqlite_files(data: Path) -> Sequence[Path]:
    return [
        path
        for path in _files(data)
        if path.suffix == ".sqlite" and path != data / CATALOG
    ]


def _copy_sqlite(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as origin,
        closing(sqlite3.connect(target)) as copy,
    ):
        origin.backup(copy)
        copy.execute("pragma journal_mode = delete")


def _linked(
    path: Path, name: str, target: Path, previous: tuple[Path, Manifest] | None
) -> FileEntry | None:
    if previous is None:
        return None
    folder, manifest = previous
    earlier = manifest.by_path.get(name)
    if earlier is None or earlier.size_bytes != path.stat().st_size:
        return None
    if sha256(path) != earlier.sha256:
        return None
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.link(folder / earlier.path, target)
    return earlier
