"""A segment is talked over: comments, approval by somebody else, the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dmp.core.errors import KeyMissing, NotAllowed, UsageError
from dmp.flows.activate import sync_segments
from dmp.flows.approval import (
    approve_segment,
    archive_segment,
    comment_segment,
    segment_notes,
)
from dmp.flows.explore import segment_source
from dmp.flows.initialise import initialise
from dmp.flows.rule_building import rule_source
from dmp.flows.segments import build_segments, saved_segments
from dmp.flows.workspace import Workspace

SEGMENT = "loyal_shoppers"


@pytest.fixture
def opened(home: Path) -> Workspace:
    initialise(home)
    return Workspace(home)


def saved_by_page(workspace: Workspace, **more: Any) -> None:
    rules = rule_source(workspace, workspace)
    before = rules.document(SEGMENT)
    rules.save({**before, **more}, before)


def test_whoever_saved_a_form_does_not_approve_it(opened: Workspace) -> None:
    approve_segment(opened, SEGMENT)
    approve_segment(opened, SEGMENT)
    saved_by_page(opened, rule={"attribute": "order_count", "op": "gte", "value": 9})
    with pytest.raises(NotAllowed, match="somebody else"):
        approve_segment(opened, SEGMENT)
    comment_segment(opened, SEGMENT, " Nine is many. ")
    said = [(one.kind, one.text) for one in segment_notes(opened, SEGMENT)]
    assert said == [("approval", ""), ("saved", ""), ("comment", "Nine is many.")]
    log = (opened.paths.audit / "log.jsonl").read_text()
    assert log.count("approve_segment") == 1 and "Nine is many" not in log
    with pytest.raises(UsageError, match="between 1 and"):
        comment_segment(opened, SEGMENT, "  ")


def test_what_is_not_approved_leaves_nowhere_where_that_is_required(
    opened: Workspace,
) -> None:
    settings = opened.paths.config / "dmp.yaml"
    settings.write_text(settings.read_text().replace("none  ", "required  "))
    at = opened.clock()
    build_segments(opened, [SEGMENT], as_of=at)
    source = segment_source(opened)
    for leave in (
        lambda: sync_segments(opened, ["warehouse"], [SEGMENT], as_of=at),
        lambda: source.download(SEGMENT, "csv"),
    ):
        with pytest.raises(UsageError, match="not approved"):
            leave()
    assert not list(opened.paths.home.glob("data/exports/**/*.jsonl"))
    sync_segments(opened, ["warehouse"], [SEGMENT], as_of=at, dry_run=True)
    approve_segment(opened, SEGMENT)
    sync_segments(opened, ["warehouse"], [SEGMENT], as_of=at)
    assert source.download(SEGMENT, "csv")[0] == f"{SEGMENT}.csv"
    path = opened.paths.config / "segments" / f"{SEGMENT}.yaml"
    path.write_text(path.read_text().replace("gte, value: 3", "gte, value: 2"))
    with pytest.raises(UsageError, match="not approved"):
        sync_segments(opened, ["warehouse"], [SEGMENT], as_of=at)


def test_an_archived_segment_is_kept_and_not_used(opened: Workspace) -> None:
    with pytest.raises(UsageError, match="destination "):
        archive_segment(opened, SEGMENT)
    for path in (opened.paths.config / "destinations").glob("*.yaml"):
        path.unlink()
    path = opened.paths.config / "segments" / f"{SEGMENT}.yaml"
    before = "# Kept by customer care.\n" + path.read_text()
    path.write_text(before)
    at = opened.clock()
    archive_segment(opened, SEGMENT)
    assert saved_segments(opened)[SEGMENT].segment.archived
    assert SEGMENT not in {one.segment for one in build_segments(opened, as_of=at)}
    archive_segment(opened, SEGMENT, archived=False)
    assert path.read_text() == before
    assert SEGMENT in {one.segment for one in build_segments(opened, as_of=at)}


def test_what_cannot_be_put_on_record_is_not_done(opened: Workspace) -> None:
    (opened.key_files.folder / "audit.key").unlink()
    with Workspace(opened.paths.home) as workspace:
        for act in (approve_segment, archive_segment):
            with pytest.raises(KeyMissing, match="signing key"):
                act(workspace, "cart_abandoners")
        assert segment_notes(workspace, "cart_abandoners") == []
