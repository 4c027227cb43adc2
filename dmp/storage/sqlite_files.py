"""SQLite files opened for reading alone, and whether they are whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from dmp.core.errors import StorageError

_OPEN_HERE = Path("/proc/self/fd")


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file for reading alone; no file is made beside it.

    Raises:
        StorageError: there is no such file, or it is no database; or this process has
            it open: closing it here would drop the locks that the other opening holds.
    Source: "How To Corrupt An SQLite Database File", section 2.2, sqlite.org.
    """
    if _is_open_here(database):
        raise StorageError(
            f"{database} is open in this process, where a second opening would undo "
            "its locks; look from a process of its own: dmp doctor"
        )
    journal = database.with_name(f"{database.name}-wal")
    has_journal = journal.exists() and journal.stat().st_size > 0
    options = "mode=ro" if has_journal else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"file:{quote(str(database))}?{options}", uri=True)
        with closing(connection):
            yield connection
    except sqlite3.Error as error:
        raise StorageError(f"{database} cannot be read: {error}") from error


def integrity_faults(connection: sqlite3.Connection) -> list[str]:
    """Return what SQLite's own quick check finds; nothing where the file is whole."""
    lines = [str(row[0]) for row in connection.execute("pragma quick_check(10)")]
    return [] if lines == ["ok"] else lines


def _is_open_here(database: Path) -> bool:
    """Say whether this process has the file open; False where the system can't tell."""
    if not _OPEN_HERE.exists() or not database.exists():
        return False
    return any(
        handle.exists() and handle.samefile(database) for handle in _OPEN_HERE.iterdir()
    )
