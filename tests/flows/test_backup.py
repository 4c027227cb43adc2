from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from keyed_workspace import PART_ROWS, at, emails, environ_of, part

from dmp.core.errors import DMPError, StorageError, UsageError
from dmp.flows.backup import BackedUp, back_up, verify_backup
from dmp.flows.ingest import ingest
from dmp.flows.maintain import maintain
from dmp.flows.resolve import resolve_people
from dmp.flows.restore import Restored, restore
from dmp.flows.rotate import rotate_pseudonyms, rotate_vault_key
from dmp.flows.workspace import Workspace
from dmp.storage.backup import table_entries
from dmp.storage.manifest import read_manifest

pytestmark = pytest.mark.slow

SPAWN = get_context("spawn")
LOADS = int(os.environ.get("DMP_BACKUP_LOADS", "3"))
MOMENTS = int(os.environ.get("DMP_FAULT_MOMENTS", "2"))


@pytest.fixture
def mine(base: Path, tmp_path: Path) -> Path:
    """A workspace and its keys, to write to."""
    return shutil.copytree(base, tmp_path / "mine")


@pytest.fixture
def saved(mine: Path) -> BackedUp:
    """Its back-up, in `backup` beside it."""
    with at(mine) as workspace:
        return back_up(workspace, mine / "backup")


def restored(mine: Path, source: str = "backup", name: str = "again") -> Restored:
    return restore(mine / source, mine / name, environ=environ_of(mine))


def lose(mine: Path) -> None:
    shutil.rmtree(mine / "ws")


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tables(mine: Path, name: str) -> list[object]:
    return list(table_entries(mine / name / "data" / "lake"))


def test_a_lost_workspace_comes_back_as_it_was(mine: Path, saved: BackedUp) -> None:
    before = tables(mine, "ws")
    with at(mine) as workspace:
        clear = emails(workspace)
        identity = workspace.key_files.identity.id
    lose(mine)
    done = restored(mine)
    assert (done.id, done.keys_missing) == (identity, "")
    assert tables(mine, "again") == before
    with at(mine, "again") as workspace:
        assert emails(workspace) == clear
        assert workspace.audit.verify().ok
        assert ingest(workspace, "crm", [part(mine, 1)])[0].is_new
        assert resolve_people(workspace)[0].is_new
    again = restore(mine / "backup", mine / "third", environ=environ_of(mine))
    assert again.id != identity


def test_both_live_on_where_the_original_is_still_there(
    mine: Path, saved: BackedUp
) -> None:
    done = restored(mine)
    for name in ("ws", "again"):
        with at(mine, name) as workspace:
            ingest(workspace, "crm", [part(mine, 1)])
            rotate_vault_key(workspace)
            assert any(emails(workspace))
            assert workspace.audit.verify().ok
    with at(mine, "again") as workspace:
        assert workspace.key_files.identity.id == done.id
        assert len(workspace.key_files.identity.former_ids) == 1


def test_no_key_that_opens_the_vault_is_in_it(mine: Path, saved: BackedUp) -> None:
    secrets = [path.read_bytes().strip() for path in (mine / "keys").rglob("*.key")]
    assert len(secrets) == 3
    for path in (mine / "backup").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret in content], path
    names = {path.split("/")[1] for path in contents(mine / "backup") if "/" in path}
    assert not names & {"landing", "exports", "tmp"}


def test_without_keys_pseudonyms_come_back_and_the_rest_is_told(
    mine: Path, saved: BackedUp
) -> None:
    lose(mine)
    shutil.rmtree(mine / "keys")
    done = restored(mine)
    assert "keys restore" in done.keys_missing
    with at(mine, "again") as workspace:
        assert workspace.lake.value("select count(*) from core.record") > 0


def test_what_was_erased_since_stays_erased(mine: Path, saved: BackedUp) -> None:
    with at(mine) as workspace:
        subjects = [
            row[0]
            for row in workspace.lake.rows(
                "select distinct subject_id from core.record where source = 'crm' "
                "order by subject_id limit 4"
            )
        ]
        workspace.keys.destroy_subject_keys(np.array(subjects))
        readable = len([value for value in emails(workspace) if value])
    lose(mine)
    assert restored(mine).destroyed == 4
    with at(mine, "again") as workspace:
        left = workspace.keys.subject_keys(np.array(subjects), create=False)
        assert left == [None] * 4
        assert len([value for value in emails(workspace) if value]) == readable


def test_a_backup_made_before_rotations_is_brought_under_the_keys_of_now(
    mine: Path, saved: BackedUp
) -> None:
    with at(mine) as workspace:
        clear = emails(workspace)
        rotate_vault_key(workspace)
        rotate_pseudonyms(workspace)
        former = [*workspace.key_files.folder.glob("vault.key.*")]
    lose(mine)
    assert restored(mine).keys_missing == ""
    for file in former:
        file.unlink()
    with at(mine, "again") as workspace:
        assert emails(workspace) == clear
        ingest(workspace, "crm", [part(mine, 1)])
        found = workspace.lake.rows(
            "select distinct left(token, 2) from identity.identifier"
        )
        assert found == [("1:",)]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a byte": lambda folder: flip(largest(folder / "data" / "lake" / "files")),
    "a file less": lambda folder: largest(folder / "data" / "vault").unlink(),
    "a file more": lambda folder: (folder / "data" / "more").write_text("x"),
    "a manifest cut": lambda folder: cut(folder / "manifest.json"),
    "a manifest less": lambda folder: (folder / "manifest.json").unlink(),
}


def largest(folder: Path) -> Path:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_found_and_never_restored(
    mine: Path, saved: BackedUp, damage: Callable[[Path], object]
) -> None:
    before = contents(mine / "backup")
    assert verify_backup(mine / "backup").snapshot == saved.snapshot
    assert contents(mine / "backup") == before
    damage(mine / "backup")
    with pytest.raises((StorageError, UsageError), match=r"damaged|no whole back-up"):
        verify_backup(mine / "backup")
    if not (mine / "backup" / "data" / "more").exists():
        with pytest.raises(DMPError):
            restored(mine)
        assert not (mine / "again").exists()
        assert not [*mine.glob(".again*")]


def test_rows_that_do_not_fit_the_manifest_are_found(
    mine: Path, saved: BackedUp
) -> None:
    path = mine / "backup" / "manifest.json"
    document = json.loads(path.read_text())
    entry = next(e for e in document["tables"] if e["table"] == "core.record")
    entry["rows"] += 1
    path.write_text(json.dumps(document))
    with pytest.raises(StorageError, match=r"core.record: rows"):
        verify_backup(mine / "backup")


def test_tables_of_another_version_are_compared_too(mine: Path) -> None:
    with at(mine) as workspace:
        workspace.lake.execute("create table core.of_tomorrow as select 1 as x")
        back_up(workspace, mine / "backup")
    assert "core.of_tomorrow" in {
        entry.table for entry in verify_backup(mine / "backup").tables
    }


def test_nothing_is_written_over_something(mine: Path, saved: BackedUp) -> None:
    before = contents(mine / "backup")
    with at(mine) as workspace:
        with pytest.raises(UsageError, match="there already"):
            back_up(workspace, mine / "backup")
        with pytest.raises(UsageError, match="lies in the workspace"):
            back_up(workspace, mine / "ws" / "data" / "backup")
    (mine / "again").mkdir()
    (mine / "again" / "mine.txt").write_text("something of mine")
    with pytest.raises(UsageError, match="not empty"):
        restored(mine)
    assert contents(mine / "again").keys() == {"mine.txt"}
    assert contents(mine / "backup") == before


def test_a_dry_run_writes_nothing(mine: Path, saved: BackedUp) -> None:
    before = {*mine.iterdir()}
    with at(mine) as workspace:
        planned = back_up(workspace, mine / "other", dry_run=True)
    assert planned.files > 0
    plan = restore(
        mine / "backup", mine / "new", environ=environ_of(mine), dry_run=True
    )
    assert plan.files == saved.files
    assert {*mine.iterdir()} == before


def test_a_later_backup_shares_what_is_the_same(mine: Path, saved: BackedUp) -> None:
    with at(mine) as workspace:
        ingest(workspace, "crm", [part(mine, 1)])
        later = back_up(workspace, mine / "later", previous=mine / "backup")
    assert later.new_bytes < later.size_bytes
    files = Path("data", "lake", "files")
    earlier = [*(mine / "backup" / files).rglob("*.parquet")]
    for path in earlier:
        assert path.samefile(mine / "later" / path.relative_to(mine / "backup"))
    shutil.rmtree(mine / "backup")
    verify_backup(mine / "later")
    lose(mine)
    restored(mine, "later")
    assert tables(mine, "again") == list(read_manifest(mine / "later").tables)


def load_parts(folder: Path, numbers: list[int]) -> list[float]:
    """Load files one after the other; return when each was acknowledged."""
    acknowledged = []
    for number in numbers:
        with at(folder) as workspace:
            ingest(workspace, "crm", [part(folder, number)])
        acknowledged.append(time.time())
    return acknowledged


def tidy_up(folder: Path, until: float) -> int:
    runs = 0
    with at(folder) as workspace:
        while not runs or time.time() < until:
            maintain(workspace, keep_days=0)
            runs += 1
    return runs


def test_a_backup_under_writers_is_a_committed_point(mine: Path) -> None:
    numbers = list(range(1, 1 + LOADS))
    begun = []
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        tidying = pool.submit(tidy_up, mine, time.time() + LOADS)
        loading = pool.submit(load_parts, mine, numbers)
        while not loading.done() or not begun:
            begun.append(time.time())
            with at(mine) as workspace:
                back_up(workspace, mine / f"backup-{len(begun)}")
        acknowledged = loading.result()
        assert tidying.result() > 0
    lose(mine)
    for number, at_start in enumerate(begun, 1):
        verify_backup(mine / f"backup-{number}")
        restored(mine, f"backup-{number}")
        with at(mine, "again") as workspace:
            check_point(workspace, sum(t < at_start for t in acknowledged))
        shutil.rmtree(mine / "again")


def check_point(workspace: Workspace, at_least: int) -> None:
    """Every load that was acknowledged is there, and none by half."""
    loads = workspace.lake.rows(
        "select l.load_id, l.rows_read, count(r.subject_id) from ops.load as l "
        "left join core.record as r using (load_id) where l.source = 'crm' "
        "group by all"
    )
    assert len(loads) >= at_least + 1
    for _, rows_read, records in loads:
        assert rows_read == PART_ROWS
        assert 0 < records <= PART_ROWS
    refused = workspace.lake.value(
        "select count(*) from raw.refused where load_id not in "
        "(select load_id from ops.load)"
    )
    assert refused == 0
    assert len(emails(workspace)) > 0
    assert workspace.audit.verify().ok


def check_rest(rest: Path, into: Path, environ: dict[str, str]) -> None:
    """What was killed is no back-up, or whole but for its name."""
    if (rest / "manifest.json").exists():
        verify_backup(rest)
        return
    with pytest.raises(UsageError, match="no whole back-up"):
        restore(rest, into, environ=environ)
    assert not into.exists()


_COMMAND = "from dmp.cli import main; main()"


def test_a_killed_backup_is_never_taken_for_a_whole_one(mine: Path) -> None:
    command = [sys.executable, "-c", _COMMAND, "--home", str(mine / "ws"), "backup"]
    environ = environ_of(mine)
    begun = time.monotonic()
    subprocess.run([*command, str(mine / "whole")], env=environ, check=True)
    duration = time.monotonic() - begun
    chance = random.Random(5)
    for _ in range(MOMENTS):
        process = subprocess.Popen([*command, str(mine / "killed")], env=environ)
        time.sleep(duration * chance.uniform(0.5, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (mine / "killed").exists():
            verify_backup(mine / "killed")
            shutil.rmtree(mine / "killed")
        for rest in mine.glob(".killed*"):
            check_rest(rest, mine / "again", environ)
    with at(mine) as workspace:
        back_up(workspace, mine / "killed")
        assert not [*workspace.paths.scratch.glob("backup-*")]
    verify_backup(mine / "killed")
    assert not [*mine.glob(".killed*")]
