"""A run that really failed is looked at on the page of jobs, and run again there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from browser import Visitor
from served_pages import ROOT, Served, served
from test_explorer_in_browser import shots

from dmp.flows.workspace import Workspace
from dmp.jobs.records import read_records
from dmp.jobs.runner import RunFailed, run_notebook

sys.path.append(str(ROOT / "tests" / "jobs"))
from job_notebooks import notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("lake") / "workspace"
    for part in ("config", "dashboards"):
        shutil.copytree(ROOT / part, home / part)
    (home / "notebooks").mkdir()
    job = notebook("from pathlib import Path", "assert Path('mended').exists(), 'no'")
    nbformat.write(job, home / "notebooks" / "flaky.ipynb")
    with Workspace(home) as workspace, pytest.raises(RunFailed):
        run_notebook(workspace, "flaky")
    return home


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Served]:
    with served(home, preheat=0) as running:
        yield running


def test_a_failed_run_is_run_again_from_the_page(visit: Visitor, home: Path) -> None:
    window = visit()
    window.open("/pages/jobs", ".dmp-jobs [data-run]")
    page = window.page
    page.click("[data-run]")
    page.wait_for_selector(
        ".dmp-cell[data-failed] .dmp-error:has-text('AssertionError')"
    )
    assert window.axe() == []
    page.screenshot(path=shots() / "jobs_failed.png", full_page=True)
    (home / "mended").touch()
    page.get_by_role("button", name="Run Flaky again").click()
    page.wait_for_selector("[role=status]:has-text('under way')")
    page.wait_for_selector(".dmp-status:has-text('done')", timeout=60_000)
    page.screenshot(path=shots() / "jobs_again.png", full_page=True)
    again, first = read_records(home / "data" / "runs")
    assert (first.status, again.status) == ("failed", "done")
    assert (again.retry_of, again.attempt) == (first.run_id, 2)


def test_the_checks_run_from_the_page(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/jobs", ".dmp-jobs [data-key=check]")
    page = window.page
    page.click("[data-key=check]")
    page.wait_for_selector(".dmp-check", timeout=60_000)
    page.click(".dmp-check[data-check='Duplicates'] summary")
    page.wait_for_selector(".dmp-check[open] td:has-text('core.event')")
    assert window.axe() == []
    page.screenshot(path=shots() / "jobs_checked.png", full_page=True)
