"""Match review and tuning in Chromium: by keyboard, masked, narrow, dark."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Visit, Visitor
from served_pages import FAKE, ROOT, Served, served, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAIR = ".dmp-review[data-pair='{}']"
TUNE = (
    "from test_tuning_panel import FakeTuning, TuningPanel, TuningState",
    "panel = TuningPanel(TuningState(FakeTuning()))",
    "panel.root",
)


def page_of(home: Path, name: str, *lines: str) -> None:
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(FAKE)!r}]\n"
    cells: list[dict[str, object]] = [
        {"cell_type": "markdown", "id": "t", "metadata": {}, "source": f"# {name}"}
    ]
    cells += [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{place}",
            "metadata": {},
            "outputs": [],
            "source": paths + line if place == 0 else line,
        }
        for place, line in enumerate(lines)
    ]
    write_notebook(home, name, cells)


def review_page(home: Path, name: str, source: str) -> None:
    page_of(
        home,
        name,
        "from fake_review import FakeReview\n"
        "from dmp.ui import ReviewState, show_review\n"
        "from dmp.ui.request import awaited_query",
        f"review = ReviewState({source}, awaited_query(), clear=True)",
        "show_review(review)",
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workspace")
    review_page(home, "review", "FakeReview()")
    review_page(home, "look", "FakeReview(roles='analyst', broken='waterfalls')")
    page_of(home, "tune", *TUNE)
    with served(home, preheat=0) as running:
        yield running


def shots() -> Path:
    """Return the folder for screenshots: `DMP_SHOTS`, or a throwaway one."""
    folder = Path(os.environ.get("DMP_SHOTS") or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def shows(window: Visit, pair: str) -> None:
    window.page.wait_for_selector(PAIR.format(pair))


def test_keys_alone_judge_take_back_and_mask(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/review")
    page = window.page
    shows(window, "101-102")
    page.wait_for_url("**/pages/review?pair=101-102")
    assert "<b onclick=alert(1)>Jo</b>" in window.text(".dmp-pair")
    page.wait_for_selector(".dmp-bits.dmp-for:text('+9.5')")
    page.wait_for_selector(".dmp-graph svg [data-subject='101']")
    page.screenshot(path=shots() / "review_light.png", full_page=True)
    assert window.axe() == []
    page.keyboard.press("m")
    shows(window, "103-104")
    page.keyboard.press("n")
    shows(window, "105-106")
    page.wait_for_selector("[data-mine='2']")
    page.keyboard.press("z")
    shows(window, "103-104")
    page.wait_for_selector("[data-mine='1']")
    page.keyboard.press("k")
    shows(window, "101-102")
    page.wait_for_selector("[data-act=match][aria-pressed=true]")
    page.keyboard.press("v")
    page.wait_for_selector(".dmp-pair td:text('\N{BLACK CIRCLE}')")
    assert "Jo" not in window.text(".dmp-pair")
    page.keyboard.press("ArrowRight")
    shows(window, "103-104")
    for _ in range(2):
        page.keyboard.press("u")
    page.wait_for_selector(".dmp-message:has-text('is judged or decided')")


def test_what_is_typed_as_a_reason_is_no_verdict(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/review?pair=103-104")
    page = window.page
    shows(window, "103-104")
    page.wait_for_selector(".dmp-graph svg")
    page.locator("[data-subject='103']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-subject='103'][aria-checked=true]:focus")
    page.locator(".dmp-decide input").press_sequentially("mum and nun")
    page.get_by_role("button", name="Split off 1 record").click()
    page.wait_for_selector("[data-decision]:has-text('mum and nun')")
    assert window.text("[data-mine]") == "0"
    page.get_by_role("button", name="Apply 1 now").click()
    page.wait_for_selector(".dmp-toast:text('9 people now')")
    shows(window, "103-104")


def test_a_link_opens_the_pair_in_the_dark(visit: Visitor) -> None:
    window = visit(color_scheme="dark")
    window.open("/pages/review?pair=105-106")
    shows(window, "105-106")
    page = window.page
    page.wait_for_selector(".dmp-graph svg")
    for card in ("How the score comes about", "The profiles around it"):
        box = page.locator(f".dmp-card:has(h2:text('{card}'))")
        box.get_by_role("button", name="Show table").press("Enter")
        assert box.locator("tbody tr").count() >= 3
        box.get_by_role("button", name="Show chart").press("Enter")
    page.screenshot(path=shots() / "review_dark.png", full_page=True)
    assert window.axe() == []


def test_who_may_only_look_is_told_on_a_narrow_screen(visit: Visitor) -> None:
    window = visit(viewport={"width": 400, "height": 800})
    window.open("/pages/look")
    page = window.page
    shows(window, "101-102")
    page.wait_for_selector(".dmp-message[data-kind=failed]:has-text('Reference E-')")
    assert "Jo" not in window.text(".dmp-pair")
    assert "need the role matcher" in window.text(".dmp-seen")
    assert page.locator(".dmp-verdict:not([disabled])").count() == 0
    page.keyboard.press("m")
    page.keyboard.press("j")
    shows(window, "103-104")
    assert window.text("[data-mine]") == "0"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    page.screenshot(path=shots() / "review_narrow.png", full_page=True)


def test_a_weight_is_moved_by_keys_simulated_and_saved(visit: Visitor) -> None:
    window = visit()
    page = window.page
    token = f"token={window.server.token}"
    page.goto(f"{window.server.origin}/pages/tune?{token}", wait_until="commit")
    slider = page.locator("[data-place='email/exact']")
    slider.focus()
    page.keyboard.press("PageDown")
    page.wait_for_selector(".dmp-moved small:text('was +9.0')")
    page.wait_for_selector("[data-place='email/exact']:focus")
    assert "3 of 1,000 scored pairs" in window.text("[data-effect=Pairs]")
    page.click("[data-act=simulate]")
    page.wait_for_selector("[data-effect=People] td:text('loyal')")
    page.screenshot(path=shots() / "tuning.png", full_page=True)
    assert window.axe() == []
    save = page.locator("[data-act=save]")
    assert save.is_disabled()
    page.locator(".dmp-effect input").press_sequentially("shared e-mails")
    save.click()
    page.wait_for_selector(".dmp-toast:text('people-2 is the current model')")
