"""The page Match review over a real workspace: roles, audit, labels, decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sample_workspace import NOW, copy_workspace, open_at

from dmp.core.errors import NotAllowed, UsageError
from dmp.flows.review import WorkspaceReview
from dmp.flows.review_shapes import MASK, Asked
from dmp.flows.workspace import Workspace


@pytest.fixture
def own(resolved_sample: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    home = copy_workspace(resolved_sample.paths.home, tmp_path / "ws")
    seconds = count(1)
    with Workspace(home, clock=lambda: NOW + timedelta(seconds=next(seconds))) as ws:
        yield ws


def logged(workspace: Workspace, action: str) -> list[dict[str, object]]:
    lines = (workspace.paths.audit / "log.jsonl").read_text().splitlines()
    records = map(json.loads, lines)
    return [record["detail"] for record in records if record["action"] == action]


def first_of(review: WorkspaceReview, *, is_one: bool) -> Asked:
    return next(each for each in review.queue(200) if each.is_one == is_one)


def test_clear_values_come_on_demand_and_each_pair_is_logged(own: Workspace) -> None:
    review = WorkspaceReview(own)
    (asked,) = review.queue(1)
    masked = review.view(asked.pair, clear=False)
    shown = {value for each in masked.fields for value in (each.left, each.right)}
    assert shown <= {MASK, None} and MASK in shown
    assert logged(own, "identity.review") == []
    clear = review.view(asked.pair, clear=True)
    assert any(each.left not in (MASK, None) for each in clear.fields)
    given = [(e.field, e.left is None, e.right is None) for e in masked.fields]
    assert given == [(e.field, e.left is None, e.right is None) for e in clear.fields]
    assert logged(own, "identity.review") == [{"subjects": list(asked.pair)}]
    assert [side.subject_id for side in clear.sides] == list(asked.pair)


def test_the_score_is_that_of_the_run_and_its_parts_add_up_to_it(
    resolved_sample: Workspace,
) -> None:
    review = WorkspaceReview(resolved_sample)
    asked = review.queue(6)
    parts = review.waterfalls([each.pair for each in asked])
    for each in asked:
        total = sum(bar.bits for bar in parts[each.pair])
        assert total == pytest.approx(each.match_weight, abs=1e-6)
        again = review.asked((each.pair[1], each.pair[0]))
        assert (again.pair, again.is_one) == (each.pair, each.is_one)
    graph = review.cluster(asked[0].pair)
    assert {node.subject_id for node in graph.nodes} >= set(asked[0].pair)
    assert any(
        link.bits == pytest.approx(asked[0].match_weight) for link in graph.links
    )
    with pytest.raises(UsageError, match="were not compared"):
        review.asked((1, 2))


def test_an_analyst_looks_without_values_and_changes_nothing(
    own: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMP_ROLE", "analyst")
    with open_at(own.paths.home) as narrowed:
        review = WorkspaceReview(narrowed)
        who = review.reviewer
        assert not (who.may_read or who.may_label or who.may_resolve)
        pair = first_of(review, is_one=False).pair
        assert {each.left for each in review.view(pair, clear=False).fields} <= {
            MASK,
            None,
        }
        assert review.waterfalls([pair])
        for refused in (
            lambda: review.view(pair, clear=True),
            lambda: review.judge(pair, "match"),
            lambda: review.merge(pair, ""),
            lambda: review.split("p1", [1], ""),
            lambda: review.undo("d1"),
            review.resolve,
        ):
            with pytest.raises(NotAllowed):
                refused()
        assert narrowed.lake.value("select count(*) from identity.label") == 0
        assert len(logged(narrowed, "denied")) == 6


def test_a_judged_pair_is_not_asked_again_until_it_is_taken_back(
    own: Workspace,
) -> None:
    review = WorkspaceReview(own)
    first, second = review.queue(2)
    label = review.judge(first.pair, "no_match")
    assert [each.pair for each in review.queue(1)] == [second.pair]
    progress = review.progress()
    assert (progress.mine["no_match"], progress.everyone, progress.reviewers) == (
        1,
        1,
        1,
    )
    review.take_back(label)
    assert [each.pair for each in review.queue(1)] == [first.pair]
    actions = logged(own, "identity.label") + logged(own, "identity.label-undo")
    assert actions == [{"label": label, "verdict": "no_match"}, {"label": label}]


def test_a_merge_on_the_page_shows_after_the_run_and_goes_when_undone(
    own: Workspace,
) -> None:
    review = WorkspaceReview(own)
    pair = first_of(review, is_one=False).pair
    before = review.cluster(pair).profiles
    assert len(before) == 2
    decision = review.merge(pair, "seen in the shop")
    (open_one,) = review.decisions()
    assert (open_one.decision_id, open_one.is_applied) == (decision, False)
    assert "people now" in review.resolve()
    merged = review.cluster(pair)
    assert len(merged.profiles) == 1 and merged.profiles[0] in before
    assert review.decisions()[0].is_applied
    review.undo(decision)
    review.resolve()
    assert set(review.cluster(pair).profiles) == set(before)


def test_a_role_that_is_taken_away_is_gone_on_an_open_page(own: Workspace) -> None:
    review = WorkspaceReview(own)
    (asked,) = review.queue(1)
    (own.paths.config / "roles.yaml").write_text("users: {somebody_else: [analyst]}\n")
    for ask in (
        lambda: review.queue(1),
        lambda: review.view(asked.pair, clear=True),
        lambda: review.waterfalls([asked.pair]),
    ):
        with pytest.raises(NotAllowed):
            ask()
