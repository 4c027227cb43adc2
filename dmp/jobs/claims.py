"""What became of each occurrence of each job: rows of `data/schedule.sqlite`.

They are not in the lake, because each commit there is new input for notebooks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

State = Literal[
    "waiting", "running", "done", "failed", "interrupted", "skipped", "missed"
]
ENDED = ("done", "failed", "skipped", "missed")
_BUSY_TIMEOUT_S = 30.0
_LAYOUT = """
create table if not exists occurrence (
    job text not null, due_at text not null, state text not null,
    attempt integer not null default 0, not_before text not null default '',
    started_at text not null default '', ended_at text not null default '',
    pid integer not null default 0, run_id text not null default '',
    error text not null default '', primary key (job, due_at));
create table if not exists considered (job text primary key, until text not null);
"""


@dataclass(frozen=True)
class Occurrence:
    """One instant at which a job is due, and what became of it.

    Attributes:
        due_at: ISO 8601 in UTC, as are all instants here; empty is none.
        attempt: how often it was begun.
        not_before: the instant before which it is not tried again.
        run_id: its run record, for a notebook.
        error: why it failed or was skipped, without values.
    """

    job: str
    due_at: str
    state: State
    attempt: int = 0
    not_before: str = ""
    started_at: str = ""
    ended_at: str = ""
    pid: int = 0
    run_id: str = ""
    error: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it will not be tried again."""
        return self.state in ENDED


_COLUMNS = tuple(field.name for field in fields(Occurrence))
_SELECT = f"select {', '.join(_COLUMNS)} from occurrence"
_KEEP = (
    f"insert or replace into occurrence ({', '.join(_COLUMNS)}) "
    f"values ({', '.join(f':{name}' for name in _COLUMNS)})"
)
_ADD = _KEEP.replace("or replace", "or ignore")


class Claims:
    """The occurrences of a workspace. Hold the schedule's lock to change them."""

    def __init__(self, file: Path) -> None:
        """Open the file, made on first use."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = sqlite3.connect(file, timeout=_BUSY_TIMEOUT_S)
        self._connection.executescript(_LAYOUT)

    def considered_until(self, job: str) -> datetime | None:
        """Return the instant until which a job's times were looked at."""
        found = self._connection.execute(
            "select until from considered where job = ?", [job]
        ).fetchone()
        return datetime.fromisoformat(found[0]) if found else None

    def consider(
        self, job: str, until: datetime, occurrences: Iterable[Occurrence]
    ) -> None:
        """Add occurrences that are not there, and note until when was looked."""
        with self._connection:
            self._connection.executemany(_ADD, map(vars, occurrences))
            self._connection.execute(
                "insert or replace into considered values (?, ?)",
                [job, until.isoformat()],
            )

    def keep(self, occurrence: Occurrence) -> None:
        """Put an occurrence in the place of what was known of it."""
        with self._connection:
            self._connection.execute(_KEEP, vars(occurrence))

    def open(self) -> list[Occurrence]:
        """Return what has not ended, the oldest first."""
        marks = ", ".join("?" * len(ENDED))
        return self._read(f"where state not in ({marks}) order by due_at, job", ENDED)

    def at(self, due_at: str) -> dict[str, Occurrence]:
        """Return the occurrences of one instant by job."""
        return {one.job: one for one in self._read("where due_at = ?", [due_at])}

    def latest(self, limit: int) -> list[Occurrence]:
        """Return the newest occurrences, the newest first."""
        return self._read("order by due_at desc, started_at desc limit ?", [limit])

    def last(self, job: str) -> Occurrence | None:
        """Return the newest occurrence of a job that began."""
        found = self._read(
            "where job = ? and attempt > 0 order by due_at desc limit 1", [job]
        )
        return found[0] if found else None

    def forget(self, before: datetime) -> None:
        """Delete what ended and was due before an instant."""
        marks = ", ".join("?" * len(ENDED))
        with self._connection:
            self._connection.execute(
                f"delete from occurrence where due_at < ? and state in ({marks})",
                [before.isoformat(), *ENDED],
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self, rest: str, values: Sequence[object]) -> list[Occurrence]:
        rows = self._connection.execute(f"{_SELECT} {rest}", values).fetchall()
        return [Occurrence(*row) for row in rows]
