from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace
from dmp.jobs.parameters import read_parameters
from dmp.jobs.runner import run_notebook

REPOSITORY = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
HEAVY = ("pandas", "sklearn", "splink", "duckdb", "altair", "papermill", "ipywidgets")
MOST_CELLS = MOST_LINES = 12

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[Any]:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def code(path: Path) -> list[str]:
    return [cell.source for cell in cells(path, "code")]


def test_there_are_notebooks() -> None:
    assert "00_quickstart" in {path.stem for path in NOTEBOOKS}


@each
def test_it_begins_with_what_it_is_for(path: Path) -> None:
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    title, paragraph, *_ = [line for line in first.source.splitlines() if line]
    assert title.startswith("# ")
    assert paragraph[0] not in "#*"
    assert "**Reads**" in first.source
    assert "**Writes**" in first.source or "writes" in first.source.lower()


@each
def test_its_second_cell_holds_the_parameters(path: Path) -> None:
    second = nbformat.read(path, as_version=4).cells[1]
    assert second.metadata.tags == ["parameters"]
    parameters = read_parameters(path)
    assert parameters
    assert all(parameter.help for parameter in parameters)


@each
def test_its_code_is_short_and_calls(path: Path) -> None:
    assert len(code(path)) <= MOST_CELLS
    for source in code(path):
        assert len(source.splitlines()) <= MOST_LINES
        tree = ast.parse(source)  # neither ! nor % parses
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not any(isinstance(node, defined) for node in ast.walk(tree))


@each
def test_it_names_no_place_of_a_machine(path: Path) -> None:
    texts = [
        node.value
        for source in code(path)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if text.startswith(("/", "~", "C:", "file:"))] == []
    assert "/home/" not in path.read_text()


@each
def test_it_is_kept_without_outputs(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert set(cell.metadata) <= {"tags"}
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec == {
        "display_name": metadata.kernelspec.display_name,
        "language": "python",
        "name": "python3",
    }
    assert metadata.kernelspec.display_name in {"Python 3", "Python 3 (ipykernel)"}
    assert set(metadata) <= {"kernelspec", "language_info"}


@each
def test_its_words_name_what_exists(path: Path) -> None:
    """Notebooks, configuration and commands that the prose names are there."""
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    named = {part for part in prose.split("`")[1::2]}
    stems = {one.stem for one in NOTEBOOKS}
    for name in named:
        if name[:2].isdigit() and "_" in name:
            assert name in stems
        if name.startswith("config/"):
            assert (REPOSITORY / name).exists(), name


@pytest.mark.slow
def test_the_quickstart_begins_with_nothing(
    tmp_path: Path, isolated_environment: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "ws"
    initialise(home)
    with Workspace(home) as workspace:
        record, is_new = run_notebook(workspace, "00_quickstart")
        assert is_new
        assert (record.status, record.error) == ("done", "")
        assert record.seconds < 60
        made = json.loads((home / "data" / "landing" / "manifest.json").read_text())
        assert made["people"] == 1000
        people = workspace.lake.value(
            "select count(*) from profile.profile where valid_to is null"
        )
        subjects = workspace.lake.value("select count(*) from identity.subject")
        assert 900 < people < subjects
        assert workspace.lake.value("select count(*) from activation.sync") == 0
        assert not (home / "data" / "exports").exists()
        copy = home / "data" / "runs" / record.run_id / record.executed
    outputs = [
        output
        for cell in cells(copy, "code")
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert outputs == []


def test_importing_dmp_loads_nothing_heavy_and_runs_nothing(tmp_path: Path) -> None:
    program = (
        "import json, logging, sys, threading, dmp; "
        "print(json.dumps([sorted(sys.modules), threading.active_count(), "
        "logging.getLogger().handlers]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"DMP_KEY_DIR": str(tmp_path / "keys"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    modules, threads, handlers = json.loads(done.stdout)
    loaded = {name.partition(".")[0] for name in modules}
    assert loaded & set(HEAVY) == set()
    assert [name for name in modules if name.startswith("dmp")] == ["dmp"]
    assert (threads, handlers, done.stderr) == (1, [], "")
    assert [*tmp_path.iterdir()] == []
