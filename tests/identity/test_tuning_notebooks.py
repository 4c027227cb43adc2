"""The notebooks that evaluate and review, run as a scheduled job runs them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from sample_workspace import REPOSITORY, copy_workspace

from dmp.flows.review import WorkspaceReview
from dmp.flows.workspace import Workspace
from dmp.jobs.runner import run_notebook

pytestmark = pytest.mark.slow


@pytest.fixture
def home(resolved_sample: Workspace, tmp_path: Path) -> Path:
    folder = copy_workspace(resolved_sample.paths.home, tmp_path / "ws")
    shutil.copytree(REPOSITORY / "notebooks", folder / "notebooks")
    return folder


def texts(copy: Path) -> str:
    """Return what the executed copy printed; an error output fails the test."""
    found: list[Any] = [
        output
        for cell in nbformat.read(copy, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert [each for each in found if each.output_type == "error"] == []
    return "\n".join(each.get("text", "") for each in found)


@pytest.mark.parametrize(
    ("name", "told"),
    [("22_evaluate", "by truth: "), ("23_review", "0 labels in force")],
)
def test_it_runs_on_the_sample(home: Path, name: str, told: str) -> None:
    with Workspace(home) as workspace:
        snapshot = workspace.lake.snapshot()
        record, _ = run_notebook(workspace, name)
        assert (record.status, record.error) == ("done", "")
        assert record.seconds < 60
        assert workspace.lake.snapshot() == snapshot
        copy = home / "data" / "runs" / record.run_id / record.executed
    assert told in texts(copy)
    assert not [value for value in clear_values(home) if value in copy.read_text()]


def clear_values(home: Path) -> set[str]:
    """Return the values of the pair that a reviewer is shown first."""
    with Workspace(home) as workspace:
        review = WorkspaceReview(workspace)
        view = review.view(review.queue(1)[0].pair, clear=True)
    given = {value for each in view.fields for value in (each.left, each.right)}
    long_ones = {value for value in given if value and len(value) > 3}
    assert long_ones
    return long_ones
