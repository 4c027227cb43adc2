"""A rule tried by the same widget on a page and in JupyterLab."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from browser import Visit, Visitor
from served_pages import FAKE, ROOT, Served, served, write_notebook
from test_explorer_in_browser import shots

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CODE = (
    f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(FAKE)!r}]\n"
    "from rule_sources import FakeRules\n"
    "from dmp.ui.rule_trial import TrialPanel\n"
    "TrialPanel(FakeRules()).trial"
)
FIELD = ".dmp-trial textarea"


def write_trial(folder: Path) -> None:
    cell: dict[str, object] = {"cell_type": "code", "id": "c", "source": CODE}
    more = {"execution_count": None, "metadata": {}, "outputs": []}
    write_notebook(folder, "trial", [cell | more])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workspace")
    write_trial(home)
    with served(home, preheat=0) as running:
        yield running


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Served]:
    """Return a JupyterLab of its own configuration over a folder with the notebook."""
    write_trial(tmp_path)
    places = {
        name: str(tmp_path / name.lower())
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
        )
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0",
         f"--notebook-dir={tmp_path}"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, **places},
    )  # fmt: skip
    assert started.stderr
    try:
        address = next(
            found
            for line in started.stderr
            if (found := re.search(r"(http://127.0.0.1:\d+)/lab\?token=(\w+)", line))
        )
        yield Served(address[1], address[2], psutil.Process(started.pid))
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.communicate(timeout=60)


def try_rules(window: Visit) -> None:
    """Try a rule with a fault, then one without, by keyboard and by button."""
    page = window.page
    page.locator(FIELD).fill("{attribute: country, op: nearly, value: GB}")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".dmp-trial-faults:has-text('op')")
    page.locator(FIELD).fill("{attribute: country, op: eq, value: GB}")
    page.locator(".dmp-trial").get_by_role("button", name="Try").click()
    page.wait_for_selector(".dmp-trial [data-size]:text('30,000')")
    assert "country is GB" in window.text(".dmp-trial .dmp-sentence")
    assert page.locator(".dmp-trial tbody tr").count() == 5


def test_a_rule_is_tried_on_a_page(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/trial", FIELD)
    try_rules(window)
    assert window.axe() == []
    window.page.screenshot(path=shots() / "trial_page.png")


def test_a_rule_is_tried_in_jupyterlab(visit: Visitor, lab: Served) -> None:
    window = visit(server=lab)
    window.open("/lab/tree/dashboards/trial.ipynb", ".jp-Notebook .jp-Cell")
    page = window.page
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=60_000)
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(FIELD, timeout=60_000)
    try_rules(window)
    page.locator(".dmp-trial").screenshot(path=shots() / "trial_lab.png")
    page.close()  # before its server ends
