"""The shipped page over a real workspace: its numbers are those of count and export."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser import Visit, Visitor
from served_pages import Served, served

from dmp.core.clock import instant
from dmp.core.types import Evaluation
from dmp.flows.activate import sync_segments
from dmp.flows.ingest import contracts, ingest
from dmp.flows.resolve import resolve_people, train_linkage
from dmp.flows.segments import build_segments, count_segment
from dmp.flows.workspace import Workspace

pytestmark = pytest.mark.browser

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
    with page.expect_download() as fetched:
        page.click("[data-format=csv]")
    file = tmp_path / "members.csv"
    fetched.value.save_as(file)
    downloaded = set(file.read_text().split()[1:])
    lines = built.exported.read_text().splitlines()
    assert downloaded == {json.loads(line)["email_sha256"] for line in lines}
    assert len(downloaded) > 0


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
