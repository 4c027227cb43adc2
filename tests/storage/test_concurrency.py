from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import processes
import pytest

from dmp.core.sql import Query
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit

SECONDS = 8.0
LAYOUT = (
    "create table core.tally (writer bigint, commits bigint)",
    "create table core.old as select range as row from range(200000)",
    "alter table core.thing rename column id to writer",
    "alter table core.thing add column number bigint",
    "alter table core.thing add column row bigint",
)


@pytest.fixture
def root(things: Lake, tmp_path: Path) -> Path:
    """The folder of a lake with the tables that `processes` writes."""
    writes = [change("core", Query(statement)) for statement in LAYOUT]
    commit(things, writes, message="more tables")
    return tmp_path / "lake"


@pytest.mark.slow
def test_writers_and_readers_at_once_lose_and_double_nothing(
    things: Lake, root: Path
) -> None:
    until = time.time() + SECONDS + 2
    with ProcessPoolExecutor(5, mp_context=get_context("spawn")) as pool:
        idler = pool.submit(processes.idle, root, until)
        readers = [pool.submit(processes.read_things, root, until) for _ in range(2)]
        writers = [
            pool.submit(processes.write_things, root, writer, until)
            for writer in range(2)
        ]
        reports = [future.result() for future in (idler, *readers, *writers)]
    assert [failure for report in reports for failure in report.failures] == []
    assert all(report.operations > 0 for report in reports)
    commits = {n: future.result().operations for n, future in enumerate(writers)}
    assert things.rows(f"select * from ({processes.WRITTEN}) order by writer") == [
        (writer, n, n * processes.ROWS, n * processes.ROWS)
        for writer, n in commits.items()
    ]


def test_a_killed_writer_leaves_whole_commits(things: Lake, root: Path) -> None:
    until = time.time() + 60
    arguments = (root, 0, until)
    writer = get_context("spawn").Process(target=processes.write_things, args=arguments)
    writer.start()
    while not things.value("select count(*) from core.tally"):
        assert time.time() < until
    time.sleep(0.5)
    writer.kill()
    writer.join()
    ((_, commits, rows, distinct),) = things.rows(processes.WRITTEN)
    assert rows == distinct == commits * processes.ROWS
    row = Query("select 9 as writer")
    assert commit(things, [append("core.thing", row)], message="after").waited_s < 1
