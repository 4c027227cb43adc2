"""Traits that an operator defines: their values, faults, and builds of the touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dmp import segments
from dmp.core.clock import instant
from dmp.core.errors import RuleInvalid
from dmp.core.sql import Query
from dmp.segments.build import build
from dmp.segments.computed import parse_trait, read_traits
from dmp.segments.files import Files, opened
from dmp.segments.judging import judge
from dmp.storage.lake import Lake

from .small_lake import day, event, people, saved

PROFILES = "profile_id\nann\nbob\ncid\n"
EVENTS = """event_id,profile_id,event,occurred_at,properties
1,ann,buy,2026-06-01T10:00:00Z,"{""price"": 10.5, ""kind"": ""tea""}"
2,ann,buy,2026-06-02T10:00:00Z,"{""price"": ""4"", ""kind"": ""cup""}"
3,ann,buy,2026-06-02T10:00:00Z,"{""kind"": ""cup""}"
4,ann,buy,2026-07-02T10:00:00Z,"{""price"": 99, ""kind"": ""late""}"
5,bob,buy,2026-05-01T10:00:00Z,"{""price"": 7, ""kind"": ""tea""}"
6,bob,buy,2026-05-02T10:00:00Z,"{""price"": 9, ""kind"": ""cup""}"
7,bob,see,2026-06-20T10:00:00Z,{}
"""
ROWS = """profile_id,occurred_at,amount,shop
ann,2026-06-01 00:00:00,2.5,b
ann,2026-06-03 00:00:00,1.5,a
bob,2026-07-03 00:00:00,8,a
"""
AS_OF = "2026-06-30"
PRICE = {"event": "buy", "property": "price"}
KIND = {"event": "buy", "property": "kind"}
DEAR = {"property": "price", "op": "gt", "value": 8}
VALUES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "n": ({"event": "buy", "agg": "count"}, [3, 2, 0]),
    "everything": ({"any_event": True, "agg": "count"}, [3, 3, 0]),
    "spent": ({**PRICE, "agg": "sum"}, [14.5, 16.0, 0.0]),
    "mean": ({**PRICE, "agg": "avg"}, [7.25, 8.0, None]),
    "least": ({**PRICE, "agg": "min"}, [4.0, 7.0, None]),
    "most": ({**PRICE, "agg": "max"}, [10.5, 9.0, None]),
    "favourite": ({**KIND, "agg": "most_frequent"}, ["cup", "cup", None]),
    "kinds": ({**KIND, "agg": "distinct"}, [2, 2, 0]),
    "first_kind": ({**KIND, "agg": "first"}, ["tea", "tea", None]),
    "last_price": ({**PRICE, "agg": "last"}, ["4", "9", None]),
    "quiet_days": (
        {"any_event": True, "agg": "time_since", "unit": "day"},
        [27, 9, None],
    ),
    "recent": (
        {**PRICE, "agg": "sum", "within": {"last": 29, "unit": "day"}},
        [14.5, 0.0, 0.0],
    ),
    "dear": (
        {
            **PRICE,
            "agg": "count",
            "where": [{"property": "price", "op": "gt", "value": 8}],
        }
        | {"property": None},
        [1, 1, 0],
    ),
    "rows": ({"related": "order", "agg": "count"}, [2, 0, 0]),
    "paid": ({"related": "order", "agg": "sum", "property": "amount"}, [4, 0, 0]),
    "last_paid": (
        {"related": "order", "agg": "last", "property": "amount"},
        [1.5, None, None],
    ),
    "shop": (
        {"related": "order", "agg": "most_frequent", "property": "shop"},
        ["a", None, None],
    ),
    "june": (
        {
            "related": "order",
            "agg": "max",
            "property": "amount",
            "within": {"after": "2026-06-02"},
        },
        [1.5, None, None],
    ),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("files")
    (home / "traits").mkdir()
    for name, text in (("p", PROFILES), ("e", EVENTS), ("o", ROWS)):
        (home / f"{name}.csv").write_text(text)
    for name, (made, _) in VALUES.items():
        given = {key: value for key, value in made.items() if value is not None}
        text = yaml.safe_dump({"trait": name, **given})
        (home / "traits" / f"{name}.yaml").write_text(text)
    return {
        "profiles": home / "p.csv",
        "events": home / "e.csv",
        "related": {"order": home / "o.csv"},
        "traits": home / "traits",
        "as_of": instant(AS_OF),
    }


def test_each_aggregate_has_its_value(files: dict[str, Any]) -> None:
    given = {key: value for key, value in files.items() if key != "as_of"}
    with opened(Files(**given), files["as_of"]) as data:
        columns = ", ".join(VALUES)
        rows = data.rows(Query(f"select {columns} from profile order by profile_id"))
    found = dict(zip(VALUES, map(list, zip(*rows, strict=True)), strict=True))
    assert found == {name: values for name, (_, values) in VALUES.items()}


def test_a_rule_takes_a_trait_as_an_attribute(files: dict[str, Any]) -> None:
    same = {"attribute": "favourite", "op": "neq", "value": {"attribute": "first_kind"}}
    best = {"top": {"n": 1, "by": "spent"}}
    for rule, expected in ((same, ["ann", "bob", "cid"]), (best, ["bob"])):
        assert segments.members({"segment": "s", "rule": rule}, **files) == expected


def test_faults_come_all_at_once(tmp_path: Path) -> None:
    bad = {"trait": "Ä", "agg": "summ", "event": "x", "unit": "day", "wihtin": {}}
    with pytest.raises(RuleInvalid) as error:
        parse_trait(bad)
    assert {f.path for f in error.value.faults} == {"trait", "agg", "wihtin"}
    with pytest.raises(RuleInvalid) as error:
        parse_trait({"trait": "a", "agg": "sum", "unit": "day"})
    assert [f.path for f in error.value.faults] == ["trait", "property", "unit"]
    (tmp_path / "a.yaml").write_text("trait: b\nagg: count\nevent: x\n")
    (tmp_path / "c.yaml").write_text("agg: count\n")
    with pytest.raises(RuleInvalid) as error:
        read_traits(tmp_path)
    assert {f.path.split(":")[0] for f in error.value.faults} == {"a.yaml", "c.yaml"}


def test_what_the_data_lack_is_named(files: dict[str, Any], tmp_path: Path) -> None:
    for name, text in {
        "x": "related: oder\nagg: count",
        "y": "related: order\nagg: sum\nproperty: amunt",
        "profile_id": "event: buy\nagg: count",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(f"trait: {name}\n{text}\n")
    rule = {"segment": "s", "rule": {"attribute": "x", "op": "gt", "value": 1}}
    with pytest.raises(RuleInvalid) as error:
        segments.members(rule, **{**files, "traits": tmp_path})
    told = {f.path: f.right for f in error.value.faults}
    assert set(told) == {"x: related", "y: property", "profile_id: trait"}
    assert "order" in told["x: related"] and "amount" in told["y: property"]


def test_faults_of_form_hide_none_of_the_data(
    files: dict[str, Any], tmp_path: Path
) -> None:
    for name, text in {
        "x": "related: order\nagg: summ\nproperty: amunt\nunit: day",
        "y": "related: oder\nagg: time_since\nunit: dya",
        "z": "trait: other\nevent: buy\nagg: count",
        "v": "agg: count",
        "w": "- a list",
        "u": "agg: [",
    }.items():
        begins = "" if name in "uvwz" else f"trait: {name}\n"
        (tmp_path / f"{name}.yaml").write_text(f"{begins}{text}\n")
    rule = {"segment": "s", "rule": {"attribute": "x", "op": "gt", "value": 1}}
    with pytest.raises(RuleInvalid) as error:
        segments.members(rule, **{**files, "traits": tmp_path})
    told = {f.path: f.right for f in error.value.faults}
    places = {
        "x.yaml: agg",
        "x: property",
        "y.yaml: unit",
        "y: related",
        "z.yaml: trait",
    }
    assert places < set(told)
    assert "sum" in told["x.yaml: agg"] and "amount" in told["x: property"]
    assert [path for path in told if path.startswith("x")] == [
        "x.yaml: agg",
        "x: property",
    ]


def test_a_build_of_the_touched_knows_the_traits(lake: Lake) -> None:
    """Time takes events out of windows; a changed trait judges everybody."""
    people(lake, 12)
    week = {"last": 7, "unit": "day"}
    made = {"trait": "visits", "event": "x", "agg": "count", "within": week}
    traits = (parse_trait(made),)
    rules = saved({"attribute": "visits", "op": "gte", "value": 2})

    def same(at: float, expected: list[int]) -> int | None:
        (one,) = build(lake, rules, ["s"], as_of=day(at), now=day(at), traits=traits)
        whole = judge(lake, rules, ["s"], day(at), full=True, traits=traits)["s"]
        members = lake.rows(f"select * from ({whole.members.text})")
        stays = lake.rows(
            "select profile_key from segment.membership where left_at is null"
        )
        assert sorted(stays) == sorted(members) == [(n,) for n in expected]
        assert one.conditions == whole.conditions
        return one.touched

    for n, (person, at) in enumerate([(1, 1), (1, 2), (2, 1), (2, 5), (3, 5)]):
        event(lake, n, person, "x", day(at))
    assert same(6, [1, 2]) is None
    assert same(7.5, [1, 2]) == 0
    assert same(8.5, []) == 2
    event(lake, 9, 3, "x", day(8.6))
    assert same(9, [3]) == 2
    traits = (parse_trait({**made, "within": {"last": 20, "unit": "day"}}),)
    assert same(9.5, [1, 2, 3]) is None
