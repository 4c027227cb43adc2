"""Commands killed just before, inside and just after a commit."""

from __future__ import annotations

from pathlib import Path

import pytest
from boxes import Box, kill
from cases import CASES, Stage
from contents import contents, difference, orphans
from gate import after_commit, before_commit, inside_commit

from dmp.privacy.audit import AuditLog
from dmp.storage.lake import Lake

pytestmark = pytest.mark.slow

GATES = {"before": before_commit, "inside": inside_commit, "after": after_commit}


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("ingest one", "inside"),
        ("ingest one", "after"),
        ("sync", "before"),
        ("sync", "after"),
        ("resolve", "after"),
        ("resolve", "inside"),
    ],
)
def test_a_command_killed_at_its_commit_is_whole_or_not_there(
    stage: Stage, name: str, moment: str, tmp_path: Path
) -> None:
    whole, _ = stage.unbroken(name)
    box = stage.before(name).copy(tmp_path / "box")
    root = box.home / "data" / "lake"
    with Lake(root, read_only=True) as lake:
        snapshot = lake.snapshot()
    with GATES[moment](root, lambda: box.start(*CASES[name].arguments)) as process:
        assert kill(process)
    with Lake(root, read_only=True) as lake:
        assert lake.snapshot() == snapshot + (moment == "after")
    box.run(*CASES[name].arguments)
    assert difference(contents(box), whole) == ""


@pytest.mark.parametrize("name", ["ingest one", "resolve", "build", "sync"])
def test_a_record_cut_short_is_finished_by_work_that_is_done_already(
    stage: Stage, tmp_path: Path, name: str
) -> None:
    box = stage.before(name).copy(tmp_path / "box")
    log = with_a_record_cut_short(box, name)
    box.run(*CASES[name].arguments)
    assert log.verify().ok


def test_a_dry_run_leaves_a_record_cut_short_as_it_is(
    stage: Stage, tmp_path: Path
) -> None:
    box = stage.before("ingest one").copy(tmp_path / "box")
    log = with_a_record_cut_short(box, "ingest one")
    before = log.path.read_bytes(), log.heads_path.read_bytes()
    box.run(*CASES["ingest one"].arguments, "--dry-run")
    assert (log.path.read_bytes(), log.heads_path.read_bytes()) == before


def with_a_record_cut_short(box: Box, name: str) -> AuditLog:
    box.run(*CASES[name].arguments)
    with box.open() as workspace:
        log = workspace.audit
    for path in (log.path, log.heads_path):
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert not log.verify().ok
    return log


def test_files_of_a_commit_cut_short_are_cleared_by_maintenance(
    stage: Stage, tmp_path: Path
) -> None:
    box = stage.before("ingest one").copy(tmp_path / "box")
    root = box.home / "data" / "lake"
    with inside_commit(root, lambda: box.start("ingest", "crm")) as process:
        kill(process)
    with Lake(root) as lake:
        left = orphans(lake)
    assert left
    before = contents(box).tables
    box.run("maintain", "--keep-days", "0")
    assert contents(box).tables == before
    with Lake(root) as lake:
        assert orphans(lake) == []
    there = {path.name for path in (root / "files").rglob("*.parquet")}
    assert there.isdisjoint(left)
