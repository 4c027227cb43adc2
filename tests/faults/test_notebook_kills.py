"""Pipeline notebooks killed between cells and inside their writes, and run again.

With `DMP_FAULT_NOTEBOOKS=all` each notebook is killed at every boundary of cells, at
the first and last write of each kind of file, and some milliseconds into commits, each
time in a workspace of its own. That takes an hour, so it is left out otherwise; kills
of the same steps as commands are in `test_kills.py` and `test_aimed_kills.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boxes
import nbformat
import psutil
import pytest
from boxes import AS_OF, PATIENCE_S, Box
from contents import Contents, contents, difference

REPOSITORY = Path(__file__).parents[2]
DYING = Path(__file__).parent / "dying"
PARAMETERS: dict[str, dict[str, str]] = {
    "10_ingest": {},
    "20_train_linkage": {},
    "21_resolve": {},
    "30_segments": {"as_of": AS_OF},
    "40_activate": {"as_of": AS_OF},
}
ALL = os.environ.get("DMP_FAULT_NOTEBOOKS", "") == "all"
INTO_A_WRITE_S = 0.004

_RUN = """
import os, signal, sys
from pathlib import Path
import psutil
from dmp.flows.workspace import Workspace
from dmp.jobs.runner import run_notebook

def at(done, total):
    print(done, total, flush=True)
    if done == int(sys.argv[2]):
        for one in psutil.Process().children(recursive=True):
            one.send_signal(signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

with Workspace(Path.cwd()) as workspace:
    given = dict(part.split("=") for part in sys.argv[3:])
    run_notebook(workspace, sys.argv[1], given, progress=at)
"""


def run(box: Box, name: str, *, die_at_cell: int = -1, **environ: str) -> int:
    """Run a notebook in a process of its own; return its exit code."""
    given = [f"{key}={value}" for key, value in PARAMETERS[name].items()]
    path = f"{DYING}{os.pathsep}{REPOSITORY}"
    process = subprocess.run(
        [sys.executable, "-c", _RUN, name, str(die_at_cell), *given],
        cwd=box.home,
        env={**box.environ, "DMP_HOME": str(box.home), "PYTHONPATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    await_kernels_end(box)
    assert process.returncode in (0, -9), process.stderr
    return process.returncode


def await_kernels_end(box: Box) -> None:
    """A kernel sees within a second that its runner is gone."""
    deadline = time.monotonic() + PATIENCE_S
    while any(_is_kernel_of(box, one) for one in psutil.process_iter()):
        assert time.monotonic() < deadline, "a kernel outlived its runner"
        time.sleep(0.05)


def _is_kernel_of(box: Box, process: psutil.Process) -> bool:
    try:
        is_kernel = any("ipykernel_launcher" in part for part in process.cmdline())
        return is_kernel and process.cwd() == str(box.home)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


class Line:
    """The workspaces before and after each notebook of the pipeline."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Box] = {}

    def before(self, name: str) -> Box:
        """The workspace in which a notebook is about to run; copy it."""
        names = [*PARAMETERS]
        place = names.index(name)
        return self._landed() if place == 0 else self.after(names[place - 1])

    def after(self, name: str) -> Box:
        """The workspace after a run that nobody disturbs."""
        if name not in self._made:
            box = self.before(name).copy(self._folder / name)
            log = box.folder / "writes"
            log.write_text("")
            assert run(box, name, DMP_DIE_LOG=str(log)) == 0
            self._made[name] = box
        return self._made[name]

    def writes(self, name: str) -> list[str]:
        """The writes of an undisturbed run, in order."""
        return (self.after(name).folder / "writes").read_text().splitlines()

    def _landed(self) -> Box:
        if "" not in self._made:
            box = Box(self._folder / "landed")
            box.home.mkdir(parents=True)
            boxes.land(box)
            shutil.copytree(REPOSITORY / "notebooks", box.home / "notebooks")
            self._made[""] = box
        return self._made[""]


@pytest.fixture(scope="module")
def line(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Line:
    return Line(tmp_path_factory.mktemp("line"))


def cells(name: str) -> int:
    notebook = nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)
    return len(notebook.cells) + 1  # papermill adds one with the parameters


def repaired(line: Line, name: str, box: Box, whole: Contents) -> str:
    """Run a notebook to its end in a workspace that was hurt; say what differs."""
    assert run(box, name) == 0
    with box.open() as workspace:
        records = [*workspace.paths.runs.glob("*/run.json")]
        assert not any('"running"' in path.read_text() for path in records)
    return difference(contents(box), whole)


Kill = Callable[[Box], int]


def at_cells(name: str) -> Iterator[tuple[str, Kill]]:
    for cell in range(1, cells(name)):
        yield (
            f"cell {cell}",
            lambda box, cell=cell: run(box, name, die_at_cell=cell),  # type: ignore[misc]
        )


def at_writes(line: Line, name: str) -> Iterator[tuple[str, Kill]]:
    """Yield a kill at the first and the last write of each kind."""
    shapes = line.writes(name)
    chosen = {shapes.index(shape) for shape in shapes}
    chosen |= {len(shapes) - 1 - shapes[::-1].index(shape) for shape in shapes}
    for number in sorted(chosen):
        is_commit = shapes[number].endswith("/lake/lock/main")
        for after_s in (0.0, *[INTO_A_WRITE_S] * is_commit):

            def kill(box: Box, number: int = number, after_s: float = after_s) -> int:
                log = box.folder / "killed"
                log.touch()
                return run(
                    box,
                    name,
                    DMP_DIE_LOG=str(log),
                    DMP_DIE_AT=str(number + 1),
                    DMP_DIE_AFTER_S=str(after_s),
                )

            yield f"{number} {shapes[number]} {after_s}", kill


@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="takes an hour; DMP_FAULT_NOTEBOOKS=all runs it")
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_notebook_killed_anywhere_ends_as_if_unbroken(
    line: Line, name: str, tmp_path: Path
) -> None:
    whole = contents(line.after(name))
    differing, killed = {}, 0
    for place, kill in [*at_cells(name), *at_writes(line, name)]:
        box = line.before(name).copy(tmp_path / "box")
        killed += kill(box) == -9
        if fault := repaired(line, name, box, whole):
            differing[place] = fault
        shutil.rmtree(box.folder)
    assert killed >= cells(name) - 1
    assert differing == {}
