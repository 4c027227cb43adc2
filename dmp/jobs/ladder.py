"""The start page of JupyterLab: the notebooks of a workspace, each by one click."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from dmp.flows.workspace import Workspace
from dmp.jobs.records import read_records
from dmp.privacy import Permission

START = Path("data") / "START.md"
SETTINGS = Path("data") / "lab"
"""The folder of JupyterLab's settings for the workspace; a user's own ones win."""
_FIRST = "00_quickstart"
_OVERRIDES = {
    "@jupyterlab/docmanager-extension:plugin": {
        "defaultViewers": {"markdown": "Markdown Preview"}
    },
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
}


@dataclass(frozen=True)
class Rung:
    """One notebook.

    Attributes:
        path: relative to the workspace.
        text: its first paragraph.
        last: how its last run as a job ended, and when; empty where none did.
    """

    path: Path
    title: str
    text: str
    last: str = ""


def ladder(workspace: Workspace) -> list[Rung]:
    """Return the notebooks in the order in which they are climbed.

    The quickstart is first, then what `notebooks/tutorials` teaches, then the rest by
    number. A notebook without a title is passed over.

    Raises:
        NotAllowed: the caller may not run notebooks.
    """
    workspace.allow(Permission.RUN_NOTEBOOK)
    folder = workspace.paths.notebooks
    runs = {r.notebook: r for r in reversed(read_records(workspace.paths.runs))}
    numbered = sorted(folder.glob("*.ipynb"))
    first = [path for path in numbered if path.stem == _FIRST]
    rest = [path for path in numbered if path.stem != _FIRST]
    found = []
    for path in [*first, *sorted((folder / "tutorials").glob("*.ipynb")), *rest]:
        title, text = _beginning(path)
        run = runs.get(path.stem)
        last = f"{run.status} {run.started_at[:10]}" if run else ""
        if title:
            place = path.relative_to(workspace.paths.home)
            found.append(Rung(place, title, text, last))
    return found


def write_start_page(workspace: Workspace) -> Path:
    """Write the start page anew; return its place, relative to the workspace.

    Beside it JupyterLab is told to show pages rather than their text, and to ask
    nobody for news.

    Raises:
        NotAllowed: the caller may not run notebooks.
    """
    page = workspace.paths.home / START
    page.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    page.write_text("\n".join(_lines(ladder(workspace))) + "\n", "utf-8")
    settings = workspace.paths.home / SETTINGS
    settings.mkdir(mode=0o700, exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps(_OVERRIDES, indent=1))
    return START


def _lines(rungs: Sequence[Rung]) -> Iterator[str]:
    yield "# Start here"
    yield ""
    yield (
        "Each notebook runs from top to bottom on its own, says first what it reads "
        "and writes, and ends with what to try next. Climb from the top, or jump."
    )
    for number, rung in enumerate(rungs, start=1):
        last = f" *({rung.last})*" if rung.last else ""
        yield ""
        yield f"**{number}. [{rung.title}](../{rung.path.as_posix()})**{last}  "
        yield rung.text
    yield ""
    yield (
        "The numbered ones run as jobs, too: `dmp run NAME`. This page is written anew "
        "each time `dmp lab` starts."
    )


def _beginning(path: Path) -> tuple[str, str]:
    """Return the title and first paragraph; empty where there is none."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    cells = notebook.cells
    if not cells or cells[0].cell_type != "markdown":
        return "", ""
    lines = [line.strip() for line in cells[0].source.splitlines() if line.strip()]
    if not lines or not lines[0].startswith("# "):
        return "", ""
    return lines[0][2:], lines[1] if len(lines) > 1 else ""
