"""A rule goes through the builder without loss, whatever its nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from rule_sources import CATALOG, FakeRules

from dmp.core.errors import RuleInvalid
from dmp.segments.documents import segment_document
from dmp.segments.parsing import parse
from dmp.segments.schema import EXAMPLES
from dmp.segments.source import load, written
from dmp.ui import rule_edits as edits
from dmp.ui.builder import BuilderState
from dmp.ui.drafts import packed, unpacked
from dmp.ui.rule_form import Form, fields_of, rule_form

CASES = Path(__file__).parents[1] / "cases" / "segments"


def rules() -> list[Any]:
    found = [dict(example) for example in EXAMPLES.values()]
    for path in sorted(CASES.glob("*.yaml")):
        found += [case["rule"] for case in load(path.read_text(), path.name)]
    return found


def sound(rule: Any) -> bool:
    try:
        parse({"segment": "s", "rule": rule})
    except RuleInvalid:
        return False
    return True


RULES = [rule for rule in rules() if sound(rule)]


def leaves(value: Any, place: edits.Place) -> Any:
    """Yield every value that a rule holds, with its place."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list) and part:
            yield from leaves(part, (*place, key))
        else:
            yield (*place, key), part


def is_shown(place: edits.Place, places: set[edits.Place]) -> bool:
    """Say whether a field shows this value, or the list that it stands in."""
    return any(place[:end] in places for end in range(1, len(place) + 1))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule)[:40])
def test_every_value_of_a_rule_stands_in_a_field(rule: Any) -> None:
    fields = fields_of(rule_form(rule, Form(CATALOG)))
    places = {tuple(field["at"]) for field in fields}
    hidden = {"mode", "agg", "any_event"}
    for place, value in leaves({"rule": rule}, ()):
        empty = value in ([], {})
        if place[-1] in hidden or empty:
            continue
        assert is_shown(place, places), edits.path_text(place)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule)[:40])
def test_setting_each_field_to_what_it_shows_changes_no_rule(rule: Any) -> None:
    state = BuilderState(FakeRules())
    state.write(written({"segment": "s", "rule": rule}))
    wanted = parse({"segment": "s", "rule": rule})
    for field in fields_of(rule_form(state.document["rule"], Form(CATALOG))):
        set_again(state, field)
        assert parse(state.document) == wanted, field
    assert parse(load(state.yaml, "rule")) == wanted
    assert parse(unpacked(packed(state.document))) == wanted


def set_again(state: BuilderState, field: dict[str, Any]) -> None:
    place, value = tuple(field["at"]), field["value"]
    if field.get("do") == "pattern":
        state.change("pattern", tuple(field["node"]), value)
    elif "do" in field and ":form" not in str(value):
        spot = place if field["do"] != "operator" else place[:-1]
        spot = tuple(field.get("node", spot))
        same_form(state, field["do"], spot, value)
    elif value is not None and field["control"] != "flag":
        state.set(place, value)


def same_form(state: BuilderState, do: str, spot: edits.Place, value: Any) -> None:
    """Choose the form that is there already, where choosing it keeps the values."""
    if do in ("operator", "quantifier", "membership", "regroup"):
        state.change(do, spot, value)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule)[:40])
def test_yaml_of_a_rule_is_read_the_same_by_both_readers(rule: Any) -> None:
    document = segment_document(parse({"segment": "s", "rule": rule}))
    text = written(document)
    assert load(text, "rule") == document
    assert yaml.safe_load(text) == document
