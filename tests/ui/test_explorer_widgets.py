from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_source import LAPSED, PRICING, FakeSource

from dmp.ui import widgets
from dmp.ui.explorer import ExplorerState
from dmp.ui.explorer_page import ExplorerPage, show_explorer
from dmp.ui.widgets.part import Part

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "altair", "sklearn", "splink", "pyarrow", "numpy", "voila")


@pytest.fixture
def page() -> ExplorerPage:
    made = ExplorerPage(ExplorerState(FakeSource()))
    made.begin()
    return made


def test_the_page_shows_the_first_segment(page: ExplorerPage) -> None:
    assert page.headline.content["members"] == "8,412"
    assert page.list.content["selected"] == PRICING
    assert page.funnel.content["state"] == "ready"
    assert page.address.content["query"] == f"segment={PRICING}&by=country"


def test_without_a_loop_the_page_is_read_at_once(source: FakeSource) -> None:
    show_explorer(ExplorerState(source))
    assert "funnel" in source.calls


def test_a_click_on_a_segment_redraws(page: ExplorerPage) -> None:
    before = page.funnel.content, page.makeup.content
    page.list._handle_custom_msg({"kind": "choose", "segment": LAPSED}, [])
    assert page.headline.content["members"] == "12,077"
    assert page.funnel.content != before[0] and page.makeup.content != before[1]


def test_the_attribute_menu_changes_the_make_up(page: ExplorerPage) -> None:
    page.attribute.value = "age_band"
    assert page.makeup.content["columns"][0] == "Age band"


def test_turning_shows_the_next_rows(page: ExplorerPage) -> None:
    page.examples._handle_custom_msg({"kind": "turn", "page": 1}, [])
    assert page.examples.content["first"] == 11


def test_a_send_asks_first(page: ExplorerPage) -> None:
    card = page.export
    card.ask.click()
    assert "dmp-away" not in card.question._dom_classes
    assert "Ads" in card.confirm.description
    card.confirm.click()
    assert card.outcome.content["files"][0]["rows"] == "4,374"
    assert "dmp-away" in card.question._dom_classes


def test_a_download_goes_to_the_browser_as_bytes(
    page: ExplorerPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, bytes]] = []
    monkeypatch.setattr(page.export.download, "deliver", lambda *a: sent.append(a))
    page.export.download._handle_custom_msg({"kind": "fetch", "format": "csv"}, [])
    assert sent[0][0] == f"{PRICING}.csv" and sent[0][1].startswith(b"country")
    assert page.notice.content["state"] == "news"


def test_a_broken_callback_becomes_a_banner(page: ExplorerPage) -> None:
    page.examples._handle_custom_msg({"kind": "turn", "page": "x"}, [])
    assert page.notice.content["state"] == "failed"
    assert page.notice.content["reference"].startswith("E-")
    page.notice._handle_custom_msg({"kind": "dismiss"}, [])
    assert page.notice.content == {"state": "none"}


def test_without_segments_only_the_explanation_is_left(
    opened: Callable[..., ExplorerState],
) -> None:
    page = ExplorerPage(ExplorerState(FakeSource(segments=[])))
    page.begin()
    assert "dmp-away" in page.funnel._dom_classes
    assert page.headline.content["title"] == "No segments yet"


@pytest.mark.parametrize("name", widgets.__all__)
def test_a_widget_carries_its_module_and_tokens(name: str) -> None:
    part: Part = getattr(widgets, name)()
    assert "export default" in part._esm and "--dmp-accent" in part._css
    assert "innerHTML" not in part._esm and "http" not in part._esm.replace(
        "http://www.w3.org/2000/svg", ""
    )
    assert "@import" not in part._css


@pytest.mark.parametrize("page", ["explorer", "builder", "home", "jobs"])
def test_a_page_imports_nothing_heavy(page: str) -> None:
    code = (
        "import sys, dmp.flows.explore;"
        f"from dmp.ui import open_{page}, show_{page};"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_the_dashboard_is_three_cells_without_outputs() -> None:
    path = ROOT / "dashboards" / "segment_explorer.ipynb"
    notebook = json.loads(path.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) == 3 and notebook["cells"][0]["cell_type"] == "markdown"
    assert all(not c["outputs"] and c["execution_count"] is None for c in code)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
