from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dmp.flows.workspace import Workspace

REPOSITORY = Path(__file__).parent.parent.parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
WriteNotebook = Callable[..., Path]


def notebook(*cells: str, parameters: str | None = "") -> nbformat.NotebookNode:
    """Return a notebook of code cells, the first of them tagged `parameters`."""
    code = [new_code_cell(source) for source in cells]
    if parameters is not None:
        code.insert(0, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    kernel = {"kernelspec": KERNEL}
    return new_notebook(cells=[new_markdown_cell("# A job"), *code], metadata=kernel)


def kernels() -> list[psutil.Process]:
    """Return the kernels below this process that still run."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            is_kernel = any("ipykernel" in part for part in process.cmdline())
            if is_kernel and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.fixture
def write_notebook(home: Path) -> WriteNotebook:
    """Write a notebook into the workspace: `write(name, *cells, parameters=...)`."""

    def write(name: str, *cells: str, parameters: str | None = "") -> Path:
        path = home / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook(*cells, parameters=parameters), path)
        return path

    return write


@pytest.fixture(scope="session")
def empty_workspace(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    """A workspace with a lake and nothing in it, to be copied."""
    home = tmp_path_factory.mktemp("empty")
    shutil.copytree(REPOSITORY / "config", home / "config")
    with Workspace(home) as workspace:
        assert workspace.lake.snapshot() >= 0
    return home


@pytest.fixture(autouse=True)
def no_kernel_is_left() -> Iterator[None]:
    """Whatever a run came to, no kernel outlives it."""
    yield
    assert kernels() == []
