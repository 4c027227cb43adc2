"""Rules that are hostile or mistaken: a named error, or an answer, in bounded time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostile_rules import LEAF, MISTAKEN

from dmp.core.errors import RuleInvalid
from dmp.segments import members, validate
from dmp.segments.case_files import write_table

from .test_answers import AS_OF, rule

EVENT = {"event_id": "1", "profile_id": "a", "event": "x", "occurred_at": "2025-01-01"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bad")
    name = 'na"me\nx; drop table profile --'
    people = [{"profile_id": "a", "v": "a" * 50_000 + "b", name: "it's\n\\"}]
    write_table(folder / "p.parquet", people, {})
    write_table(folder / "e.parquet", [EVENT], {"occurred_at": "TIMESTAMP"})
    return {"profiles": folder / "p.parquet", "events": folder / "e.parquet"}


@pytest.mark.parametrize("name", MISTAKEN)
def test_mistakes_are_named(files: dict[str, Any], name: str) -> None:
    node, why = MISTAKEN[name]
    with pytest.raises(RuleInvalid) as caught:
        members(rule(node), **files, as_of=AS_OF)
    assert why in str(caught.value) and caught.value.faults


def test_a_file_nested_past_any_depth_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(
        '{"segment": "s", "rule": ' + '{"not": ' * 9_000 + "1" + "}" * 9_001
    )
    assert "deep" in str(validate(path)[0])


@pytest.mark.parametrize("written", ["yaml", "json"])
def test_a_file_holds_as_many_conditions_as_plain_data(
    tmp_path: Path, written: str
) -> None:
    path = tmp_path / f"rule.{written}"
    leaves = [json.dumps({**LEAF, "value": f"x{n}"}) for n in range(10_001)]
    ends = ("segment: s\nrule: {any: [", "]}\n")
    if written == "json":
        ends = ('{"segment": "s", "rule": {"any": [', "]}}")
    path.write_text(f"{ends[0]}{', '.join(leaves)}{ends[1]}")
    (fault,) = validate(path)
    assert fault.path == "rule" and fault.wrong == "holds 10,001 conditions"
    if written == "json":
        path.write_text(f"{ends[0]}{', '.join(leaves[1:])}{ends[1]}")
        assert validate(path) == []


ODD: dict[str, tuple[Any, list[str]]] = {
    "10,000 conditions": (
        {"any": [{**LEAF, "value": f"x{n}"} for n in range(10_000)]},
        [],
    ),
    "a pattern that would hang elsewhere": (
        {**LEAF, "op": "matches", "value": "^(a+)+$"},
        [],
    ),
    "a name with quotes and line breaks": (
        {
            "attribute": 'na"me\nx; drop table profile --',
            "op": "eq",
            "value": "it's\n\\",
        },
        ["a"],
    ),
    "a window past the calendar": (
        {"did": {"event": "x", "within": {"last": 10**30, "unit": "year"}}},
        ["a"],
    ),
    "an anniversary of all days": (
        {"attribute": "v", "op": "anniversary_in_next", "value": 10**12, "unit": "day"},
        [],
    ),
    "1,000 periods": (
        {
            "lifecycle": {
                "event": "x",
                "state": "regularly",
                "times": 1,
                "per": {"unit": "day"},
                "at_least": 1,
                "of": 1_000,
            }
        },
        ["a"],
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_rules_are_answered(files: dict[str, Any], name: str) -> None:
    node, expected = ODD[name]
    assert members(rule(node), **files, as_of=AS_OF) == expected


def test_more_facts_than_one_scan_takes(files: dict[str, Any]) -> None:
    parts = [{"did": {"event": f"y{n}"}} for n in range(250)]
    found = {"any": [*parts, {"did": {"event": "x"}}]}
    assert members(rule(found), **files, as_of=AS_OF) == ["a"]
    assert members(rule({"any": parts}), **files, as_of=AS_OF) == []


SELECTS = [
    "copy profiles to '/tmp/x.csv'",
    "select profile_id from read_csv('/etc/passwd')",
    "select profile_id from '/etc/passwd'",
    "select profile_id from profiles; drop table profile",
    "attach '/tmp/x.db'",
    "select profile_id from profiles where (select content from read_text('/x')) <> ''",
    "select getenv('HOME') as profile_id",
    "insert into profile select 1",
    "select profile_id from information_schema.tables",
    "select profile_id from duckdb_settings()",
    "select profile_id from profiles, range(100000000000)",
    "with recursive a as (select 1 as profile_id union all select 1 from a) "
    "select profile_id from a",
    "select repeat(profile_id, 1000000000) as profile_id from profiles",
    "select profile_id from query_table('profile')",
]


@pytest.mark.parametrize("select", SELECTS)
def test_sql_reads_the_views_alone(files: dict[str, Any], select: str) -> None:
    with pytest.raises(RuleInvalid, match=r"rule\.sql\.select"):
        members(rule({"sql": {"select": select}}), **files, as_of=AS_OF)


def test_empty_profiles_and_events(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("profile_id,v\n")
    (tmp_path / "e.csv").write_text("event_id,profile_id,event,occurred_at\n")
    node = {"any": [{"not": LEAF}, {"did": {"event": "x"}}]}
    given: dict[str, Any] = {"profiles": tmp_path / "p.csv"}
    assert members(rule(node), **given, events=tmp_path / "e.csv", as_of=AS_OF) == []
