"""Each thing is broken for real, found with the command that mends it, and mended."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sample_workspace import land_sample, open_at

from dmp.core.config import Paths, workspace_identity
from dmp.core.errors import UsageError
from dmp.flows.backup import back_up
from dmp.flows.checks.finding import Finding, Level, Limits
from dmp.flows.doctor import CHECKS, examine
from dmp.flows.ingest import ingest
from dmp.flows.key_backup import back_up_keys
from dmp.flows.workspace import Workspace
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
_SLOW = {"versions: extensions"}
OLD = time.time() - 7200


@pytest.fixture(scope="module")
def pristine(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder with a loaded workspace, `ws`, and its keys, `keys`."""
    root = tmp_path_factory.mktemp("doctor")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMP_KEY_DIR", str(root / "keys"))
        land_sample(root / "ws")
        shutil.copytree(Path(__file__).parents[2] / "notebooks", root / "ws/notebooks")
        with open_at(root / "ws") as workspace:
            ingest(workspace, "partner")
            back_up_keys(workspace, root / "saved.keys", "correct horse battery")
        yield root


@pytest.fixture
def home(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that workspace, with keys of its own, to be broken."""
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    shutil.copytree(pristine / "keys", tmp_path / "keys")
    return shutil.copytree(pristine / "ws", tmp_path / "ws")


def keys_of(home: Path) -> Path:
    return home.parent / "keys" / workspace_identity(Paths(home)).id


def amiss(home: Path, limits: Limits | None = None) -> dict[str, Finding]:
    """Return what is not ok, by check; of the machine only what is cheap to see."""
    limits = limits or Limits(free_bytes=0, free_inodes=0)
    checks = {name: one for name, one in CHECKS.items() if name not in _SLOW}
    found = examine(home, limits=limits, checks=checks).findings
    return {one.check: one for one in found if one.level != Level.OK}


def restore(home: Path) -> str:
    return f"mv {home} {home}.damaged && dmp restore SOURCE --into {home}"


def mend(finding: Finding) -> None:
    subprocess.run(finding.mend, shell=True, check=True, stdout=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_sound_workspace_has_a_finding_for_every_check(home: Path) -> None:
    diagnosis = examine(home, limits=Limits(free_bytes=0, free_inodes=0))
    assert diagnosis.level == Level.OK, amiss(home)
    areas = {finding.check.partition(":")[0] for finding in diagnosis.findings}
    assert areas == {check.partition(":")[0] for check in CHECKS}
    assert len(diagnosis.findings) >= len(CHECKS)


def test_looking_changes_nothing(home: Path) -> None:
    before = contents(home.parent)
    examine(home)
    assert contents(home.parent) == before


PERMISSIONS: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "data": (lambda home: home / "data", 0o755, "chmod 700"),
    "vault": (lambda home: home / "data" / "vault", 0o750, "chmod 700"),
    "keys.sqlite": (lambda home: home / "data/vault/keys.sqlite", 0o644, "chmod 600"),
    "log.jsonl": (lambda home: home / "data/audit/log.jsonl", 0o640, "chmod 600"),
    "vault.key": (lambda home: keys_of(home) / "vault.key", 0o604, "chmod 600"),
    "audit.key": (lambda home: keys_of(home) / "audit.key", 0o660, "chmod 600"),
}


@pytest.mark.parametrize("place", PERMISSIONS)
def test_what_others_can_use_is_a_problem(home: Path, place: str) -> None:
    path_of, mode, command = PERMISSIONS[place]
    path = path_of(home)
    path.chmod(mode)
    finding = amiss(home)[f"permissions: {place}"]
    assert finding.level == Level.PROBLEM
    assert f"mode {mode:04o}" in finding.text
    assert finding.mend == f"{command} {path}"
    mend(finding)
    assert amiss(home) == {}


@pytest.mark.parametrize("key", ["vault.key", "audit.key", "actor.key"])
def test_a_lost_key_is_a_problem(home: Path, key: str) -> None:
    path = keys_of(home) / key
    content = path.read_bytes()
    path.unlink()
    found = amiss(home)
    assert found[f"keys: {key}"].level == Level.PROBLEM
    assert found[f"keys: {key}"].mend == f"dmp --home {home} keys restore FILE"
    if key == "vault.key":
        assert "vault: key store" in found
    path.write_bytes(content)
    path.chmod(0o600)
    assert amiss(home) == {}


def test_keys_in_no_back_up_are_a_warning(home: Path, tmp_path: Path) -> None:
    (keys_of(home) / "backup.json").unlink()
    finding = amiss(home)["keys: back-up"]
    assert finding.level == Level.WARNING
    assert finding.mend == f"dmp --home {home} keys backup FILE"
    with open_at(home) as workspace:
        back_up_keys(workspace, tmp_path / "again.keys", "correct horse battery")
    assert amiss(home) == {}


def test_a_key_that_is_none_or_another_is_a_problem(home: Path) -> None:
    path = keys_of(home) / "vault.key"
    shutil.copy(keys_of(home) / "actor.key", path)
    assert "made under the vault key" in amiss(home)["vault: key store"].text
    path.write_text("no key at all\n")
    found = amiss(home)
    assert found["keys: vault.key"].level == Level.PROBLEM
    assert "no key at all" not in str(found)


def test_a_damaged_key_store_is_a_problem(home: Path) -> None:
    store = home / "data" / "vault" / "keys.sqlite"
    content = bytearray(store.read_bytes())
    content[4096 : 4096 + 2048] = bytes(2048)
    store.write_bytes(content)
    finding = amiss(home)["vault: key store"]
    assert finding.level == Level.PROBLEM
    assert finding.mend == restore(home)
    store.write_text("no database")
    assert amiss(home)["vault: key store"].level == Level.PROBLEM


def damage(catalog: Path) -> None:
    content = bytearray(catalog.read_bytes())
    for page in range(2, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 512] = b"\xff" * 512
    catalog.write_bytes(content)


CATALOGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "lost": (lambda path: path.unlink(), "is not there"),
    "damaged": (damage, "is damaged"),
    "cut": (lambda path: os.truncate(path, 5000), "is damaged"),
    "no-database": (lambda path: Path(path).write_text("x" * 5000) and None, "damaged"),
}


@pytest.mark.parametrize("case", CATALOGS)
def test_a_broken_catalog_is_a_problem_and_stops_no_other_check(
    home: Path, case: str
) -> None:
    harm, words = CATALOGS[case]
    harm(home / "data" / "lake" / "catalog.sqlite")
    found = {one.check: one for one in examine(home).findings}
    assert found["lake: catalog"].level == Level.PROBLEM
    assert words in found["lake: catalog"].text
    assert found["lake: catalog"].mend == restore(home)
    assert found["audit: chain"].level == Level.OK
    assert found["vault: key store"].level == Level.OK


def test_a_broken_catalog_is_mended_from_a_back_up(home: Path, tmp_path: Path) -> None:
    with Workspace(home) as workspace:
        back_up(workspace, tmp_path / "saved")
    damage(home / "data" / "lake" / "catalog.sqlite")
    command = amiss(home)["lake: catalog"].mend.replace("SOURCE", f"{tmp_path}/saved")
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
    assert amiss(home) == {}


def data_file(home: Path) -> Path:
    return max(
        (home / "data/lake/files").rglob("*.parquet"), key=lambda p: p.stat().st_size
    )


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 100)])
def test_a_lost_or_cut_data_file_is_a_problem(
    home: Path, harm: Callable[[Path], None]
) -> None:
    path = data_file(home)
    harm(path)
    finding = amiss(home)["lake: files"]
    assert finding.level == Level.PROBLEM
    assert path.name in finding.text
    assert finding.text.startswith("1 of ")


def test_an_orphan_file_is_mended_by_maintenance(home: Path) -> None:
    path = data_file(home)
    orphan = path.with_name("ducklake-00000000-0000-7000-8000-000000000000.parquet")
    shutil.copy(path, orphan)
    assert amiss(home) == {}, "a file that is just being written is nobody's fault"
    os.utime(orphan, (OLD, OLD))
    finding = amiss(home)["lake: orphan files"]
    assert finding.level == Level.WARNING
    assert orphan.name in finding.text
    mend(finding)
    assert not orphan.exists()
    assert amiss(home) == {}


def test_a_pending_migration_is_mended_by_the_next_command(home: Path) -> None:
    with Lake(home / "data" / "lake") as lake:
        lake.execute("alter table ops.load drop column rows_unchanged")
        lake.execute("drop table activation.ledger")
    finding = amiss(home)["lake: layout"]
    assert finding.level == Level.WARNING
    assert "ops.load" in finding.text
    assert "activation.ledger" in finding.text
    mend(finding)
    assert "lake: layout" not in amiss(home)


READ = """
import sqlite3, sys, time
reader = sqlite3.connect(sys.argv[1])
reader.execute("begin")
reader.execute("select count(*) from ducklake_snapshot").fetchall()
print("reads", flush=True)
time.sleep(60)
"""


def test_a_journal_that_a_reader_keeps_is_a_warning(home: Path) -> None:
    catalog = home / "data" / "lake" / "catalog.sqlite"
    command = [sys.executable, "-c", READ, str(catalog)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout and reader.stdout.readline() == "reads\n"
        with Lake(home / "data" / "lake") as lake:
            lake.execute("create table ops.more as select 1 as a")
        limits = Limits(free_bytes=0, free_inodes=0, journal_bytes=1)
        found = amiss(home, limits)
        reader.kill()
    assert set(found) == {"lake: journal"}
    assert "a reader that never ends" in found["lake: journal"].text
    assert found["lake: journal"].mend == f"fuser -v {catalog}-wal"


def test_a_catalog_that_is_open_in_this_process_is_left_alone(home: Path) -> None:
    with Lake(home / "data" / "lake") as lake:
        lake.execute("begin")
        lake.execute("from ops.migration")
        found = amiss(home)
    assert set(found) == {
        "lake: catalog",
        "lake: files",
        "lake: layout",
        "machine: clock",
    }
    assert all("a process of its own" in one.text for one in found.values())
    assert amiss(home) == {}


WAIT = """
import sys, time
from pathlib import Path
from dmp.storage.lock import fair_lock
with fair_lock(Path(sys.argv[1]), timeout_s=60):
    print("held", flush=True)
    time.sleep(60)
"""


def waiting(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WAIT, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def test_a_ticket_of_a_killed_process_is_stale(home: Path) -> None:
    folder = home / "data" / "lake" / "lock"
    with fair_lock(folder, timeout_s=5):
        mine = set(folder.glob("ticket-*"))
        process = waiting(folder)
        until(lambda: len({*folder.glob("ticket-*")} - mine) == 1)
        [ticket] = set(folder.glob("ticket-*")) - mine
        os.utime(ticket, (OLD, OLD))
        assert "locks: stale tickets" not in amiss(home)
        process.kill()
        process.communicate()
        finding = amiss(home)["locks: stale tickets"]
    assert finding.mend == f"rm -r {ticket}"
    mend(finding)
    assert amiss(home) == {}


def test_who_holds_a_lock_is_told_and_ended(home: Path) -> None:
    process = waiting(home / "data" / "run-lock")
    assert process.stdout and process.stdout.readline() == "held\n"
    found = {one.check: one for one in examine(home).findings}["locks: run-lock"]
    assert found.level == Level.OK
    assert f"process {process.pid} (" in found.text
    assert f"since {datetime.now(UTC):%H:}" in found.text
    limits = Limits(free_bytes=0, free_inodes=0, held_for=timedelta())
    finding = amiss(home, limits)["locks: run-lock"]
    assert (finding.level, finding.mend) == (Level.WARNING, f"kill {process.pid}")
    mend(finding)
    process.communicate()
    assert "locks: run-lock" not in amiss(home, limits)


def test_a_scratch_folder_of_a_killed_process_is_a_leftover(home: Path) -> None:
    scratch = home / "data" / "tmp"
    left, used = scratch / "dmp-spill-left", scratch / "dmp-spill-used"
    for folder in (left, used):
        folder.mkdir(parents=True)
    copy = scratch / "copy.csv"
    copy.write_text("a copy of an input")
    handle = os.open(used, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert amiss(home)["scratch: leftovers"].mend == f"rm -r {left}"
    os.utime(copy, (OLD, OLD))
    finding = amiss(home)["scratch: leftovers"]
    assert finding.mend == f"rm -r {copy} {left}"
    mend(finding)
    assert amiss(home) == {}
    os.close(handle)


ENDLESS = """
{"cells": [
 {"cell_type": "code", "id": "a", "execution_count": null, "outputs": [],
  "metadata": {"tags": ["parameters"]}, "source": "rows: int = 1"},
 {"cell_type": "code", "id": "b", "execution_count": null, "outputs": [],
  "metadata": {}, "source": "import os, time; time.sleep(60 * os.path.exists('FLAG'))"}
], "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python",
 "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
"""


def test_an_abandoned_run_is_closed_by_the_next(home: Path, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    notebook = home / "notebooks" / "endless.ipynb"
    notebook.write_text(ENDLESS.replace("FLAG", str(flag)))
    command = [str(BIN / "dmp"), "--home", str(home), "run", "endless"]
    process = subprocess.Popen(command, start_new_session=True)
    until(lambda: any((home / "data/runs").glob("*/run.json")))
    assert "runs: abandoned" not in amiss(home)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    flag.unlink()
    finding = amiss(home)["runs: abandoned"]
    assert "endless-" in finding.text
    assert finding.mend == f"dmp --home {home} run endless"
    mend(finding)
    assert "runs: abandoned" not in amiss(home)


def test_an_unreadable_run_record_is_a_problem(home: Path) -> None:
    record = home / "data" / "runs" / "some-run" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    mend(amiss(home)["runs: records"])
    assert amiss(home) == {}


CONFIG: dict[str, tuple[str, str]] = {
    "dmp.yaml": ("timezoon: UTC\n", "timezoon"),
    "roles.yaml": ("users: {jo: [analist]}\n", "did you mean analyst?"),
    "identity.yaml": ("nothing: 1\n", "nothing"),
    "sources/crm.yaml": ("source: [\n", "line"),
    "segments/loyal_shoppers.yaml": ("segment: loyal_shoppers\n", "rule"),
    "destinations/warehouse.yaml": ("destination: warehouse\n", "warehouse.yaml"),
}


@pytest.mark.parametrize("file", CONFIG)
def test_a_faulty_configuration_is_a_problem(home: Path, file: str) -> None:
    content, words = CONFIG[file]
    path = home / "config" / file
    before = path.read_text()
    path.write_text(content)
    finding = amiss(home)[f"config: {file.partition('/')[0]}"]
    assert finding.level == Level.PROBLEM
    assert words in finding.text
    assert finding.mend == f"${{EDITOR:-vi}} {path}"
    path.write_text(before)
    assert amiss(home) == {}


@pytest.mark.parametrize("file", ["dmp.yaml", "roles.yaml", "segments"])
def test_a_lost_configuration_is_mended_by_init(home: Path, file: str) -> None:
    path = home / "config" / file
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    finding = amiss(home)[f"config: {file}"]
    assert finding.level == Level.PROBLEM
    assert finding.mend == f"dmp init {home}"
    mend(finding)
    assert amiss(home) == {}


def test_strangers_and_a_caller_without_a_role_are_warnings(home: Path) -> None:
    path = home / "config" / "roles.yaml"
    named = {"users": {"no_such_user": ["analyst"]}, "groups": {"no_such": ["admin"]}}
    path.write_text(yaml.safe_dump(named))
    found = [one for one in examine(home).findings if one.check == "config: roles"]
    assert [one.level for one in found] == [Level.WARNING] * 3
    text = " ".join(one.text for one in found)
    assert "the user no_such_user" in text
    assert "the group no_such" in text
    assert "holds no role here" in text


def test_a_cut_audit_log_is_a_problem(home: Path) -> None:
    log = home / "data" / "audit" / "log.jsonl"
    log.write_bytes(b"")
    finding = amiss(home)["audit: chain"]
    assert finding.level == Level.PROBLEM
    assert finding.text.startswith("cut: records 0 to 1")
    assert finding.mend == f"dmp --home {home} audit verify"


def test_a_clock_behind_the_lake_is_a_problem(home: Path) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    found = {one.check: one for one in examine(home, clock=lambda: past).findings}
    assert found["machine: clock"].level == Level.PROBLEM
    assert "it shows 2020-01-01 00:00 UTC" in found["machine: clock"].text
    assert "timedatectl" in found["machine: clock"].mend


def test_little_room_is_a_problem(home: Path) -> None:
    limits = Limits(free_bytes=2**60, free_inodes=2**60)
    found = amiss(home, limits)
    assert {"machine: disk space", "machine: inodes"} <= set(found)
    assert all(one.level == Level.PROBLEM for one in found.values())
    mend(found["machine: disk space"])


def told(home: Path, *prefix: str, **environ: str) -> str:
    """Return what the doctor tells in a process of its own: level, check, mend."""
    script = (
        "import os, sys; from pathlib import Path; "
        "from dmp.flows.doctor import examine; "
        "number = int(os.environ.get('AS_USER', 0)); "
        "number and examine(Path(sys.argv[1])); "  # imports all that it needs
        "os.setgroups([]) if number else None; "
        "os.setgid(number) if number else None; "
        "os.setuid(number) if number else None; "
        "[print(*(' '.join(str(part).split()) "
        "for part in (f.level, f.check, f.text, f.mend)), sep=' | ') "
        "for f in examine(Path(sys.argv[1])).findings]"
    )
    return subprocess.run(
        [*prefix, sys.executable, "-c", script, str(home)],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def distribution(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(text)


def test_a_package_of_another_version_is_a_problem(home: Path, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "splink", "4.0.1")
    text = told(home, PYTHONPATH=str(tmp_path / "site"))
    [line] = [line for line in text.splitlines() if "versions: splink" in line]
    assert line.startswith("problem")
    assert "4.0.1 is installed, but dmp needs <6,>=5" in line
    assert line.endswith(f"{sys.executable} -m pip install 'splink<6,>=5'")


def test_extensions_that_do_not_fit_are_told_apart(home: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("ducklake", "httpfs"):
        distribution(site, f"duckdb-extension-{name}", "1.4.0")
        (site / f"duckdb_extension_{name}").mkdir()
        (site / f"duckdb_extension_{name}" / "__init__.py").touch()
    lines = told(home, PYTHONPATH=str(site)).splitlines()
    levels = {
        name: {line.split(" | ")[0] for line in lines if f"versions: {name} " in line}
        for name in ("ducklake", "httpfs", "sqlite_scanner")
    }
    assert levels == {
        "ducklake": {"problem"},
        "httpfs": {"warning"},
        "sqlite_scanner": set(),
    }
    [line] = [line for line in lines if "versions: ducklake " in line]
    assert "1.4.0 is installed for DuckDB" in line
    assert "pip install duckdb-extension-ducklake==1." in line


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do it")


@as_root
def test_read_rights_are_enough(home: Path) -> None:
    mount = f"mount --bind {home} {home} && mount -o remount,ro,bind {home} && exec $0"
    read_only = told(home, "unshare", "-m", "sh", "-c", f'{mount} "$@"')
    assert read_only.count("\n") >= len(CHECKS)
    assert "could not be checked" not in read_only
    assert "problem |" not in read_only.replace("problem | machine: disk", "")


@as_root
def test_without_any_right_every_check_still_answers(home: Path) -> None:
    lines = told(home, AS_USER="54321").splitlines()
    areas = {line.split(" | ")[1].partition(":")[0] for line in lines}
    assert areas == {check.partition(":")[0] for check in CHECKS}
    blind = [line for line in lines if "could not be checked" in line]
    assert len(blind) > len(CHECKS) / 2
    assert [line for line in blind if "Permission denied" not in line] == []
    assert [line for line in blind if "| ls -ld /" not in line] == []


def test_a_workspace_without_its_id_still_gets_an_answer(home: Path) -> None:
    (home / "data" / "workspace.json").unlink()
    found = amiss(home)
    assert {"permissions", "keys", "vault", "audit"} <= set(found)
    assert all("does not tell the workspace's id" in f.text for f in found.values())
    assert not (home / "data" / "workspace.json").exists()


def test_a_folder_with_nothing_of_a_workspace_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dmp init DIR"):
        examine(tmp_path)
    assert [*tmp_path.iterdir()] == []
