"""What each process on the lake does until time is up, and what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit, upsert

ROWS = 50
OLD_ROWS = 200_000
_LAYOUT = (
    "create schema if not exists core",
    "create table core.thing (writer bigint, number bigint, row bigint)",
    "create table core.tally (writer bigint, commits bigint)",
    f"create table core.old as select range as row from range({OLD_ROWS})",
)
WRITTEN = Query(
    "select writer, any_value(commits), count(t.row), count(distinct (number, row)) "
    "from core.tally left join core.thing as t using (writer) group by writer"
)
"""By writer: its commits, its rows, its distinct rows."""


@dataclass
class Report:
    """What one process did, every operation of it that failed, and its waits.

    Attributes:
        waits_s: for each commit the seconds until its turn came.
        holds_s: for each commit the seconds for which it held up others.
    """

    operations: int = 0
    failures: list[str] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    holds_s: list[float] = field(default_factory=list)

    def attempt(self, action: Callable[[], None]) -> None:
        """Do something, and keep what went wrong instead of ending."""
        try:
            action()
        except Exception as error:
            self.failures.append(repr(error))
        else:
            self.operations += 1


def lay_out(root: Path) -> None:
    """Make the lake with the tables of this workload."""
    with Lake(root) as lake:
        writes = [change("core", Query(statement)) for statement in _LAYOUT]
        commit(lake, writes, message="layout")


def write_things(root: Path, writer: int, seconds: float) -> Report:
    """Append `ROWS` rows a commit, and count the commits in a row of `core.tally`."""
    report = Report()
    with Lake(root) as lake:
        until = time.time() + seconds
        while time.time() < until:
            report.attempt(lambda: write_once(lake, writer, report))
    return report


def write_once(lake: Lake, writer: int, report: Report) -> None:
    """Make the next commit of a writer: `ROWS` rows and its tally."""
    number = report.operations
    load = sql(
        "select $writer as writer, $number as number, range as row from range($n)",
        writer=writer,
        number=number,
        n=ROWS,
    )
    tally = lake.stage("tally", f"select {writer} as writer, {number + 1} as commits")
    staged = lake.stage("load", load)
    writes = [append("core.thing", staged), upsert("core.tally", tally, ["writer"])]
    done = commit(lake, writes, message=f"{writer} {number}")
    report.waits_s.append(done.waited_s)
    report.holds_s.append(done.held_s)


def read_things(root: Path, seconds: float) -> Report:
    """Check again and again that every commit is seen whole or not at all."""
    report, seen = Report(), [0]
    with Lake(root, read_only=True) as lake:
        until = time.time() + seconds
        while time.time() < until:
            report.attempt(lambda: _read(lake, seen))
    return report


def _read(lake: Lake, seen: list[int]) -> None:
    rows = lake.rows(WRITTEN)
    for writer, commits, rows_seen, distinct in rows:
        if not rows_seen == distinct == commits * ROWS:
            raise AssertionError(f"{writer}: {commits} commits, {rows_seen} rows")
    total = sum(row[1] for row in rows)
    if total < seen[0]:
        raise AssertionError(f"{total} commits after {seen[0]} were seen")
    seen[0] = total


def idle(root: Path, seconds: float) -> Report:
    """Keep a transaction open the whole time; it sees nothing of the others."""
    report = Report()
    with Lake(root, read_only=True) as lake:
        report.attempt(lambda: _idle(lake, seconds))
    return report


def _idle(lake: Lake, seconds: float) -> None:
    lake.execute("begin transaction")
    before = lake.value("select sum(commits) from core.tally")
    time.sleep(seconds)
    if before != lake.value("select sum(commits) from core.tally"):
        raise AssertionError("the open transaction saw another's commit")
    lake.execute("commit")


def half_read(root: Path, seconds: float) -> Report:
    """Read the head of a result, as a notebook's cell does, and the rest at the end."""
    report = Report()
    with Lake(root) as lake:
        report.attempt(lambda: _half_read(lake, seconds))
    return report


def _half_read(lake: Lake, seconds: float) -> None:
    lake.execute("set enable_progress_bar = false")
    result = lake.sql("select * from core.old").to_arrow_reader(1000)
    read = result.read_next_batch().num_rows
    time.sleep(seconds)
    read += sum(batch.num_rows for batch in result)
    if read != OLD_ROWS:
        raise AssertionError(f"the half-read result gave {read} rows")
