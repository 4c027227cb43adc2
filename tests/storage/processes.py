"""What the other processes of these tests run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.migrate import ensure_fields, migrate
from dmp.storage.write import append, commit, upsert

ROWS = 50
PATIENCE_S = 60.0


def make_lake(root: Path) -> tuple[bool, bool]:
    """Return whether this process laid out the lake, and whether it added the field."""
    with Lake(root) as lake:
        migrated = migrate(lake)
        return migrated, ensure_fields(
            lake, "core.event", "properties", {"price": "double"}
        )


def pass_through(folder: Path, number: int) -> None:
    """Write the number to `passed` while alone inside the lock."""
    with fair_lock(folder, timeout_s=PATIENCE_S):
        inside = folder / "inside"
        inside.touch(exist_ok=False)
        time.sleep(0.02)
        with (folder / "passed").open("a") as passed:
            passed.write(f"{number}\n")
        inside.unlink()


def hold(folder: Path) -> None:
    """Hold the lock until killed; `held` says that it is held."""
    with fair_lock(folder, timeout_s=PATIENCE_S):
        (folder / "held").touch()
        time.sleep(PATIENCE_S)


@dataclass
class Report:
    """What one process did, and every operation of it that failed."""

    operations: int = 0
    failures: list[str] = field(default_factory=list)


def write_things(root: Path, writer: int, until: float) -> Report:
    """Append `ROWS` rows a commit, and count the commits in a row of `core.tally`."""
    report = Report()
    with Lake(root) as lake:
        while time.time() < until:
            number = report.operations
            _attempt(report, _write, lake, writer, number)
    return report


def _write(lake: Lake, writer: int, number: int) -> None:
    load = sql(
        "select $writer as writer, $number as number, range as row from range($n)",
        writer=writer,
        number=number,
        n=ROWS,
    )
    tally = lake.stage("tally", f"select {writer} as writer, {number + 1} as commits")
    staged = lake.stage("load", load)
    writes = [append("core.thing", staged), upsert("core.tally", tally, ["writer"])]
    commit(lake, writes, message=f"{writer} {number}")


def read_things(root: Path, until: float) -> Report:
    """Check again and again that every commit is seen whole or not at all."""
    report, seen = Report(), 0
    with Lake(root, read_only=True) as lake:
        while time.time() < until:
            seen = _attempt(report, _read, lake, seen) or seen
    return report


def _read(lake: Lake, seen: int) -> int:
    rows = lake.rows(WRITTEN)
    for writer, commits, rows_seen, distinct in rows:
        if not rows_seen == distinct == commits * ROWS:
            raise AssertionError(f"{writer}: {commits} commits, {rows_seen} rows")
    total = sum(row[1] for row in rows)
    if total < seen:
        raise AssertionError(f"{total} commits after {seen} were seen")
    return total


WRITTEN = Query(
    "select writer, any_value(commits), count(t.row), count(distinct (number, row)) "
    "from core.tally left join core.thing as t using (writer) group by writer"
)


def idle(root: Path, until: float) -> Report:
    """Keep a transaction and a half-read result open the whole time."""
    report = Report()
    with Lake(root, read_only=True) as lake:
        _attempt(report, _idle, lake, until)
    return report


def _idle(lake: Lake, until: float) -> None:
    lake.execute("begin transaction")
    before = lake.value("select sum(commits) from core.tally")
    with lake.connection.cursor() as other:
        other.execute("use lake")
        half_read = other.execute("select * from core.old").to_arrow_reader(1000)
        read = half_read.read_next_batch().num_rows
        time.sleep(max(0.0, until - time.time()))
        if before != lake.value("select sum(commits) from core.tally"):
            raise AssertionError("the open transaction saw another's commit")
        read += sum(batch.num_rows for batch in half_read)
    if read != 200_000:
        raise AssertionError(f"the half-read result gave {read} rows")
    lake.execute("commit")


def _attempt(report: Report, action: Any, *arguments: Any) -> Any:
    try:
        result = action(*arguments)
    except Exception as error:
        report.failures.append(f"{action.__name__}: {error!r}")
        return None
    report.operations += 1
    return result
