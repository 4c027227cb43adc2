from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import Visit, Visitor
from served_pages import Served, served, write_page

pytestmark = pytest.mark.browser

GUEST = (
    "FakeSource(viewer=Viewer('Mo', ('marketer',), exact_counts=False), "
    "refused=('examples', 'download', 'export'), broken=('trend',))"
)
FUNNEL = ".dmp-main > .dmp:has(h2:text('From members to accepted'))"
MAKEUP = ".dmp-joined"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workspace")
    write_page(home, "explorer", "FakeSource()")
    write_page(home, "guest", GUEST, "As a guest")
    with served(home, preheat=1) as running:
        yield running


def test_a_viewer_explores_a_segment(visit: Visitor, tmp_path: Path) -> None:
    window = visit()
    window.open("/")
    page = window.page
    page.wait_for_url("**/pages/explorer?segment=pricing_intent&by=country")
    page.wait_for_selector(".dmp-rows table")
    page.screenshot(path=shots() / "explorer_light.png", full_page=True)
    before = window.text(FUNNEL), window.text(MAKEUP)
    page.keyboard.press("Tab")
    page.click("[data-segment=lapsed_buyers]")
    page.wait_for_selector("[data-members]:text('12,077')")
    page.wait_for_function("document.title.startsWith('Lapsed buyers')")
    page.wait_for_selector(f"{FUNNEL} svg text:has-text('12,077')")
    assert window.text(FUNNEL) != before[0]
    page.select_option(".dmp-joined select", label="Age band")
    page.wait_for_selector(f"{MAKEUP} svg text:has-text('25 to 34')")
    assert window.text(MAKEUP) != before[1]
    page.wait_for_url("**?segment=lapsed_buyers&by=age_band")
    page.wait_for_selector(".dmp-rows table")
    check_tables(window)
    check_markup(window)
    check_download(window, tmp_path)
    check_link(window, visit)
    page.go_back()
    page.wait_for_selector("[data-members]:text('8,412')")


def check_tables(window: Visit) -> None:
    """Every chart has a title and a table behind a button that keys can press."""
    page = window.page
    charts = page.locator(".dmp-card-body > svg[role=img]")
    charts.nth(3).wait_for()
    assert charts.count() == 4
    for index in range(4):
        assert charts.nth(index).locator("> title").text_content()
    button = page.locator(FUNNEL).get_by_role("button", name="Show table")
    button.focus()
    page.keyboard.press("Enter")
    assert "Lost on the way" in window.text(f"{FUNNEL} table")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{FUNNEL} svg")


def check_markup(window: Visit) -> None:
    """Names of segments are text, whatever they hold."""
    assert "Beta testers <b>2026</b>" in window.text("[data-segment=beta_testers]")


def check_download(window: Visit, folder: Path) -> None:
    with window.page.expect_download() as started:
        window.page.click("[data-format=csv]")
    file = folder / "segment.csv"
    started.value.save_as(file)
    assert started.value.suggested_filename == "lapsed_buyers.csv"
    assert file.read_bytes().startswith(b"country,orders\n")
    window.page.wait_for_selector(".dmp-toast:text('lapsed_buyers.csv')")


def check_link(window: Visit, visit: Visitor) -> None:
    parts = urlsplit(window.page.url)
    other = visit(color_scheme="dark")
    other.open(f"{parts.path}?{parts.query}")
    other.page.wait_for_selector("[data-members]:text('12,077')")
    other.page.wait_for_selector(f"{MAKEUP} svg text:has-text('25 to 34')")
    other.page.wait_for_url(window.page.url)
    other.page.screenshot(path=shots() / "explorer_dark.png", full_page=True)


def test_keys_alone_choose_and_send(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/explorer")
    page = window.page
    page.focus("[data-segment=pricing_intent]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-members]:text('3,956')")
    page.wait_for_selector("[data-segment=loyal_locals]:focus")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.get_by_role("button", name="Dry run").press("Enter")
    page.wait_for_selector(".dmp-outcome[data-dry]")
    page.get_by_role("button", name="Send…").press("Enter")
    page.get_by_role("button", name="Send “Loyal").press("Enter")
    page.wait_for_selector(".dmp-outcome:not([data-dry]) table")
    page.wait_for_selector(f"{FUNNEL} svg text:has-text('Sent')")


def test_a_viewer_without_rights_is_told(visit: Visitor) -> None:
    window = visit(viewport={"width": 400, "height": 800})
    window.open("/pages/guest?segment=beta_testers")
    page = window.page
    assert window.text("[data-members]") == "< 50"
    refusal = ".dmp-message[data-kind=refused]"
    assert "ask somebody with the role analyst" in window.text(refusal)
    assert "Reference E-" in window.text(".dmp-message[data-kind=failed]")
    page.click("[data-format=csv]")
    page.wait_for_selector(f".dmp-banner {refusal}:has-text('download')")
    page.get_by_role("button", name="Dry run").click()
    page.wait_for_selector(f".dmp-take {refusal}:has-text('export')")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    page.screenshot(path=shots() / "explorer_narrow.png", full_page=True)


def test_numbers_and_instants_are_those_of_the_viewer(visit: Visitor) -> None:
    window = visit(locale="de-DE", timezone_id="Asia/Tokyo")
    window.open("/pages/explorer?segment=lapsed_buyers")
    window.page.wait_for_selector("[data-members]:text('12.077')")
    facts = window.text(".dmp-facts")
    assert "30.06.2026, 09:00" in facts and "30.06.2026, 11:14" in facts
    window.page.wait_for_selector(".dmp-rows table")
    assert "19,5\N{NBSP}%" in window.text(".dmp-figure")


def test_a_segment_is_talked_over_and_archived(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/explorer?segment=lapsed_buyers")
    page = window.page
    assert page.locator(".dmp-shelf h3").all_text_contents() == ["product"]
    page.wait_for_selector(".dmp-standing:has-text('may not leave')")
    page.get_by_label("Comment", exact=True).fill("Fewer than in May <b>why</b>?")
    page.get_by_role("button", name="Comment").click()
    page.wait_for_selector(".dmp-remarks blockquote:has-text('<b>why</b>')")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_selector("[data-approved]:has-text('Approved by you')")
    assert window.axe() == []
    page.screenshot(path=shots() / "explorer_discussion.png", full_page=True)
    page.get_by_role("button", name="Archive").click()
    page.wait_for_selector(".dmp-head .dmp-tags:has-text('Archived')")
    page.click("[data-segment=pricing_intent]")
    page.wait_for_selector("[data-segment=lapsed_buyers]", state="detached")
    page.get_by_label("Show 1 archived").check()
    page.click("[data-segment=lapsed_buyers]")
    page.get_by_role("button", name="Bring back from the archive").click()
    page.wait_for_selector("text=Show 1 archived", state="hidden")


def test_a_closed_page_ends_its_kernel(visit: Visitor, server: Served) -> None:
    window = visit()
    window.open("/pages/explorer")
    kernel = f"{server.origin}/api/kernels/{window.kernel()}"
    keeper = window.context.new_page()
    assert keeper.request.get(kernel).status == 200
    window.page.close(run_before_unload=True)
    deadline = time.monotonic() + 10
    while keeper.request.get(kernel).status != 404:
        assert time.monotonic() < deadline, "the kernel lives on"
        time.sleep(0.1)


def shots() -> Path:
    """Return the folder for screenshots: `DMP_SHOTS`, or a throwaway one."""
    folder = Path(os.environ.get("DMP_SHOTS") or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    return folder
