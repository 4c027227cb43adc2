"""The executed copy of a notebook, and what a killed run leaves of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import nbformat

from dmp.jobs.records import read_records, write_record
from dmp.privacy import mask

_SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex")
"""Forms of a shown value that are text; drawings (SVG, Vega) hold counts and labels."""


def partial_copy(folder: Path, stem: str) -> Path:
    """Return the name under which a copy lies while its notebook runs."""
    return folder / f"{stem}.partial.ipynb"


def publish(folder: Path, stem: str) -> None:
    """Give the copy of a run its lasting name; nothing happens where there is none.

    Paths of this machine are left out of its metadata; in its errors, printed text and
    shown values, tables among them, personal data is masked. A copy that was cut short
    while it was written is removed.
    """
    partial = partial_copy(folder, stem)
    if not partial.exists():
        return
    try:
        notebook = nbformat.read(partial, as_version=4)  # type: ignore[no-untyped-call]
    except ValueError:
        partial.unlink()
        return
    for name in ("input_path", "output_path"):
        notebook.metadata.get("papermill", {}).pop(name, None)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            _mask(output)
    nbformat.write(notebook, partial)  # type: ignore[no-untyped-call]
    os.replace(partial, folder / f"{stem}.ipynb")


def settle(runs: Path) -> None:
    """Close the records of runs that were killed; call it while none is running."""
    for record in read_records(runs):
        if record.status == "running":
            folder = runs / record.run_id
            publish(folder, record.notebook)
            ended = replace(record, status="interrupted", error="the run was killed")
            write_record(folder, ended)


def _mask(output: nbformat.NotebookNode) -> None:
    if output.output_type == "error":
        output.evalue = mask(output.evalue)
        output.traceback = [mask(line) for line in output.traceback]
    elif output.output_type == "stream":
        output.text = mask(output.text)
    else:
        for kind, value in output.data.items():
            if kind in _SHOWN and isinstance(value, str):
                output.data[kind] = mask(value)
