"""The start page of JupyterLab."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
from job_notebooks import WriteNotebook
from nbformat.v4 import new_markdown_cell, new_notebook

from dmp.flows.workspace import Workspace
from dmp.jobs.ladder import SETTINGS, ladder, write_start_page

REPOSITORY = Path(__file__).parent.parent.parent


def titled(path: Path, source: str) -> None:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=[new_markdown_cell(source)]), path)


def test_the_quickstart_is_first_then_tutorials_then_the_rest(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    folder = job_workspace.paths.notebooks
    titled(folder / "10_later.ipynb", "# Later\nWhat comes later.\n\nMore.")
    titled(folder / "00_quickstart.ipynb", "# Quick\nAt once.")
    titled(folder / "tutorials" / "01_first.ipynb", "# First\nTo learn.")
    titled(folder / "05_untitled.ipynb", "no title")
    known = [(one.title, one.text) for one in ladder(job_workspace)]
    assert [one for one in known if one[0] != "A job"] == [
        ("Quick", "At once."),
        ("First", "To learn."),
        ("Later", "What comes later."),
    ]


def test_every_link_of_the_start_page_leads_to_a_notebook(
    job_workspace: Workspace,
) -> None:
    titled(job_workspace.paths.notebooks / "10_later.ipynb", "# Later\nLater.")
    home = job_workspace.paths.home
    page = home / write_start_page(job_workspace)
    links = re.findall(r"\]\(([^)]+)\)", page.read_text())
    assert links
    assert all((page.parent / link).resolve().is_file() for link in links)
    settings = json.loads((home / SETTINGS / "overrides.json").read_text())
    viewers = settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert viewers == {"markdown": "Markdown Preview"}
