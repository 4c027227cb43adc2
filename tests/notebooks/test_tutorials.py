"""Tutorials: their kept outputs are what the code gives today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from dmp.flows.initialise import initialise
from dmp.jobs.parameters import read_parameters

REPOSITORY = Path(__file__).parent.parent.parent
TUTORIALS = sorted((REPOSITORY / "notebooks" / "tutorials").glob("*.ipynb"))
SANITISER = Path(__file__).parent / "sanitise.cfg"
FEWEST_OUTPUTS = 3

each = pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)


def test_there_are_tutorials() -> None:
    assert TUTORIALS


@each
def test_it_keeps_outputs_and_nothing_of_the_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert len(outputs) >= FEWEST_OUTPUTS
    assert {one.output_type for one in outputs} <= {"stream", "execute_result"}
    assert all(one.get("name", "stdout") == "stdout" for one in outputs)
    assert set(notebook.metadata) == {"kernelspec"}
    assert [cell.metadata for cell in code if set(cell.metadata) - {"tags"}] == []
    text = json.dumps(notebook)
    assert str(Path.home()) + "/" not in text
    assert "/tmp/" not in text


@each
def test_it_teaches(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source
    assert first.startswith("# ") and "**Reads**" in first and "**Writes**" in first
    assert "What to try next" in notebook.cells[-2].source
    assert all(parameter.help for parameter in read_parameters(path))


@pytest.mark.slow
@each
def test_its_outputs_are_those_of_today(
    path: Path, tmp_path: Path, isolated_environment: pytest.MonkeyPatch
) -> None:
    home = initialise(tmp_path / "ws").home
    options = ["--nbval", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    options += ["--rootdir", str(REPOSITORY), "--nbval-sanitize-with", str(SANITISER)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(path)],
        cwd=tmp_path,
        env={**os.environ, "DMP_HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
    cells = nbformat.read(path, as_version=4).cells
    code = sum(cell.cell_type == "code" for cell in cells)
    assert f"{code} passed" in run.stdout
