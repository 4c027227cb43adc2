from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
from job_notebooks import WriteNotebook, kernels

from dmp.core.errors import ConfigInvalid, RunFailed, UnknownName
from dmp.flows.workspace import Workspace
from dmp.jobs.records import RunRecord, read_records
from dmp.jobs.runner import (
    RunTimedOut,
    WorkspaceBusy,
    find_notebook,
    run_notebook,
)
from dmp.storage.lock import fair_lock

WAIT_S = 60.0


def run_folder(workspace: Workspace, record: RunRecord) -> Path:
    return workspace.paths.runs / record.run_id


def newest(workspace: Workspace) -> RunRecord:
    return read_records(workspace.paths.runs)[0]


def partial_files(workspace: Workspace) -> list[Path]:
    return [*workspace.paths.runs.rglob("*partial*")]


def await_(condition: Callable[[], bool], seconds: float = WAIT_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_run_is_recorded(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("recorded", "print(rows * 2)", parameters="rows: int = 4")
    progress: list[tuple[int, int]] = []
    record, is_new = run_notebook(
        job_workspace,
        "recorded",
        {"rows": "21"},
        progress=lambda *step: progress.append(step),
    )
    assert is_new
    assert (record.status, record.parameters) == ("done", {"rows": 21})
    assert record.seconds > 0
    assert record.error == ""
    assert record.output_snapshot == record.input_snapshot > 0
    assert record.commits == ()
    assert {"dmp", "duckdb", "python"} <= set(record.versions)
    # papermill adds a cell with the parameters
    assert progress[-1] == (4, 4)
    folder = run_folder(job_workspace, record)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert json.loads((folder / "run.json").read_text())["run_id"] == record.run_id
    assert newest(job_workspace) == record
    executed = nbformat.read(folder / record.executed, as_version=4)
    assert executed.cells[-1].outputs[0].text == "42\n"


def test_an_executed_copy_names_no_place_of_this_machine(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("placeless", "1 + 1")
    record, _ = run_notebook(job_workspace, "placeless")
    copy = run_folder(job_workspace, record) / record.executed
    document = json.loads(copy.read_text())
    metadata = [document["metadata"], *(cell["metadata"] for cell in document["cells"])]
    assert str(job_workspace.paths.home) not in json.dumps(metadata)
    assert str(Path.home()) not in json.dumps(metadata)
    assert document["metadata"]["papermill"]["parameters"] == {}
    assert partial_files(job_workspace) == []


def test_the_same_run_is_done_once_unless_forced(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("once", "1 + 1")
    first, is_new = run_notebook(job_workspace, "once")
    again, is_new_again = run_notebook(job_workspace, "once")
    assert (is_new, is_new_again) == (True, False)
    assert again == first
    forced, is_new = run_notebook(job_workspace, "once", force=True)
    assert is_new
    assert forced.key == first.key
    assert forced.run_id != first.run_id


def change_configuration(home: Path) -> None:
    path = home / "config" / "profile.yaml"
    path.write_text(path.read_text() + "# another thought\n")


def change_input(home: Path) -> None:
    path = home / "data" / "landing" / "crm" / "new.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("CUST_NO\n1\n")


def change_notebook(home: Path) -> None:
    path = home / "notebooks" / "changing.ipynb"
    path.write_text(path.read_text().replace("1 + 1", "1 + 2"))


def change_lake(home: Path) -> None:
    with Workspace(home) as workspace:
        workspace.lake.execute("insert into ops.migration values (99, now(), 'more')")


def change_model(home: Path) -> None:
    path = home / "data" / "models" / "people" / "current.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"name": "people-2"}')


@pytest.mark.parametrize(
    "change",
    [change_configuration, change_input, change_notebook, change_lake, change_model],
    ids=lambda change: change.__name__,
)
def test_another_input_runs_again(
    job_workspace: Workspace,
    write_notebook: WriteNotebook,
    change: Callable[[Path], None],
) -> None:
    write_notebook("changing", "1 + 1")
    first, _ = run_notebook(job_workspace, "changing")
    change(job_workspace.paths.home)
    second, is_new = run_notebook(job_workspace, "changing")
    assert is_new
    assert second.key != first.key


def test_another_parameter_runs_again(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("by_parameter", "rows", parameters="rows: int = 1")
    first, _ = run_notebook(job_workspace, "by_parameter")
    same, is_new = run_notebook(job_workspace, "by_parameter", {"rows": "1"})
    assert (same, is_new) == (first, False)
    assert run_notebook(job_workspace, "by_parameter", {"rows": "2"})[1]


def test_a_failing_notebook_leaves_its_copy_and_record_without_values(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    boom = 'raise ValueError("no row for " + "jo" + "@" + "mail.example")'
    write_notebook("failing", 'print("jo" + "@" + "mail.example")', boom, "never = 1")
    with pytest.raises(
        RunFailed, match=r"failing failed at cell .*ValueError"
    ) as error:
        run_notebook(job_workspace, "failing")
    record = newest(job_workspace)
    assert (record.notebook, record.status) == ("failing", "failed")
    assert "[email]" in record.error
    copy = run_folder(job_workspace, record) / record.executed
    assert str(copy) in str(error.value)
    shown = [
        output
        for cell in nbformat.read(copy, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    assert [output.output_type for output in shown] == ["stream", "error"]
    assert "jo@mail.example" not in copy.read_text() + str(error.value)
    assert partial_files(job_workspace) == []


def test_a_failed_run_is_tried_again(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    cell = "from pathlib import Path\nassert Path('mended').exists()"
    write_notebook("mended", cell)
    with pytest.raises(RunFailed):
        run_notebook(job_workspace, "mended")
    (job_workspace.paths.home / "mended").touch()
    record, is_new = run_notebook(job_workspace, "mended")
    assert (record.status, is_new) == ("done", True)


def test_a_kernel_that_dies_is_a_failed_run(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("dying", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(RunFailed, match="kernel died"):
        run_notebook(job_workspace, "dying")
    assert newest(job_workspace).status == "failed"
    assert partial_files(job_workspace) == []


@pytest.mark.parametrize("seconds", [0.01, 4.0], ids=["at_the_start", "in_a_cell"])
def test_a_time_out_ends_the_kernel_within_seconds(
    job_workspace: Workspace, write_notebook: WriteNotebook, seconds: float
) -> None:
    write_notebook("endless", "import time\nwhile True: time.sleep(1)")
    begun = time.monotonic()
    with pytest.raises(RunTimedOut, match=f"longer than {seconds:g} s"):
        run_notebook(job_workspace, "endless", timeout_s=seconds)
    assert time.monotonic() - begun < seconds + 20
    assert kernels() == []
    assert newest(job_workspace).status == "timed out"
    assert partial_files(job_workspace) == []


def test_one_run_at_a_time_holds_a_workspace(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("second", "1 + 1")
    before = len(read_records(job_workspace.paths.runs))
    with (
        fair_lock(job_workspace.paths.data / "run-lock", timeout_s=5),
        pytest.raises(WorkspaceBusy, match="another notebook runs"),
    ):
        run_notebook(job_workspace, "second")
    assert len(read_records(job_workspace.paths.runs)) == before
    assert run_notebook(job_workspace, "second")[1]


@contextmanager
def started(home: Path, name: str) -> Iterator[psutil.Process]:
    """Run a notebook by the command line; give the process once its kernel is up."""
    dmp = str(Path(sys.executable).parent / "dmp")
    command = [dmp, "--home", str(home), "run", name]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        await_(lambda: (home / name).exists() or process.poll() is not None)
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=str
)
def test_an_interrupted_run_says_so(
    job_workspace: Workspace,
    write_notebook: WriteNotebook,
    number: signal.Signals,
    code: int,
) -> None:
    name = f"stopped_{number.name.lower()}"
    write_notebook(name, f"open('{name}', 'w').close()\nimport time\ntime.sleep(600)")
    with started(job_workspace.paths.home, name) as process:
        below = process.children(recursive=True)
        assert below
        process.send_signal(number)
        assert process.wait(WAIT_S) == code
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
    assert newest(job_workspace).status == "interrupted"
    assert partial_files(job_workspace) == []


def test_a_killed_run_is_closed_by_the_next_one(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook(
        "killed", "open('killed', 'w').close()\nimport time\ntime.sleep(600)"
    )
    write_notebook("next", "1 + 1")
    with started(job_workspace.paths.home, "killed") as process:
        below = process.children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)
    _, alive = psutil.wait_procs(below, timeout=15)
    assert alive == []
    killed = newest(job_workspace)
    assert (killed.notebook, killed.status) == ("killed", "running")
    run_notebook(job_workspace, "next")
    status = {r.run_id: r.status for r in read_records(job_workspace.paths.runs)}
    assert status[killed.run_id] == "interrupted"
    assert partial_files(job_workspace) == []


def test_a_notebook_is_found_with_or_without_number_and_ending(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    path = write_notebook("70_report", "1")
    for name in ("70_report", "70_report.ipynb", "report", "notebooks/70_report.ipynb"):
        assert find_notebook(job_workspace, name) == path
    with pytest.raises(UnknownName, match="did you mean 70_report"):
        find_notebook(job_workspace, "70_reprot")


@pytest.mark.parametrize(
    ("parameters", "given"),
    [("rows: int = 1", {"row": "1"}), ("rows: int = 1", {"rows": "x"}), (None, {})],
    ids=["unknown", "wrong_type", "no_tagged_cell"],
)
def test_with_wrong_parameters_no_kernel_starts(
    job_workspace: Workspace,
    write_notebook: WriteNotebook,
    parameters: str | None,
    given: dict[str, str],
) -> None:
    write_notebook("careful", "1", parameters=parameters)
    before = len(read_records(job_workspace.paths.runs))
    with pytest.raises(ConfigInvalid):
        run_notebook(job_workspace, "careful", given)
    assert len(read_records(job_workspace.paths.runs)) == before


def test_the_environment_is_as_before_afterwards(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("at_home", "import os\nprint(os.environ['DMP_HOME'])")
    record, _ = run_notebook(job_workspace, "at_home")
    copy = run_folder(job_workspace, record) / record.executed
    shown = nbformat.read(copy, as_version=4).cells[-1].outputs[0].text
    assert shown.strip() == str(job_workspace.paths.home)
    assert "DMP_HOME" not in os.environ
