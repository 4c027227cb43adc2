"""The ground gives way: full and read-only disks, a vanished lake, a clock set back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from boxes import LOADED_AT, PATIENCE_S, Box
from cases import CASES, Stage
from contents import contents, difference

from dmp.core.errors import GroundFailed
from dmp.core.sql import row
from dmp.flows.ingest import ingest
from dmp.flows.workspace import Workspace
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate
from dmp.storage.versions import newest_versions_sql
from dmp.storage.write import append, commit

pytestmark = pytest.mark.slow

DISK_KB = 40_000
Remount = Callable[[str], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    options = f"size={DISK_KB}k"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode and not os.environ.get("CI"):
        pytest.skip(f"root may not mount a disk here: {mounted.stderr.strip()}")
    assert mounted.returncode == 0, mounted.stderr
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def fill(disk: Path, spare_kb: int) -> Path:
    """Fill the disk but for some KB."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as file:
        file.write(bytes(max(0, free - 1024 * spare_kb)))
    return filler


def words_of(box: Box, *arguments: str) -> str:
    """Run a command that fails; return what it says, which is no traceback."""
    process = box.start(*arguments)
    _, words = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, words
    assert words.startswith("Error: ") and "Traceback" not in words
    return words


@pytest.mark.parametrize(
    ("name", "spare_kb"),
    [("ingest", 0), ("ingest", 500), ("sync", 100)],
)
def test_a_full_disk_is_told_and_nothing_is_half_done(
    stage: Stage, name: str, spare_kb: int, disk: Path
) -> None:
    whole, _ = stage.unbroken(name)
    box = stage.before(name).copy(disk / "box")
    filler = fill(disk, spare_kb)
    words = words_of(box, *CASES[name].arguments)
    assert re.search(r"the disk is full( or gives errors)?; free some space", words)
    filler.unlink()
    box.run(*CASES[name].arguments)
    assert difference(contents(box), whole) == ""


def test_a_read_only_workspace_is_told(stage: Stage, disk: Path) -> None:
    box = stage.before("ingest").copy(disk / "box")
    remount(disk, "ro")
    assert "read-only" in words_of(box, "ingest", "crm")
    remount(disk, "rw")
    box.run("ingest", "crm")


def test_a_lake_deleted_while_open_takes_no_commit(tmp_path: Path) -> None:
    root, aside = tmp_path / "lake", tmp_path / "aside"
    load = append("ops.load", row(load_id="a"))
    with Lake(root) as lake:
        migrate(lake)
        root.rename(aside)
        with pytest.raises(GroundFailed, match="bring it back"):
            commit(lake, [load], message="into nothing")
        assert not root.exists()
        lake.close()
        with pytest.raises(GroundFailed, match="bring it back"):
            lake.rows("select 1")
        assert not root.exists()
        aside.rename(root)
        commit(lake, [load], message="back again")
        assert lake.value("select count(*) from ops.load") == 1


def test_a_lake_replaced_while_open_takes_no_commit(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    with Lake(root) as lake:
        migrate(lake)
        shutil.rmtree(root)
        with Lake(root) as other:
            migrate(other)
        with pytest.raises(GroundFailed, match="deleted or replaced"):
            commit(lake, [append("ops.load", row(load_id="a"))], message="lost")
    with Lake(root) as again:
        assert again.value("select count(*) from ops.load") == 0


def test_a_lake_whose_disk_is_unmounted_is_told(disk: Path) -> None:
    with Lake(disk / "lake") as lake:
        migrate(lake)
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        try:
            with pytest.raises(GroundFailed, match="its disk unmounted"):
                commit(lake, [append("ops.load", row(load_id="a"))], message="gone")
            assert list(disk.iterdir()) == []
        finally:
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True)


def test_a_correction_holds_though_the_clock_was_set_back(
    stage: Stage, tmp_path: Path
) -> None:
    """A source without instants of its own: what is loaded last holds."""
    box = stage.before("ingest").copy(tmp_path / "box")
    (box.home / "config" / "sources" / "desk.yaml").write_text(DESK)
    instants = (LOADED_AT, LOADED_AT - timedelta(days=3))
    for city, now in zip(("Leeds", "York"), instants, strict=True):
        file = box.home / f"{city}.csv"
        file.write_text(f"id,city\n1,{city}\n")
        with Workspace(
            box.home, environ=box.environ, clock=lambda now=now: now
        ) as workspace:
            ingest(workspace, "desk", [file])
            found = workspace.lake.rows(
                f"select attributes.city from ({newest_versions_sql().text}) "
                "where source = 'desk'"
            )
        assert found == [(city,)]


DESK = """
source: desk
owner: the desk
jurisdiction: GB
connector: {type: file, format: csv, path: data/landing/desk/*.csv}
subject: [{from: id, kind: record}]
fields:
  city: {from: city, class: quasi, purpose: analytics}
"""
