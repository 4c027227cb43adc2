"""What the segment pages read and send, over the sample."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dmp.core.accounts import current_account
from dmp.core.clock import instant
from dmp.core.sql import Query
from dmp.flows.explore import WorkspaceSegments
from dmp.flows.ingest import contracts, ingest
from dmp.flows.overview import WorkspaceOverview
from dmp.flows.resolve import resolve_people
from dmp.flows.segments import build_segments, saved_segments
from dmp.flows.workspace import Workspace
from dmp.segments.build import evaluate
from dmp.segments.population import workspace_population
from dmp.storage.write import append, commit

ROOT = Path(__file__).parents[2]
SEGMENT = "loyal_shoppers"
ALL_DENY = """
select subject_id, 'email_marketing' as purpose, 'denied' as status,
    now() - interval 1 minute as captured_at
from identity.subject
"""


BUYERS = """\
segment: buyers
name: Buyers
purpose: email_marketing
rule:
  related:
    entity: transaction
    quantifier: any
    where: [{property: occurred_at, op: in_last, value: 60, unit: day}]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The sample with a segment of traits, and one of purchases alone."""
    home = tmp_path_factory.mktemp("explored") / "workspace"
    shutil.copytree(ROOT / "config", home / "config")
    roles = {
        "users": {
            current_account().user: ["engineer", "matcher", "marketer", "analyst"]
        }
    }
    (home / "config" / "roles.yaml").write_text(yaml.safe_dump(roles))
    shutil.copytree(ROOT / "data" / "sample", home / "data" / "landing")
    manifest = json.loads((home / "data" / "landing" / "manifest.json").read_text())
    (home / "config" / "segments" / "buyers.yaml").write_text(BUYERS)
    with Workspace(home) as workspace:
        for source in ("crm", "shop"):
            ingest(workspace, contracts(workspace)[source].source)
        resolve_people(workspace)
        as_of = instant(manifest["until"])
        build_segments(workspace, [SEGMENT, "buyers"], as_of=as_of)
        yield workspace


@pytest.mark.parametrize("segment", [SEGMENT, "buyers"])
def test_sizes_over_time_are_those_of_each_instant(
    built: Workspace, segment: str
) -> None:
    points = [*WorkspaceSegments(built).trend(segment)]
    assert len({point.people for point in points}) > 1
    saved, lake = saved_segments(built), built.lake
    for point in points:
        population = workspace_population(lake, point.at)
        found = evaluate(lake, population, saved, segment, point.at)
        assert found.members == point.people, point.at


def test_the_doctor_can_look_at_what_a_page_has_open(built: Workspace) -> None:
    overview = WorkspaceOverview(built)
    assert overview.overview().counts["people"]
    found = overview.health()
    assert found.examined > 9
    assert not [one for one in found.attention if "could not be" in one.text]
    assert overview.overview().counts["people"]


def test_a_download_obeys_what_was_decided_after_the_evaluation(
    built: Workspace,
) -> None:
    pages = WorkspaceSegments(built)
    assert pages.download(SEGMENT, "csv")[1].count(b"\n") > 1
    denials = append("privacy.consent", Query(ALL_DENY))
    commit(built.lake, [denials], message="everybody declines")
    assert pages.download(SEGMENT, "csv")[1] == b"email_sha256\n"
