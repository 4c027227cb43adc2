"""Checks of the lake: its catalog, its files, its layout."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from dmp.core.errors import StorageError
from dmp.flows.checks.finding import Finding, Ground, ok, problem, warning
from dmp.storage.catalog import DataFile, data_files, scheduled_files, table_columns
from dmp.storage.sqlite_files import integrity_faults, reading
from dmp.storage.tables import TABLES

_SHOWN = 3


def catalog(ground: Ground) -> Iterator[Finding]:
    """See that the catalog is there, whole, and of a small journal."""
    path, restore = _catalog(ground), ground.restore()
    if not path.exists():
        if any((ground.paths.lake / "files").rglob("*.parquet")):
            text = f"{path} is not there, but data files are: no table can be read"
            yield problem("lake: catalog", text, restore)
        else:
            yield ok("lake: catalog", "none yet; the first command makes it")
        return
    try:
        with reading(path) as connection:
            faults = integrity_faults(connection)
    except StorageError as error:
        faults = [str(error)]
    if faults:
        yield problem("lake: catalog", f"{path} is damaged: {faults[0]}", restore)
    else:
        yield ok("lake: catalog", "whole, by SQLite's quick check")
    yield from _journal(ground, path)


def files(ground: Ground) -> Iterator[Finding]:
    """Compare the data files that the catalog names with those on disk."""
    path, root = _catalog(ground), ground.paths.lake
    if not path.exists():
        return
    with reading(path) as connection:
        needed = data_files(connection, root)
        known = {file.path for file in needed} | scheduled_files(connection, root)
    lost = [file for file in needed if not _is_whole(file)]
    if lost:
        yield problem(
            "lake: files",
            f"{len(lost)} of {len(needed)} data files are missing or cut short, and "
            f"queries that need them fail: {_named([f.path for f in lost], root)}",
            ground.restore(),
        )
    orphans = [file for file in _on_disk(ground) if file not in known]
    if orphans:
        yield warning(
            "lake: orphan files",
            f"{len(orphans)} files belong to no commit, as a killed one leaves them: "
            f"{_named(orphans, root)}",
            ground.dmp("maintain", "--keep-days", "0"),
        )
    if not lost and not orphans:
        yield ok("lake: files", f"{len(needed)} data files, all there, and no other")


def layout(ground: Ground) -> Iterator[Finding]:
    """Compare the tables of the lake with those that this dmp declares."""
    path = _catalog(ground)
    if not path.exists():
        return
    with reading(path) as connection:
        present = table_columns(connection)
    missing = [
        spec.name
        for spec in TABLES
        if not set(spec.column_names) <= present.get(spec.name, set())
    ]
    if missing:
        yield warning(
            "lake: layout",
            f"{len(missing)} of {len(TABLES)} tables are not there or lack columns "
            f"({', '.join(missing[:_SHOWN])}{' …' if missing[_SHOWN:] else ''}); the "
            "next command that opens the lake adds them",
            ground.dmp("status"),
        )
    else:
        yield ok("lake: layout", f"all {len(TABLES)} tables as this dmp declares them")


def _journal(ground: Ground, path: Path) -> Iterator[Finding]:
    journal = path.with_name(f"{path.name}-wal")
    size = journal.stat().st_size if journal.exists() else 0
    if size > ground.limits.journal_bytes:
        yield warning(
            "lake: journal",
            f"{journal.name} has {size:,} bytes: a reader that never ends keeps it; "
            "end the one that this names, and the next commit empties it",
            f"fuser -v {shlex.quote(str(journal))}",
        )


def _is_whole(file: DataFile) -> bool:
    return file.path.is_file() and file.path.stat().st_size == file.size_bytes


def _on_disk(ground: Ground) -> Iterator[Path]:
    """Give the data files that are not just being written."""
    latest = ground.clock().timestamp() - ground.limits.leftover_after.total_seconds()
    for file in (ground.paths.lake / "files").rglob("*.parquet"):
        if file.stat().st_mtime < latest:
            yield file


def _named(paths: list[Path], root: Path) -> str:
    shown = [str(path.relative_to(root)) for path in sorted(paths)[:_SHOWN]]
    return ", ".join(shown) + (" …" if len(paths) > _SHOWN else "")


def _catalog(ground: Ground) -> Path:
    return ground.paths.lake / "catalog.sqlite"
