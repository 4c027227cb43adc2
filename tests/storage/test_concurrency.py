from __future__ import annotations

import random
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import processes
import pytest

from benchmarks.concurrency.__main__ import Outcome, run
from benchmarks.concurrency.workload import ROWS, WRITTEN, Report, lay_out
from dmp.core.sql import Query
from dmp.storage.lake import Lake
from dmp.storage.lock import holder
from dmp.storage.write import append, commit

KILLS = 6
COMMIT_S = 0.06


def test_writers_and_readers_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path / "lake", seconds=4, writers=4, readers=4)
    assert outcome.faults == []
    assert 0.25 < outcome.fairness <= 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"written": {0: (2, 99, 99)}}, "2 commits acknowledged"),
        ({"written": {}}, "2 commits acknowledged"),
        ({"others": {"reader": Report(1, ["busy"])}}, "reader: busy"),
        ({"others": {"reader": Report()}}, "reader: did nothing"),
    ],
    ids=["lost row", "lost writer", "failure", "idle"],
)
def test_the_workload_tells_what_went_wrong(
    changes: dict[str, object], fault: str
) -> None:
    whole = Outcome({0: Report(2)}, {"reader": Report(1)}, {0: (2, 2 * ROWS, 2 * ROWS)})
    assert whole.faults == []
    (told,) = replace(whole, **changes).faults  # type: ignore[arg-type]
    assert fault in told


@pytest.mark.slow
def test_a_writer_killed_in_its_commit_loses_nothing_acknowledged(
    tmp_path: Path,
) -> None:
    root, told = tmp_path / "lake", tmp_path / "told"
    lay_out(root)
    context = get_context("forkserver")
    context.set_forkserver_preload(["processes"])
    chance = random.Random(7)
    for writer in range(KILLS):
        told.write_bytes(b"")
        process = context.Process(
            target=processes.write_and_tell, args=(root, writer, told)
        )
        process.start()
        commits = chance.randrange(4)
        deadline = time.monotonic() + processes.PATIENCE_S
        while told.stat().st_size < commits or not holder(root / "lock"):
            assert time.monotonic() < deadline and process.is_alive()
        time.sleep(chance.uniform(0, COMMIT_S))
        process.kill()
        process.join()
        with Lake(root) as lake:
            tallies = {row[0]: row[1:] for row in lake.rows(WRITTEN)}
            found = tallies.get(writer, (0, 0, 0))
            assert found[0] in (told.stat().st_size, told.stat().st_size + 1)
            assert found[1:] == (found[0] * ROWS, found[0] * ROWS)
            after = [append("core.thing", Query("select -1 as writer"))]
            assert commit(lake, after, message="after").waited_s < 1
