"""The builder's state: what clicking does to a rule, without widgets."""

from __future__ import annotations

import random
from typing import Any

import pytest
from rule_sources import FakeRules

from dmp.core.types import Evaluation
from dmp.flows.estimates import Estimate
from dmp.ui import builder_views as views
from dmp.ui import rule_edits as edits
from dmp.ui.builder import BuilderState, Tally
from dmp.ui.builder_page import BuilderPage, read_value
from dmp.ui.drafts import duplicate, packed, unpacked
from dmp.ui.explorer import Loaded

ALL = ("rule", "all")


def opened(query: str = "", **options: Any) -> BuilderState:
    state = BuilderState(FakeRules(**options), query)
    state.start()
    return state


def clicked() -> BuilderState:
    """Return a new rule of two conditions, made as a viewer makes it."""
    state = opened()
    state.describe("name", "British regulars")
    state.add(ALL, "attribute")
    state.set((*ALL, 0, "attribute"), "country")
    state.set((*ALL, 0, "value"), "GB")
    state.add(ALL, "did")
    state.change("pattern", (*ALL, 1, "did"), "order_placed")
    state.change("window", (*ALL, 1, "did", "within"), "rolling")
    return state


def test_a_rule_is_built_by_clicking() -> None:
    state = clicked()
    assert state.document["segment"] == "british_regulars"
    assert state.faults == []
    assert state.sentence == "country is GB and did order placed in the last 30 days"
    assert isinstance(state.tally.exact.value, Evaluation)
    assert views.size(state)["members"] == "20,000"
    assert set(views.counts(state)) == {
        '["rule","all",0,"attribute"]',
        '["rule","all",1,"did"]',
    }


def test_a_blank_rule_offers_templates_and_begins_from_one() -> None:
    state = opened()
    assert [one[0] for one in views.form(state)["templates"]] == ["buyers"]
    state.describe("name", "My buyers")
    state.begin_from("buyers")
    assert state.document["name"] == "My buyers"
    assert state.document["segment"] == "my_buyers"
    assert state.document["rule"]["all"][0]["value"] == 30
    assert views.form(state)["templates"] == []
    state.begin_from("buyers")
    state.undo()
    assert state.is_blank and state.document["name"] == "My buyers"
    assert views.form(opened("segment=lapsed_buyers"))["templates"] == []


def test_an_estimate_stands_marked_while_the_exact_count_runs() -> None:
    state = clicked()
    state.tally = Tally(Loaded("loading"), Estimate(12_345, 11_900, 12_800, 2_000))
    shown = views.size(state, cancellable=True)
    assert (shown["state"], shown["cancellable"]) == ("loading", True)
    assert shown["about"] == "\N{ALMOST EQUAL TO} 12,350"
    assert shown["of"].startswith("between 11,900 and 12,800 (95 %), by 2,000 people")


def test_what_is_not_filled_in_is_told_at_its_place() -> None:
    state = opened()
    state.add(ALL, "attribute")
    fields = views.form(state)["root"]["parts"][0]["rows"][0]
    assert fields[0]["fault"] == "Still to be filled in"
    assert views.size(state) == {"state": "waiting", "message": views.UNFINISHED}
    state.set((*ALL, 0, "attribute"), "country")
    fields = views.form(state)["root"]["parts"][0]["rows"][0]
    assert "fault" not in fields[0] and fields[2]["fault"] == "Still to be filled in"


def test_another_subject_takes_an_operator_of_its_type() -> None:
    state = opened()
    state.add(ALL, "attribute")
    state.set((*ALL, 0, "attribute"), "sources")
    assert edits.at(state.document, (*ALL, 0))["op"] == "has_any"
    state.set((*ALL, 0, "attribute"), "last_order_at")
    wanted = {"attribute": "last_order_at", "op": "in_last", "value": 30, "unit": "day"}
    assert edits.at(state.document, (*ALL, 0)) == wanted


def test_a_fault_beside_the_data_stands_at_its_field() -> None:
    state = opened()
    state.write("segment: s\nrule: {attribute: cuntry, op: eq, value: GB}")
    field = views.form(state)["root"]["rows"][0][0]
    assert "did you mean country" in field["fault"]
    assert any("cuntry" in told for told in views.yaml(state)["faults"])


def test_undo_and_redo_go_through_every_step() -> None:
    state = opened()
    seen = [state.document]
    for kind in ("attribute", "did", "any", "sample"):
        state.add(ALL, kind)
        seen.append(state.document)
    for document in reversed(seen[:-1]):
        state.undo()
        assert state.document == document
    state.undo()
    for document in seen[1:]:
        state.redo()
        assert state.document == document
    state.undo()
    state.add(ALL, "top")
    state.redo()
    assert "top" in state.document["rule"]["all"][-1]


def test_yaml_with_faults_leaves_the_form_and_is_kept_as_typed() -> None:
    state = clicked()
    before = state.document
    state.write("segment: [")
    assert state.document == before and state.yaml == "segment: ["
    assert views.yaml(state)["faults"]
    state.write("segment: british_regulars\nrule: {all: []}")
    assert state.document["rule"] == {"all": []}
    state.undo()
    assert state.document == before


def test_saving_checks_the_role_and_loses_nothing() -> None:
    state = clicked()
    state.source.refused = ("save",)  # type: ignore[attr-defined]
    state.save()
    assert state.problem and state.problem.kind == "refused"
    assert state.is_changed and state.document["name"] == "British regulars"
    state.source.refused = ()  # type: ignore[attr-defined]
    state.save()
    assert state.problem is None and not state.is_changed
    state.build()
    link = views.details(state)["link"]
    assert link == "/pages/segment_explorer?segment=british_regulars"


def test_the_address_opens_the_same_rule() -> None:
    state = clicked()
    again = opened(state.query)
    assert again.document == state.document
    saved = opened("segment=lapsed_buyers")
    assert saved.query == "segment=lapsed_buyers" and not saved.is_changed
    saved.negate((*ALL, 0))
    assert opened(saved.query).document == saved.document


@pytest.mark.parametrize("draft", ["x", "eJw=", packed({"rule": 1}), "A" * 30_000])
def test_a_draft_that_cannot_be_read_is_told(draft: str) -> None:
    state = opened(f"draft={draft}")
    assert state.problem and state.problem.kind == "missing"
    assert state.document["rule"] == {"all": []}


def test_a_draft_that_unfolds_without_end_is_refused() -> None:
    assert unpacked(packed({"rule": {"all": ["a" * 9_000_000]}})) is None


def test_a_copy_gets_a_free_id() -> None:
    taken = {"a": "A", "a_2": "A"}
    assert duplicate({"segment": "a", "rule": {}}, taken)["segment"] == "a_3"


def nodes(value: Any, place: edits.Place = ("rule",)) -> Any:
    """Yield the places of the nodes that stand in a list."""
    for key in ("all", "any", "not"):
        part = value.get(key) if isinstance(value, dict) else None
        if isinstance(part, list):
            for index, one in enumerate(part):
                yield (*place, key, index)
                yield from nodes(one, (*place, key, index))
        elif part is not None:
            yield from nodes(part, (*place, key))


def conditions(document: Any) -> list[str]:
    found = [edits.at(document, place) for place in nodes(document["rule"])]
    return sorted(str(one["sample"]["salt"]) for one in found if "sample" in one)


def test_moving_never_loses_a_condition_and_the_focus_follows_it() -> None:
    chance = random.Random(4)
    leaf = [{"sample": {"percent": 1, "salt": str(n)}} for n in range(6)]
    rule = {"all": [leaf[0], {"any": leaf[1:3]}, {"not": {"all": leaf[3:5]}}, leaf[5]]}
    document: Any = {"segment": "s", "rule": rule}
    wanted = conditions(document)
    for _ in range(400):
        place = chance.choice(list(nodes(document["rule"])))
        node = edits.at(document, place)
        document, now = edits.followed(document, place, chance.choice([-1, 1]))
        assert conditions(document) == wanted
        assert edits.at(document, now) == node


def test_a_step_that_leads_nowhere_takes_no_later_focus() -> None:
    state = clicked()
    state.step((*ALL, 0), -1)
    state.step((*ALL, 0), -1)
    assert state.focus is None


def test_a_node_moved_into_itself_stays() -> None:
    document: Any = {"rule": {"all": [{"any": []}]}}
    place = (*ALL, 0)
    assert edits.move(document, place, (*place, "any"), 0) == document


def test_a_node_dropped_later_in_its_own_list_lands_before_the_index() -> None:
    document: Any = {"rule": {"all": ["a", "b", "c"]}}
    assert edits.move(document, (*ALL, 0), ALL, 2)["rule"]["all"] == ["b", "a", "c"]
    assert edits.move(document, (*ALL, 2), ALL, 0)["rule"]["all"] == ["c", "a", "b"]


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "edit", "do": "set", "at": ["segment"], "value": "x"},
        {"kind": "edit", "do": "set", "at": [], "value": "x"},
        {"kind": "edit", "do": "set", "at": ["rule", "all", 99, "op"], "value": "x"},
        {"kind": "edit", "do": "operator", "at": ["rule", "all", 0, "op"], "value": {}},
        {"kind": "add", "at": ["rule", {}], "node": "did"},
        {"kind": "step", "at": "rule", "by": 1},
        {"kind": "remove"},
    ],
    ids=lambda message: str(message)[:50],
)
def test_a_forged_message_shows_a_banner_and_changes_nothing(message: Any) -> None:
    state = opened("segment=lapsed_buyers")
    page = BuilderPage(state)
    before = state.document
    page.editor._handle_custom_msg(message, [])
    assert state.document == before
    assert state.problem and state.problem.kind == "failed" and state.problem.reference


def test_a_forged_operator_or_node_is_no_code() -> None:
    state = opened("segment=lapsed_buyers")
    page = BuilderPage(state)
    place = ["rule", "all", 1, "op"]
    for do in ("__class__", "put", "system"):
        message = {"kind": "edit", "do": do, "at": place, "value": "x"}
        page.editor._handle_custom_msg(message, [])
    assert not state.is_changed


def test_what_is_typed_becomes_what_the_field_holds() -> None:
    assert read_value("1.5", "number") == 1.5
    assert read_value("", "number") is None
    assert read_value(["1", "b"], "guess") == [1, "b"]
    assert read_value(["1", 2], "list") == ["1", 2]
