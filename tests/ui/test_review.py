from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_review import MARKUP, PAIRS, FakeReview

from dmp.ui import review_views as views
from dmp.ui.review import ReviewState
from dmp.ui.review_page import ReviewPage, show_review
from dmp.ui.review_source import MASK, Bar

ROOT = Path(__file__).parents[2]


def opened(query: str = "", **options: Any) -> tuple[ReviewState, FakeReview]:
    source = FakeReview(**options)
    state = ReviewState(source, query, clear=True)
    state.start()
    return state, source


def at(state: ReviewState) -> tuple[int, int] | None:
    return state.question.pair if state.question else None


def test_a_verdict_is_kept_and_the_next_pair_comes() -> None:
    state, source = opened()
    assert at(state) == PAIRS[0] and state.query == "pair=101-102"
    state.judge("match")
    state.judge("unsure")
    assert [*source.labels.values()] == [(PAIRS[0], "match"), (PAIRS[1], "unsure")]
    assert at(state) == PAIRS[2]
    assert state.progress.value and state.progress.value.mine["unsure"] == 1


def test_undo_takes_the_last_back_and_shows_it_again() -> None:
    state, source = opened()
    state.judge("match")
    state.judge("no_match")
    state.undo()
    assert at(state) == PAIRS[1] and state.verdict is None
    assert [*source.labels.values()] == [(PAIRS[0], "match")]
    state.undo()
    assert source.labels == {} and at(state) == PAIRS[0]
    state.undo()
    assert "nothing to take back" in state.news and source.labels == {}


def test_a_second_word_on_a_pair_is_a_label_of_its_own_and_undone_first() -> None:
    state, source = opened()
    state.judge("match")
    state.back()
    assert state.verdict == "match"
    state.judge("no_match")
    assert len(source.labels) == 2
    state.undo()
    assert [verdict for _, verdict in source.labels.values()] == ["match"]


def test_past_the_last_pair_the_page_says_so() -> None:
    state, _ = opened()
    for _ in PAIRS:
        state.judge("unsure")
    assert at(state) is None and state.query == ""
    assert views.pair(state) == {"state": "empty", "message": views.DONE}
    assert views.waterfall(state)["state"] == "empty"
    state.back()
    assert at(state) == PAIRS[2]
    empty, _ = opened(pairs=())
    assert views.pair(empty)["message"] == views.NOTHING


@pytest.mark.parametrize(
    ("query", "pair"),
    [
        ("pair=104-103", PAIRS[1]),
        ("?pair=7-8", (7, 8)),
        ("pair=901-902", PAIRS[0]),
        ("pair=1-x", PAIRS[0]),
        ("pair=5-5", PAIRS[0]),
    ],
)
def test_the_address_opens_a_pair(query: str, pair: tuple[int, int]) -> None:
    state, _ = opened(query)
    assert at(state) == pair
    assert (state.problem is not None) == ("901" in query)


def test_without_the_role_values_stay_masked_and_agreement_is_shown() -> None:
    state, source = opened(roles="analyst")
    shown = views.pair(state)
    assert MARKUP not in json.dumps(shown) and source.seen_clear == []
    first = shown["fields"][0]
    assert (first["left"], first["level"], first["bits"]) == (
        MASK,
        "exact, rare value",
        "+9.5",
    )
    assert not shown["may_label"] and not shown["may_read"]
    state.show_values(True)
    assert views.pair(state)["state"] == "refused"


def test_values_are_read_only_while_they_are_shown() -> None:
    state, source = opened()
    assert source.seen_clear == [PAIRS[0]]
    state.show_values(False)
    state.next()
    assert source.seen_clear == [PAIRS[0]]
    assert views.pair(state)["fields"][0]["left"] == MASK


def test_a_notebook_begins_masked() -> None:
    source = FakeReview()
    ReviewState(source).start()
    assert source.seen_clear == []


def test_a_comparison_of_several_fields_says_its_bits_once() -> None:
    state, _ = opened()
    rows = {row["field"]: row for row in views.pair(state)["fields"]}
    assert (rows["Address"]["bits"], rows["Town"]["bits"]) == ("+1.0", "")
    assert rows["Town"]["equal"] and not rows["Birth date"]["equal"]


def test_the_waterfall_ends_at_the_sum_of_its_steps() -> None:
    drawn = views.steps_drawn(
        [Bar("prior", "", -10), Bar("a", "b", 7), Bar("c", "", -1)]
    )
    assert [step["to"] for step in drawn["steps"]] == [-10, -3, -4]
    assert [step["from"] for step in drawn["steps"]] == [0, -10, -3]
    assert (drawn["low"], drawn["high"], drawn["total"]) == (-10, 0, -4)
    assert "16 to 1 for two people" in drawn["text"]


def test_splits_need_subjects_of_one_profile() -> None:
    state, source = opened()
    state.choose(101)
    state.choose(102)
    state.split("")
    assert state.problem and "one profile" in state.problem.message
    state.choose(101)
    state.split("two siblings")
    assert source.decided[0].reason == "pb [102] two siblings"
    assert state.chosen == frozenset()
    assert views.decisions(state)["waiting"] == 1
    state.undo_decision("d0")
    assert source.decided == []


def test_a_merge_waits_until_it_is_applied() -> None:
    state, source = opened()
    assert views.decisions(state)["may_merge"]
    state.merge("seen in the shop")
    shown = views.decisions(state)
    assert shown["may_resolve"] and shown["rows"][0]["state"] == "from the next run on"
    state.resolve()
    assert "resolve" in source.calls and state.news == "9 people now."
    assert not views.decisions(state)["may_resolve"]
    state.next()
    assert not views.decisions(state)["may_merge"]


@pytest.mark.parametrize(
    ("broken", "draw"),
    [
        ("queue", views.pair),
        ("view", views.pair),
        ("waterfalls", views.waterfall),
        ("cluster", views.cluster),
    ],
)
def test_what_fails_is_told_by_a_reference_without_values(
    broken: str, draw: Any
) -> None:
    state, _ = opened(broken=broken)
    shown = draw(state)
    assert shown["state"] == "failed" and shown["reference"].startswith("E-")
    assert "nobody may see" not in json.dumps(shown)


def test_keys_of_the_page_reach_the_state() -> None:
    page = ReviewPage(ReviewState(FakeReview(), clear=True))
    page.begin()
    source: Any = page.state.source
    for act in ("match", "no_match", "undo", "back", "next", "values"):
        page.pair._handle_custom_msg({"kind": "act", "act": act}, [])
    assert len(source.labels) == 1 and not page.state.shows_values
    page.pair._handle_custom_msg({"kind": "act", "act": "format disk"}, [])
    assert page.notice.content["state"] == "failed"
    page.cluster._handle_custom_msg({"kind": "choose", "subject": "900"}, [])
    assert page.decide.content["chosen"] == 1
    page.decide._handle_custom_msg({"kind": "merge", "reason": "x" * 999}, [])
    assert len(source.decided[0].reason) == 200
    assert page.address.content["query"] == page.state.query


def test_without_a_loop_the_page_is_read_at_once() -> None:
    source = FakeReview()
    show_review(ReviewState(source))
    assert {"view", "waterfalls", "cluster"} <= set(source.calls)


def test_the_dashboard_is_three_cells_and_imports_nothing_heavy() -> None:
    notebook = json.loads((ROOT / "dashboards" / "match_review.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) == 3 and all(cell["outputs"] == [] for cell in code)
    heavy = ("pandas", "altair", "sklearn", "splink", "duckdb", "voila")
    program = (
        "import sys, dmp.ui.review_page, dmp.ui.tuning_panel;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
