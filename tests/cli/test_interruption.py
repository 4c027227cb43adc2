"""Ctrl-C, typed in a terminal: one line, code 130, nothing half done, nobody left."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from sample_workspace import SAMPLE, copy_workspace
from terminal import CTRL_C, Terminal, terminal

from dmp.flows.ingest import ingest
from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace
from dmp.jobs.records import read_records
from dmp.storage.lock import holder

pytestmark = pytest.mark.slow

LOCKS = ("lock", "resolve-lock", "ingest-lock/web")


@pytest.fixture(scope="module")
def loaded_home(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    """A workspace with one small source loaded, and a long file of another landed."""
    home = initialise(tmp_path_factory.mktemp("interrupted") / "ws").home
    landed = home / "data" / "landing"
    shutil.copytree(SAMPLE / "partner", landed / "partner")
    shutil.copytree(SAMPLE / "crm", landed / "crm")
    with Workspace(home) as workspace:
        ingest(workspace, "partner")
        ingest(workspace, "crm")
    return home


@pytest.fixture
def home(loaded_home: Path, tmp_path: Path) -> Path:
    return copy_workspace(loaded_home, tmp_path / "ws")


def interrupt(shell: Terminal, when: Callable[[], object]) -> None:
    """Type Ctrl-C once something holds; see the command end as it should."""
    shell.until(when)
    below = shell.below()
    shell.type(CTRL_C)
    code = shell.wait()
    assert "interrupted; nothing half done is kept" in shell.shown
    assert "Traceback" not in shell.shown
    assert "Error" not in shell.shown
    assert code == 130, shell.shown
    _, alive = psutil.wait_procs(below, timeout=15)
    assert alive == []


def assert_clean(home: Path) -> None:
    assert [*(home / "data" / "tmp").iterdir()] == []
    for name in LOCKS:
        assert holder(home / "data" / "lake" / name) is None
    assert holder(home / "data" / "run-lock") is None


def snapshot(home: Path) -> int:
    with Workspace(home) as workspace:
        return workspace.lake.snapshot()


def test_ingest(home: Path) -> None:
    landed = home / "data" / "landing" / "web"
    landed.mkdir()
    text = (SAMPLE / "web" / "part-00000.jsonl").read_text()
    (landed / "long.jsonl").write_text(text * 20)
    before = snapshot(home)
    scratch = home / "data" / "tmp"
    with terminal("--home", str(home), "ingest", "web") as shell:
        interrupt(shell, lambda: [*scratch.glob("load-*")])
    assert_clean(home)
    with Workspace(home) as workspace:
        assert workspace.lake.snapshot() == before
        assert workspace.lake.value("select count(*) from core.event") == 0
        (landed / "long.jsonl").write_text(text)
        (report,) = ingest(workspace, "web")
        assert report.events == 3769


def test_resolve(home: Path) -> None:
    before = snapshot(home)
    lock = home / "data" / "lake" / "resolve-lock"
    with terminal("--home", str(home), "resolve") as shell:
        interrupt(shell, lambda: holder(lock))
    assert_clean(home)
    assert snapshot(home) == before


def test_run(home: Path) -> None:
    started = home / "started"
    cells = [
        new_code_cell("rows: int = 1", metadata={"tags": ["parameters"]}),
        new_code_cell("open('started', 'w').close()"),
        new_code_cell("import time\ntime.sleep(600)"),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, home / "notebooks" / "endless.ipynb")
    with terminal("--home", str(home), "run", "endless") as shell:
        interrupt(shell, started.exists)
    assert_clean(home)
    (record,) = read_records(home / "data" / "runs")
    assert record.status == "interrupted"
    assert not [*(home / "data" / "runs").rglob("*.partial*")]


def test_demo(tmp_path: Path) -> None:
    home = initialise(tmp_path / "ws").home
    runs = home / "data" / "runs"
    with terminal("--home", str(home), "demo", "--people", "200") as shell:
        interrupt(shell, lambda: shell.below() and [*runs.glob("10_ingest*")])
    assert_clean(home)
    (record,) = read_records(runs)
    assert record.status == "interrupted"
