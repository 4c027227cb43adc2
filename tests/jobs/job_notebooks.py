"""Small notebooks to run as jobs, and the kernels that they run in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

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
