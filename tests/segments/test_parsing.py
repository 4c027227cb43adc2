"""Reading rules: all faults at once with their paths, YAML's traps, round trips."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmp.core.errors import RuleInvalid, UsageError
from dmp.segments.documents import segment_document
from dmp.segments.parsing import parse
from dmp.segments.saved import read_saved
from dmp.segments.source import load, read, read_beside

from . import worlds


def segment(rule: Any) -> dict[str, Any]:
    return {"segment": "s", "rule": rule}


def faults(document: Any) -> dict[str, str]:
    with pytest.raises(RuleInvalid) as caught:
        parse(document)
    return {f.path: f"{f.wrong}; {f.right}" for f in caught.value.faults}


def test_every_fault_is_listed_with_its_path() -> None:
    found = faults(
        {
            "segment": "Not an id",
            "timezone": "Europe/Lodnon",
            "colour": "red",
            "rule": {
                "all": [
                    {"didd": {"event": "x"}},
                    {"did": {"event": "x", "within": {"last": 0, "unit": "dya"}}},
                    {"attribute": "x", "op": "eqq", "value": 1},
                    {"attribute": "x", "op": "between", "value": 1},
                    {"not": {"sequence": {"steps": []}}},
                    {"sample": {"percent": 60, "from": 50, "salt": "s"}},
                    {"did": {"event": "x", "where": [{"any": [{"property": "p"}]}]}},
                ]
            },
        }
    )
    assert set(found) == {
        "segment",
        "timezone",
        "colour",
        "rule.all[0]",
        "rule.all[1].did.within.last",
        "rule.all[1].did.within.unit",
        "rule.all[2].op",
        "rule.all[3].to",
        "rule.all[4].not.sequence.steps",
        "rule.all[5].sample.percent",
        "rule.all[6].did.where[0].any[0].op",
    }
    assert "did you mean did?" in found["rule.all[0]"]
    assert "did you mean day?" in found["rule.all[1].did.within.unit"]


def test_a_condition_in_a_mapping_of_its_own_is_shown_how_it_is_written() -> None:
    inner = {"name": "country", "op": "eq", "value": "DE"}
    mistyped = {"attribute": {**inner, "op": "eqq"}}
    where = [{"property": {"name": "amount", "op": "gt", "value": 1, "unti": 1}}]
    found = faults(
        segment(
            {"all": [{"attribute": inner}, mistyped, {"did": EVENT | {"where": where}}]}
        )
    )
    said = "is a mapping; write its keys beside it: "
    country = said + "{attribute: country, op: eq, value: DE}"
    assert found.pop("rule.all[0].attribute") == country
    assert found.pop("rule.all[1].attribute") == country
    assert "did you mean eq" in found.pop("rule.all[1].attribute.op")
    amount = found.pop("rule.all[2].did.where[0].property")
    assert amount == said + "{property: amount, op: gt, value: 10}"
    assert [*found] == ["rule.all[2].did.where[0].property.unti"]
    assert [*faults(segment({"attribute": {"country": "DE"}}))] == ["rule.attribute"]


EVENT = {"event": "x"}
GAP = {"lte": 1, "unit": "day"}
WRONG: dict[str, tuple[Any, str]] = {
    "two keys": ({"did": EVENT, "not": {}}, "rule"),
    "no mapping": ([], "rule"),
    "times and total": (
        {
            "did": {
                **EVENT,
                "times": {"op": "gte", "value": 1},
                "total": {"property": "p", "agg": "sum", "op": "gt", "value": 1},
            }
        },
        "rule.did",
    ),
    "no event": ({"did": {}}, "rule.did"),
    "event and any_event": ({"did": {**EVENT, "any_event": True}}, "rule.did"),
    "gap on the first step": (
        {"sequence": {"steps": [{**EVENT, "gap": GAP}]}},
        "rule.sequence.steps[0].gap",
    ),
    "absent without gap": (
        {"sequence": {"steps": [EVENT, {**EVENT, "absent": True}]}},
        "rule.sequence.steps[1].absent",
    ),
    "absent and immediately": (
        {
            "sequence": {
                "steps": [
                    EVENT,
                    {**EVENT, "gap": GAP, "absent": True, "immediately": True},
                ]
            }
        },
        "rule.sequence.steps[1].absent",
    ),
    "21 steps": ({"sequence": {"steps": [EVENT] * 21}}, "rule.sequence.steps"),
    "at_least above of": (
        {
            "lifecycle": {
                **EVENT,
                "state": "regularly",
                "times": 1,
                "per": {"unit": "day"},
                "at_least": 3,
                "of": 2,
            }
        },
        "rule.lifecycle.at_least",
    ),
    "hours are no period": (
        {"did": {**EVENT, "within": {"last": 1, "unit": "hour", "mode": "calendar"}}},
        "rule.did.within.unit",
    ),
    "include_today without calendar": (
        {"did": {**EVENT, "within": {"last": 1, "unit": "day", "include_today": True}}},
        "rule.did.within.include_today",
    ),
    "from_ago not above to_ago": (
        {"did": {**EVENT, "within": {"from_ago": 1, "to_ago": 1, "unit": "day"}}},
        "rule.did.within.from_ago",
    ),
    "between_ago": (
        {"attribute": "a", "op": "between_ago", "from": 1, "to": 2, "unit": "day"},
        "rule.from",
    ),
    "a text where a number": (
        {"did": {**EVENT, "times": {"op": "gte", "value": "3"}}},
        "rule.did.times.value",
    ),
    "true is no integer": (
        {"did": {**EVENT, "within": {"last": True, "unit": "day"}}},
        "rule.did.within.last",
    ),
    "an unneeded value": (
        {"attribute": "a", "op": "is_true", "value": 1},
        "rule.value",
    ),
    "an empty list": ({"attribute": "a", "op": "has_any", "value": []}, "rule.value"),
    "two types": (
        {"attribute": "a", "op": "between", "value": 1, "to": "x"},
        "rule.to",
    ),
    "no date": ({"attribute": "a", "op": "before", "value": "soon"}, "rule.value"),
    "look-around": (
        {"attribute": "a", "op": "matches", "value": "(?=x)"},
        "rule.value",
    ),
    "no pattern": ({"attribute": "a", "op": "matches", "value": "("}, "rule.value"),
    "NUL": ({"attribute": "a", "op": "eq", "value": "a\0b"}, "rule.value"),
    "half a character": (
        {"attribute": "a", "op": "eq", "value": "\ud800"},
        "rule.value",
    ),
    "infinity": (
        {"attribute": "a", "op": "eq", "value": float("inf")},
        "rule.value",
    ),
    "a list path": ({"list": {"in": "../secret"}}, "rule.list.in"),
    "two references": (
        {"segment": {"in": "a", "not_in": "b"}},
        "rule.segment",
    ),
    "an order of booleans": (
        {"attribute": "a", "op": "gt", "value": True},
        "rule.value",
    ),
    "null": ({"attribute": "a", "op": "eq", "value": None}, "rule.value"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_names_its_place(name: str) -> None:
    rule, path = WRONG[name]
    assert path in faults(segment(rule))


def test_deep_nesting_is_refused() -> None:
    rule: Any = {"did": EVENT}
    for _ in range(5000):
        rule = {"not": rule}
    assert "rule" in faults(segment(rule))


def test_yaml_keeps_dates_and_norway() -> None:
    text = """
segment: s
rule: {all: [
  {attribute: country, op: in, value: [NO, on, yes]},
  {attribute: born, op: on, value: 2025-05-14},
  {attribute: seen, op: after, value: 2025-05-14 10:00:00 +02:00}]}
"""
    values = [c.comparison.value for c in read(text).rule.parts]  # type: ignore[union-attr]
    assert values == [("NO", "on", "yes"), "2025-05-14", "2025-05-14 10:00:00 +02:00"]


def test_dates_of_other_loaders_mean_their_text() -> None:
    def rule(value: Any) -> Any:
        return parse(segment({"attribute": "a", "op": True, "value": value}))

    assert rule(dt.date(2025, 5, 14)) == rule("2025-05-14")


@pytest.mark.parametrize(
    "text",
    [
        "segment: a\nsegment: b\nrule: {all: []}",
        '{"segment": "a", "rule": {"all": [], "all": []}}',
        "segment: a\nrule: {did: {event: x, event: y}}",
        "segment: [",
        "a: &a [*a]",
        "segment: !!python/object:os.system {}",
    ],
)
def test_faulty_files_are_refused(text: str) -> None:
    with pytest.raises(RuleInvalid):
        read(text)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "none.yaml")


def test_references_are_found_beside(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("segment: b\nrule: {segment: {in: c}}")
    (tmp_path / "c.yaml").write_text("segment: c\nrule: {all: []}")
    found = read_beside(parse(segment({"segment": {"not_in": "b"}})), tmp_path)
    assert sorted(found) == ["b", "c"]


def test_a_reference_with_another_id_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("segment: other\nrule: {all: []}")
    with pytest.raises(RuleInvalid, match="the same id"):
        read_beside(parse(segment({"segment": {"in": "b"}})), tmp_path)


def test_json_text_is_read() -> None:
    assert load('{"a": [1, 2.5, null, "x"]}', "x") == {"a": [1, 2.5, None, "x"]}


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_segment_survives_its_document(seed: int) -> None:
    random = Random(seed)
    _, _, pool = worlds.moments().make(random)
    made = parse(segment(worlds.rules(pool).make(random)))
    assert repr(parse(segment_document(made))) == repr(made)


HOSTILE = {
    "aliases of aliases": (
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{c}: &{c} [{f'*{b}, ' * 9}]\n" for b, c in pairwise("abcdefghi")),
        "holds more than 200,000 values",
    ),
    "lists in YAML": ("- " * 5_000 + "x", "nested too deeply"),
    "lists in JSON": ("[" * 100_000, "nested too deeply"),
    "objects in JSON": ('{"a":' * 50_000, "nested too deeply"),
    "a tag that does not fit": ("rule: !!bool perhaps", "not readable as YAML"),
    "digits": ("rule: " + "9" * 5_000, "not readable as YAML"),
}


@pytest.mark.parametrize(("text", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_rule_is_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(RuleInvalid, match=told):
        read(text)


def test_the_faults_of_all_saved_segments_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("segment: two\nrule: {all: []}\n")
    (tmp_path / "two.yaml").write_text("segment: two\nrule: {did: 3}\ncolour: red\n")
    (tmp_path / "three.yaml").write_bytes(b"\xff")
    with pytest.raises(RuleInvalid) as caught:
        read_saved(tmp_path)
    files = {fault.path.partition(":")[0] for fault in caught.value.faults}
    assert files == {"one.yaml", "two.yaml", "three.yaml"}
    assert len(caught.value.faults) >= 4
