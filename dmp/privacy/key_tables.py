"""The SQLite file under the key store, and what each wrapped key is bound to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from dmp.core.errors import PrivacyError
from dmp.privacy.private_files import exclusive, touch_private

CHECK_PURPOSE = b"check"
_BUSY_TIMEOUT_S = 30
_CHUNK = 50_000
_MOST_READ_FOR_ONE = 2
_BETWEEN = "from subject_key where subject_id between ? and ?"
_TABLES = (
    "create table if not exists key_check(key_id text not null, sealed blob not null)",
    "create table if not exists root_key(name text not null, version integer not null, "
    "wrapped blob not null, created_at text not null, primary key (name, version))",
    "create table if not exists subject_key("
    "subject_id integer primary key, wrapped blob not null)",
    "create table if not exists day_key(source text not null, day text not null, "
    "wrapped blob not null, primary key (source, day))",
    "create table if not exists destroyed_key(key_id blob primary key) without rowid",
    "create table if not exists key_link(key_id text not null, under text not null, "
    "wrapped blob not null, primary key (key_id, under))",
    "create table if not exists rewrapping(position integer not null)",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, made with mode 0600; deleted bytes are overwritten."""
    touch_private(path)
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    with exclusive(path.with_suffix(".lock")):  # SQLite does not wait for this change
        connection.execute("pragma journal_mode = wal")
    connection.execute("pragma secure_delete = on")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma temp_store = memory")
    return connection


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables that are absent."""
    for statement in _TABLES:
        connection.execute(statement)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Make all writes of the block, or none; waits for other writers up to 30 s."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def wipe_journal(connection: sqlite3.Connection, path: Path) -> None:
    """Empty the write-ahead journal, so that it holds no deleted bytes.

    Raises:
        PrivacyError: a reader keeps it open; the deletion itself stands.
    """
    busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
    if busy:
        raise PrivacyError(
            f"the keys are destroyed, but a reader of {path} keeps their old bytes in "
            "the journal; close it and run this again"
        )


def wrapped_subjects(
    connection: sqlite3.Connection, ids: Sequence[int]
) -> Iterator[tuple[int, bytes]]:
    """Give id and wrapped key of those of the subjects that have one.

    Args:
        ids: ascending. Where they are most of those between the first and the last,
            these are read through, which takes half the time of looking each up.
    """
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        between = (some[0], some[-1])
        most = _MOST_READ_FOR_ONE * len(some)
        (held,) = connection.execute(
            f"select count(*) from (select 1 {_BETWEEN} limit ?)", (*between, most + 1)
        ).fetchone()
        if held <= most:
            wanted = set(some)
            rows = connection.execute(f"select subject_id, wrapped {_BETWEEN}", between)
            yield from (row for row in rows if row[0] in wanted)
        else:
            yield from connection.execute(
                "select k.subject_id, k.wrapped from json_each(?) as w "
                "cross join subject_key as k on k.subject_id = w.value",
                (json.dumps(some),),
            )


def vault_key_purpose(key_id: str) -> bytes:
    """Return what a vault key, wrapped under its neighbour, is bound to."""
    return b"vault\x00" + key_id.encode()


def root_purpose(name: str, version: int) -> bytes:
    """Return what a root key is bound to."""
    return b"root\x00%s\x00%d" % (name.encode(), version)


def subject_purpose(subject_id: int) -> bytes:
    """Return what a subject's key is bound to."""
    return b"subject\x00%d" % subject_id


def day_purpose_of(source: str, day: str) -> bytes:
    """Return what the key of a source and an ISO day is bound to."""
    return b"day\x00" + source.encode() + b"\x00" + day.encode()


def day_purpose(source: str, day: date) -> bytes:
    """Return what the key of a source's day is bound to."""
    return day_purpose_of(source, day.isoformat())
