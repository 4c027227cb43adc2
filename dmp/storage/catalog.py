"""The lake's catalog read as what it is, a SQLite file: for when no lake opens."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dmp.core.clock import instant

_FILES = """
with file as (
    select data_file_id as id, table_id, path, path_is_relative, file_size_bytes
    from ducklake_data_file
    union all
    select delete_file_id, table_id, path, path_is_relative, file_size_bytes
    from ducklake_delete_file
)
select distinct
    case when not f.path_is_relative then f.path
        when not t.path_is_relative then t.path || f.path
        else s.path || t.path || f.path end as path,
    file_size_bytes
from file as f
join ducklake_table as t using (table_id)
join ducklake_schema as s using (schema_id)
"""

_SCHEDULED = """
select path from ducklake_files_scheduled_for_deletion
"""

_COLUMNS = """
select s.schema_name || '.' || t.table_name, c.column_name
from ducklake_column as c
join ducklake_table as t using (table_id)
join ducklake_schema as s using (schema_id)
where c.end_snapshot is null and t.end_snapshot is null and s.end_snapshot is null
    and c.parent_column is null
"""


@dataclass(frozen=True)
class DataFile:
    """A file that some snapshot needs: its place under `files`, and its bytes."""

    path: Path
    size_bytes: int


def data_files(connection: sqlite3.Connection, root: Path) -> list[DataFile]:
    """Return the data and delete files that snapshots of the lake in `root` need."""
    files = root / "files"
    return [DataFile(files / path, size) for path, size in connection.execute(_FILES)]


def scheduled_files(connection: sqlite3.Connection, root: Path) -> set[Path]:
    """Return the files that no snapshot needs and that the next clean-up deletes."""
    return {root / "files" / path for (path,) in connection.execute(_SCHEDULED)}


def table_columns(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the columns of each table, `schema.name`, in the newest snapshot."""
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(_COLUMNS):
        columns.setdefault(table, set()).add(column)
    return columns


def last_commit_at(connection: sqlite3.Connection) -> datetime:
    """Return the instant of the newest snapshot, by the clock of who made it."""
    [text] = connection.execute(
        "select snapshot_time from ducklake_snapshot order by snapshot_id desc limit 1"
    ).fetchone()
    return instant(f"{text}:00" if text[-3] in "+-" else text)
