"""The rule builder in a real browser: clicking, keys, refusals, hostile values."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import Visit, Visitor
from served_pages import FAKE, ROOT, Served, served, write_notebook
from test_explorer_in_browser import shots

from dmp.ui.drafts import packed

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=window.evil=1>"
READY = ".dmp-rule .dmp-add"
FIRST = ".dmp-root > header + .dmp-gate + .dmp-leaf"


def write_builder(home: Path, name: str, source: str) -> None:
    cells = [
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(FAKE)!r}]\n"
        "from rule_sources import FakeRules\n"
        "from dmp.ui import BuilderState, show_builder\n"
        "from dmp.ui.request import awaited_query",
        f"builder = BuilderState({source}, awaited_query())",
        "show_builder(builder)",
    ]
    write_notebook(home, name, [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {},
         "outputs": [], "source": text}
        for i, text in enumerate(cells)
    ])  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workspace")
    write_builder(home, "builder", "FakeRules()")
    write_builder(home, "slow", "FakeRules(wait_s=1)")
    write_builder(home, "guest", "FakeRules(refused=('save',))")
    with served(home, preheat=0) as running:
        yield running


def size(window: Visit, text: str) -> None:
    window.page.wait_for_selector(f"[data-size]:not(.dmp-dim):text('{text}')")


def test_a_rule_is_built_by_clicking_and_its_link_opens_it(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/builder", READY)
    page = window.page
    page.fill(".dmp-title", "British regulars")
    page.get_by_role("button", name="Add the first condition").click()
    page.click("[data-kind=attribute]")
    page.select_option("select[aria-label=Attribute]", "country")
    page.get_by_role("combobox", name="Value").click()
    page.locator("[role=option]", has_text="GB").click()
    size(window, "30,000")
    assert "country is GB" in window.text(".dmp-sentence")
    page.locator(".dmp-root > .dmp-adder").get_by_text("Add condition").click()
    page.click(".dmp-menu:visible [data-kind=did]")
    page.get_by_role("combobox", name="Event").click()
    page.locator("[role=option]", has_text="order placed").click()
    page.get_by_label("When").select_option("rolling")
    size(window, "20,000")
    page.wait_for_selector(".dmp-leaf .dmp-count:has-text('4,000 people')")
    page.wait_for_url("**draft=**")
    assert window.axe() == []
    page.screenshot(path=shots() / "builder_light.png", full_page=True)
    other = visit(color_scheme="dark", viewport={"width": 400, "height": 900})
    other.open(page.url.removeprefix(window.server.origin), READY)
    size(other, "20,000")
    assert other.axe() == []
    wide = other.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    other.page.screenshot(path=shots() / "builder_narrow_dark.png", full_page=True)


def test_keys_alone_move_undo_and_write_yaml(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/builder?segment=lapsed_buyers", READY)
    page = window.page
    size(window, "20,000")
    kinds = page.locator(".dmp-root > .dmp-leaf .dmp-kind")
    assert kinds.all_text_contents() == ["Event", "Attribute"]
    page.locator(".dmp-root > .dmp-leaf").first.focus()
    page.keyboard.press("Alt+ArrowDown")
    page.wait_for_selector(f"{FIRST}[aria-label=Attribute]")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+z")
    page.wait_for_selector(f"{FIRST}[aria-label=Event]")
    page.click("summary:has-text('YAML')")
    yaml = page.locator(".dmp-yaml")
    yaml.fill(yaml.input_value().replace("op: in", "op: nearly"))
    yaml.press("Control+Enter")
    page.wait_for_selector(".dmp-faults:has-text('op')")
    yaml.fill("segment: lapsed_buyers\nrule: {sample: {percent: 5, salt: a}}\n")
    yaml.press("Control+Enter")
    page.wait_for_selector(".dmp-leaf[aria-label=Sample]")


def type_minimum(page: Any, text: str) -> None:
    """Type how often it has to have happened, and leave the field as it is."""
    page.locator(".dmp-leaf[aria-label=Event] input[inputmode=decimal]").first.fill(
        text
    )


def test_an_answer_under_a_pressed_button_loses_no_click(visit: Visitor) -> None:
    window = visit()
    sockets: list[Any] = []
    window.page.on("websocket", lambda socket: sockets.append(socket))
    window.open("/pages/builder?segment=lapsed_buyers", READY)
    page = window.page
    size(window, "20,000")
    type_minimum(page, "2741")
    page.locator(".dmp-root > .dmp-adder > .dmp-add").first.hover()
    page.mouse.down()
    sockets[-1].wait_for_event(
        "framereceived", lambda frame: "at least 2741 times" in str(frame)
    )
    assert "2741" not in window.text(".dmp-sentence")
    page.mouse.up()
    page.wait_for_selector(".dmp-sentence:has-text('2741')")
    page.click(".dmp-menu:visible [data-kind=attribute]")
    page.wait_for_selector(".dmp-root > .dmp-leaf >> nth=2")


def test_a_late_answer_leaves_menu_and_list_open(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/slow?segment=lapsed_buyers", READY)
    page = window.page
    type_minimum(page, "2741")
    page.locator(".dmp-root > .dmp-adder > .dmp-add").first.click()
    page.keyboard.press("ArrowDown")
    marked = page.locator(".dmp-menu button:focus").get_attribute("data-kind")
    assert "2741" not in window.text(".dmp-sentence")
    page.wait_for_selector(".dmp-sentence:has-text('2741')")
    assert (
        page.locator(".dmp-menu:visible button:focus").get_attribute("data-kind")
        == marked
    )
    page.keyboard.press("Escape")
    type_minimum(page, "2742")
    page.get_by_role("combobox", name="Value").click()
    page.keyboard.type("F")
    page.wait_for_selector(".dmp-sentence:has-text('2742')")
    page.locator("[role=option]:visible", has_text="FR").click()
    page.wait_for_selector(".dmp-chip:has-text('FR')")


def value_and_focus(page: Any) -> Any:
    """Return the value of the list that has the focus, and whether it is open."""
    return page.evaluate(
        "() => { const now = document.activeElement; return now.matches('select')"
        " && [now.value, now.matches(':open')]; }"
    )


def test_late_answers_keep_what_keys_choose_in_a_list(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/slow?segment=lapsed_buyers", READY)
    page = window.page
    size(window, "20,000")
    choice = page.locator(".dmp-leaf[aria-label=Attribute] select").nth(1)
    values = choice.evaluate("list => [...list.options].map((one) => one.value)")
    before = window.text(".dmp-sentence")
    choice.focus()
    chosen = values[values.index(choice.input_value()) + 2]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert value_and_focus(page) == [chosen, False]
    page.wait_for_function(
        "before => document.querySelector('.dmp-sentence').textContent !== before",
        arg=before,
    )
    assert value_and_focus(page) == [chosen, False]
    page.wait_for_timeout(2_500)
    assert value_and_focus(page) == [chosen, False]


def test_a_late_answer_leaves_a_list_open_that_a_key_opened(visit: Visitor) -> None:
    window = visit()
    sockets: list[Any] = []
    window.page.on("websocket", lambda socket: sockets.append(socket))
    window.open("/pages/slow?segment=lapsed_buyers", READY)
    page = window.page
    size(window, "20,000")
    type_minimum(page, "2741")
    choice = page.locator(".dmp-leaf[aria-label=Attribute] select").nth(1)
    before = choice.input_value()
    choice.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.matches('select:open')")
    sockets[-1].wait_for_event(
        "framereceived", lambda frame: "at least 2741 times" in str(frame)
    )
    page.wait_for_timeout(500)
    assert value_and_focus(page) == [before, True]
    page.keyboard.press("Escape")
    page.wait_for_selector(".dmp-sentence:has-text('2741')")
    assert value_and_focus(page) == [before, False]


def test_whoever_may_not_save_is_told_and_loses_nothing(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/guest?segment=lapsed_buyers", READY)
    page = window.page
    page.get_by_role("button", name="not").nth(1).click()
    page.wait_for_selector(".dmp-not[aria-pressed=true]")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector(".dmp-message[data-kind=refused]:has-text('analyst')")
    assert page.locator(".dmp-not[aria-pressed=true]").count() == 1


def test_hostile_data_and_addresses_stay_text(visit: Visitor) -> None:
    leaf = {"attribute": EVIL, "op": "eq", "value": EVIL}
    did = {
        "did": {"event": EVIL, "where": [{"property": EVIL, "op": "eq", "value": 1}]}
    }
    rule = {"all": [leaf, did, {"sql": {"select": EVIL}}]}
    document = {"segment": "s", "name": EVIL, "owner": EVIL, "rule": rule}
    window = visit()
    window.open(f"/pages/builder?{urlencode({'draft': packed(document)})}", READY)
    page = window.page
    page.wait_for_selector(".dmp-fault")
    assert page.input_value(".dmp-title") == EVIL
    assert page.evaluate("window.evil") is None
    assert page.locator("img[src=x]").count() == 0


def test_an_address_that_names_the_owner_opens_its_field(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/builder", READY)
    page = window.page
    page.goto(f"{window.server.origin}/pages/builder?segment=lapsed_buyers#owner")
    page.wait_for_selector("input[data-about=owner]:focus")
    page.keyboard.type("growth")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector(".dmp-as-of:has-text('Saved')")


def test_a_closed_builder_ends_its_kernel(visit: Visitor, server: Served) -> None:
    window = visit()
    window.open("/pages/builder", READY)
    kernel = f"{server.origin}/api/kernels/{window.kernel()}"
    keeper = window.context.new_page()
    assert keeper.request.get(kernel).status == 200
    window.page.close(run_before_unload=True)
    deadline = time.monotonic() + 20
    while keeper.request.get(kernel).status != 404:
        assert time.monotonic() < deadline, "the kernel lives on"
        time.sleep(0.1)
