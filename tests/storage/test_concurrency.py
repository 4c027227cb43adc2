from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import processes
import pytest

from dmp.core.sql import Query
from dmp.storage.lake import Lake
from dmp.storage.write import change, commit

SECONDS = 8.0
LAYOUT = (
    "create table core.tally (writer bigint, commits bigint)",
    "create table core.old as select range as row from range(200000)",
    "alter table core.thing rename column id to writer",
    "alter table core.thing add column number bigint",
    "alter table core.thing add column row bigint",
)


@pytest.mark.slow
def test_writers_and_readers_at_once_lose_and_double_nothing(
    things: Lake, tmp_path: Path
) -> None:
    writes = [change("core", Query(statement)) for statement in LAYOUT]
    commit(things, writes, message="more tables")
    root = tmp_path / "lake"
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
