from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from job_notebooks import WriteNotebook, kernels, notebook

from dmp.flows.workspace import Workspace

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def job_home(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    """A workspace with a lake and nothing in it, for the runs of one module."""
    home = tmp_path_factory.mktemp("jobs")
    shutil.copytree(REPOSITORY / "config", home / "config")
    (home / "notebooks").mkdir()
    with Workspace(home) as workspace:
        assert workspace.lake.snapshot() > 0
    return home


@pytest.fixture
def job_workspace(job_home: Path) -> Iterator[Workspace]:
    with Workspace(job_home) as workspace:
        yield workspace


@pytest.fixture
def write_notebook(job_home: Path) -> WriteNotebook:
    """Write a notebook into the workspace: `write(name, *cells, parameters=...)`."""

    def write(name: str, *cells: str, parameters: str | None = "") -> Path:
        path = job_home / "notebooks" / f"{name}.ipynb"
        nbformat.write(notebook(*cells, parameters=parameters), path)
        return path

    return write


@pytest.fixture(autouse=True)
def no_kernel_is_left() -> Iterator[None]:
    """Whatever a run came to, no kernel outlives it."""
    yield
    assert kernels() == []
