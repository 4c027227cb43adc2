"""The shipped page over a real workspace: its numbers are those of count and export."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser import Visit, Visitor
from served_pages import Served, served
from test_explorer_in_browser import shots

from dmp.core.clock import instant
from dmp.core.types import Evaluation
from dmp.flows.activate import sync_segments
from dmp.flows.ingest import contracts, ingest
from dmp.flows.resolve import resolve_people, train_linkage
from dmp.flows.segments import build_segments, count_segment
from dmp.flows.workspace import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SEGMENT = "loyal_shoppers"


@dataclass(frozen=True)
class Built:
    """A workspace on the sample data, with one segment built and sent."""

    home: Path
    found: Evaluation
    exported: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    home = tmp_path_factory.mktemp("lake") / "workspace"
    for part in ("config", "dashboards"):
        shutil.copytree(ROOT / part, home / part)
    shutil.copytree(ROOT / "data" / "sample", home / "data" / "landing")
    manifest = json.loads((home / "data" / "landing" / "manifest.json").read_text())
    as_of = instant(manifest["until"])
    with Workspace(home) as workspace:
        for source in contracts(workspace):
            ingest(workspace, source)
        train_linkage(workspace)
        resolve_people(workspace)
        build_segments(workspace, as_of=as_of)
        sync_segments(workspace, ["warehouse"], [SEGMENT], as_of=as_of)
        found = count_segment(workspace, SEGMENT, as_of)
    exported = home / "data" / "exports" / "warehouse" / f"{SEGMENT}.jsonl"
    return Built(home, found, exported)


@pytest.fixture(scope="module")
def server(built: Built) -> Iterator[Served]:
    with served(built.home, preheat=0) as running:
        yield running


def test_the_page_shows_what_count_and_export_give(
    visit: Visitor, built: Built, tmp_path: Path
) -> None:
    window = visit()
    window.open(f"/pages/segment_explorer?segment={SEGMENT}")
    page = window.page
    page.wait_for_selector(".dmp-rows table")
    assert window.text("[data-members]") == f"{built.found.members:,}"
    funnel = window.text(".dmp-main > .dmp:has(h2:text('From members to accepted'))")
    assert f"{built.found.consented:,}" in funnel
    page.screenshot(path=shots() / "explorer_on_lake.png")
    with page.expect_download() as fetched:
        page.click("[data-format=csv]")
    file = tmp_path / "members.csv"
    fetched.value.save_as(file)
    downloaded = set(file.read_text().split()[1:])
    lines = built.exported.read_text().splitlines()
    assert downloaded == {json.loads(line)["email_sha256"] for line in lines}
    assert len(downloaded) > 0


def test_the_form_shows_a_shipped_rule_with_its_size(
    visit: Visitor, built: Built
) -> None:
    window = visit()
    window.open(f"/pages/segment_builder?segment={SEGMENT}", ".dmp-rule .dmp-add")
    window.page.wait_for_selector("[data-size]:not(.dmp-dim)")
    assert window.text("[data-size]") == f"{built.found.members:,}"
    window.page.screenshot(path=shots() / "builder_on_lake.png")


def test_a_dry_run_from_the_page_writes_nothing(visit: Visitor, built: Built) -> None:
    window = visit()
    window.open(f"/pages/segment_explorer?segment={SEGMENT}")
    before = files_of(built.home)
    window.page.get_by_role("button", name="Dry run").click()
    window.page.wait_for_selector(".dmp-take .dmp-outcome")
    assert files_of(built.home) == before


def test_a_key_press_on_match_review_is_a_label_in_the_lake(
    visit: Visitor, built: Built
) -> None:
    window = visit()
    window.open("/pages/match_review")
    page = window.page
    page.wait_for_selector(".dmp-graph svg")
    pair = str(page.get_attribute(".dmp-review", "data-pair"))
    assert "@" in window.text(".dmp-pair")
    page.keyboard.press("n")
    page.wait_for_selector(f".dmp-review:not([data-pair='{pair}'])")
    page.wait_for_selector("[data-mine='1']")
    with Workspace(built.home) as workspace:
        query = "select subject_id_l, subject_id_r, verdict, reviewer from "
        (label,) = workspace.lake.rows(query + "identity.label")
        assert label == (*map(int, pair.split("-")), "no_match", workspace.caller.actor)
        assert workspace.audit.verify().ok
    log = (built.home / "data" / "audit" / "log.jsonl").read_text()
    assert log.count('"identity.review"') >= 2


def files_of(home: Path) -> dict[str, bytes]:
    exports = home / "data" / "exports"
    return {str(p): p.read_bytes() for p in exports.rglob("*") if p.is_file()}


def shown_rows(window: Visit) -> str:
    return window.text(".dmp-rows table")


def test_a_marketer_sees_bands_and_no_ids(
    visit: Visitor, built: Built, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMP_ROLE", "marketer")
        with served(built.home, preheat=0) as narrowed:
            window = visit(server=narrowed)
            window.open(f"/pages/segment_explorer?segment={SEGMENT}")
            window.page.wait_for_selector(".dmp-rows table")
            rounded = round(built.found.members / 10) * 10
            assert window.text("[data-members]") == f"{rounded:,}"
            assert "Profile id" not in shown_rows(window)
            assert "analyst" in window.text(".dmp-rows")
            window.context.close()


CLICKS = """
window.clicks = Number(sessionStorage.getItem("clicks") || 0);
addEventListener("click", (event) => {
  if (!event.isTrusted) return;
  window.clicks += 1;
  sessionStorage.setItem("clicks", window.clicks);
}, true);
"""


def test_a_newcomer_clicks_from_the_start_page_to_an_exported_segment(
    visit: Visitor, built: Built, tmp_path: Path
) -> None:
    window = visit()
    page = window.page
    page.add_init_script(CLICKS)
    began = time.monotonic()
    window.open("/", ".dmp-figures")
    page.wait_for_url("**/pages/home*")
    home_s = time.monotonic() - began
    page.screenshot(path=shots() / "home.png", full_page=True)
    assert f"{built.found.people:,}" in window.text(".dmp-figures")
    assert window.axe() == []
    page.get_by_role("link", name="Build a segment").click()
    opened = time.monotonic()
    page.wait_for_selector(".dmp-rule .dmp-add")
    builder_s = time.monotonic() - opened
    page.fill(".dmp-title", "Recent buyers")
    page.select_option("[data-about=purpose]", "email_marketing")
    page.get_by_role("button", name="Add the first condition").click()
    page.click("[data-kind=attribute]")
    page.select_option("select[aria-label=Attribute]", "last_order_at")
    page.wait_for_selector(".dmp-sentence:text('last order is in the last 30 days')")
    page.wait_for_selector("[data-size]:not(.dmp-dim)")
    shown = window.text("[data-size]")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Evaluate now").click()
    page.get_by_role("link", name="Explore and export it").click()
    page.wait_for_selector("[data-members]")
    assert window.text("[data-members]") == shown
    page.wait_for_selector(".dmp-rows table")
    assert window.axe() == []
    with page.expect_download() as fetched:
        page.click("[data-format=csv]")
    fetched.value.save_as(tmp_path / "members.csv")
    assert len((tmp_path / "members.csv").read_text().split()) > 1
    seconds, clicks = time.monotonic() - began, page.evaluate("window.clicks")
    told = f"{clicks} clicks, {seconds:.1f} s from the start page to a file"
    print(f"newcomer: {told}")  # noqa: T201
    print(f"first interaction: home {home_s:.1f} s, builder {builder_s:.1f} s")  # noqa: T201
    assert (built.home / "config" / "segments" / "recent_buyers.yaml").exists()


def test_the_page_of_jobs_says_what_is_not_there_yet(visit: Visitor) -> None:
    window = visit()
    window.open("/pages/jobs?run=gone", ".dmp-jobs .dmp-card")
    window.page.wait_for_selector(".dmp-message[data-kind=missing]")
    assert "No notebook ran yet" in window.text(".dmp-jobs")
    assert window.axe() == []
