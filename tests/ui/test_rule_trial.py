"""A rule tried in a notebook: what is shown of it, and of what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from rule_sources import FakeRules

from benchmarks.segments import people
from dmp.core.cells import Cells
from dmp.core.errors import RuleInvalid
from dmp.flows.initialise import initialise
from dmp.flows.shapes import Viewer
from dmp.flows.workspace import Workspace
from dmp.ui import show_rule
from dmp.ui.rule_trial import EXAMPLES, TrialPanel, document_of

GB = "{attribute: country, op: eq, value: GB}"


def tried(text: str, rules: Any = None) -> dict[str, Any]:
    panel = TrialPanel(cast(Any, rules or FakeRules()))
    panel.on_try({"text": text})
    return cast(dict[str, Any], panel.trial.content)


def test_a_rule_gives_its_size_its_sentence_and_people_in_bands() -> None:
    shown = tried(f"all:\n  - {GB}\n  - not: {GB}\n")
    assert shown["members"] == "20,000" and shown["of"] == "33.3% of 60,000 people"
    assert shown["sentence"] == "country is GB and not: country is GB"
    assert shown["conditions"][0] == ["country is GB", "4,000"]
    assert len(shown["rows"]) == EXAMPLES


def test_a_whole_segment_is_a_rule_too() -> None:
    assert document_of(f"segment: some\nrule: {GB}\n")["segment"] == "some"
    assert document_of(GB)["segment"] == "draft"
    with pytest.raises(RuleInvalid):
        document_of("just text")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{attribute: nowhere, op: eq, value: 1}", "nowhere"),
        ("{attribute: country, op: nearly}", "op"),
        ("{attribute: [", "line"),
        ("text alone", "mapping"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(text: str, said: str) -> None:
    shown = tried(text)
    assert shown["state"] == "faults" and said in "".join(shown["faults"])
    assert shown["text"] == text


def test_too_few_people_are_not_shown() -> None:
    class Guest(FakeRules):
        @property
        def viewer(self) -> Viewer:
            return Viewer("Mo", ("marketer",), exact_counts=False, minimum_cell=50_000)

    assert Guest().viewer.cells == Cells(50_000, exact=False)
    shown = tried(GB, Guest())
    assert shown["members"] == "< 50000" and shown["rows"] == []


def test_it_counts_over_a_workspace_whose_notebook_has_closed_it(home: Path) -> None:
    initialise(home)
    with Workspace(home) as workspace:
        people.write(workspace.lake, 300, 3_000)
        trial = show_rule(workspace, "loyal_shoppers")
        assert "order_count" in trial.content["text"]
    for text, n in ((GB, "100"), ("{attribute: event_count, op: gte, value: 1}", "")):
        trial._handle_custom_msg({"kind": "try", "text": text}, [])
        assert trial.content["state"] == "ready", trial.content
        assert trial.content["members"] == n or not n
    assert "profile_id" not in str(trial.content)
