"""Files mode: forms of files, what is refused, counts, explain, diff."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import dmp.segments
from dmp.core.errors import RuleInvalid, UsageError
from dmp.segments import count, diff, explain, members, parse, validate
from dmp.segments.answers import overlap, preview
from dmp.segments.file_tables import connect
from dmp.segments.live import LiveSegments
from dmp.segments.schema import EXAMPLES, language_schema
from dmp.segments.ticks import Mode

AS_OF = datetime(2025, 5, 14, 12, tzinfo=UTC)


def rule(node: Any, **more: Any) -> dict[str, Any]:
    return {"segment": "s", "rule": node, **more}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "p.csv").write_text(
        "profile_id,country,born,plan,spend,code\n"
        'p1,GB,1990-05-15,,10.50,007\np2,IE,2010-01-01,"",9,7\np3,,,pro,,\n'
    )
    (tmp_path / "e.csv").write_text(
        "event_id,profile_id,event,occurred_at,properties\n"
        'e1,p1,page_viewed,2025-05-10T10:00:00Z,"{""page"": ""/pricing"", ""n"": 1}"\n'
        'e2,p1,page_viewed,2025-05-11 10:00:00,"{""page"": ""/pricing"", ""n"": 2}"\n'
        "e3,p2,signed_up,2025-05-12T10:00:00+02:00,\n"
    )
    (tmp_path / "t.csv").write_text("profile_id,amount\np1,101\np1,200\np2,5\n")
    (tmp_path / "c.csv").write_text(
        "profile_id,purpose,status,captured_at\np1,advertising,granted,2025-01-01\n"
    )
    (tmp_path / "vip.csv").write_text("profile_id\np2\n")
    return {
        "profiles": tmp_path / "p.csv",
        "events": tmp_path / "e.csv",
        "related": {"transaction": tmp_path / "t.csv"},
        "consent": tmp_path / "c.csv",
        "lists": tmp_path,
    }


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"attribute": "spend", "op": "gt", "value": 9}, ["p1"]),
        ({"attribute": "code", "op": "eq", "value": "007"}, ["p1"]),
        ({"attribute": "code", "op": "eq", "value": 7}, ["p1", "p2"]),
        ({"attribute": "plan", "op": "is_missing"}, ["p1"]),
        ({"attribute": "plan", "op": "is_blank"}, ["p1", "p2"]),
        ({"attribute": "born", "op": "eq", "value": "1990-05-15"}, ["p1"]),
        ({"top": {"n": 1, "by": "spend"}}, ["p1"]),
        ({"list": {"in": "vip"}}, ["p2"]),
        (
            {"did": {"event": "signed_up", "within": {"last": 53, "unit": "hour"}}},
            ["p2"],
        ),
        ({"did": {"event": "signed_up", "within": {"last": 52, "unit": "hour"}}}, []),
    ],
)
def test_csv_files(files: dict[str, Any], node: Any, expected: list[str]) -> None:
    assert members(rule(node), **files, as_of=AS_OF) == expected


def test_struct_properties_are_typed(files: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    with connect() as connection:
        connection.execute(
            "copy (select 'e1' as event_id, 'p1' as profile_id, 'x' as event, "
            "timestamp_ns '2025-05-14 10:00:00' as occurred_at, "
            "{'n': 5, 'at': timestamp '2025-05-14 09:00:00', 'in': {'k': ['a']}} "
            f"as properties) to '{path}' (format parquet)"
        )
    where = [
        {"property": "n", "op": "eq", "value": "5"},
        {"property": "at", "op": "in_last", "value": 4, "unit": "hour"},
        {"property": "in.k", "op": "has_any", "value": ["a"]},
        {"property": "never", "op": "is_missing"},
    ]
    node = {"did": {"event": "x", "where": where}}
    found = members(rule(node), **{**files, "events": path}, as_of=AS_OF)
    assert found == ["p1"]


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ({"attribute": "contry", "op": "eq", "value": "GB"}, "rule.attribute"),
        ({"attribute": "born", "op": "eq", "value": "soon"}, "rule.value"),
        (
            {"attribute": "born", "op": "in_last", "value": 3, "unit": "hour"},
            "rule.unit",
        ),
        ({"top": {"n": 1, "by": "none"}}, "rule.top.by"),
        (
            {"related": {"entity": "transactions", "quantifier": "any"}},
            "rule.related.entity",
        ),
        ({"list": {"in": "vop"}}, "rule.list"),
        ({"segment": {"in": "absent"}}, "rule.segment"),
        ({"sql": {"select": "select 1"}}, "rule.sql.select"),
        ({"attribute": "country", "op": "matches", "value": r"\8"}, "rule.value"),
    ],
)
def test_what_the_data_lack_is_refused(
    files: dict[str, Any], node: Any, path: str
) -> None:
    with pytest.raises(RuleInvalid) as caught:
        members(rule(node), **files, as_of=AS_OF)
    assert [fault.path for fault in caught.value.faults] == [path]
    assert [fault.path for fault in validate(rule(node), **files)] == [path]


def test_events_are_needed(files: dict[str, Any]) -> None:
    with pytest.raises(RuleInvalid, match="needs events"):
        members(rule({"did": {"event": "x"}}), profiles=files["profiles"], as_of=AS_OF)


def test_circles_are_refused_by_name(files: dict[str, Any], tmp_path: Path) -> None:
    for id_, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = f"segment: {id_}\nrule: {{not: {{segment: {{in: {other}}}}}}}"
        (tmp_path / f"{id_}.yaml").write_text(text)
    with pytest.raises(RuleInvalid, match="a → b → c → a"):
        members(tmp_path / "a.yaml", **files, as_of=AS_OF)


def test_a_repeated_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("profile_id\na\na\n")
    with pytest.raises(UsageError, match="1 repeat"):
        members(rule({"all": []}), profiles=tmp_path / "p.csv", as_of=AS_OF)


@pytest.mark.parametrize("text", ["x\na\n", "profile_id\n"])
def test_forms_of_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    if text.startswith("x"):
        with pytest.raises(UsageError, match="no column profile_id"):
            members(rule({"all": []}), profiles=tmp_path / "p.csv", as_of=AS_OF)
    else:
        assert (
            members(rule({"all": []}), profiles=tmp_path / "p.csv", as_of=AS_OF) == []
        )


def test_properties_are_json_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("profile_id\np1\n")
    header = "event_id,profile_id,event,occurred_at,properties\n"
    events = tmp_path / "e.csv"
    given: dict[str, Any] = {"profiles": tmp_path / "p.csv", "events": events}
    events.write_text(header + 'e1,p1,x,2025-05-10,""\ne2,p1,x,2025-05-10,\n')
    where = [{"property": "k", "op": "is_missing"}]
    times = {"op": "eq", "value": 2}
    node = {"did": {"event": "x", "where": where, "times": times}}
    assert members(rule(node), **given, as_of=AS_OF) == ["p1"]
    events.write_text(header + "e1,p1,x,2025-05-10,{k\n")
    with pytest.raises(UsageError, match="properties are no JSON in 1 row;"):
        members(rule(node), **given, as_of=AS_OF)


def test_count_preview_overlap(files: dict[str, Any]) -> None:
    everyone, gb = {"all": []}, {"attribute": "country", "op": "eq", "value": "GB"}
    assert count(rule(everyone), **files, as_of=AS_OF) == 3
    rows = preview(rule(everyone), **files, as_of=AS_OF, limit=2)
    assert [row["profile_id"] for row in rows] == ["p1", "p2"]
    assert rows[0]["plan"] is None and rows[1]["plan"] == ""
    both = overlap(rule(everyone), rule(gb), **files, as_of=AS_OF)
    assert (both.first, both.second, both.both) == (3, 1, 1)


def test_validate_without_data() -> None:
    assert validate(rule({"attribute": "anything", "op": "is_true"})) == []
    assert validate("segment: a\nrule: {}")[0].path == "rule"


def test_explain_tells_each_condition(files: dict[str, Any]) -> None:
    node = {
        "all": [
            {
                "did": {
                    "event": "page_viewed",
                    "where": [{"property": "page", "op": "eq", "value": "/pricing"}],
                    "within": {"last": 7, "unit": "day"},
                }
            },
            {"not": {"did": {"event": "signed_up"}}},
            {"attribute": "born", "op": "older_than", "value": 18, "unit": "year"},
            {"top": {"n": 2, "by": "spend"}},
        ]
    }
    found = explain(rule(node), **files, as_of=AS_OF, profile_id="p2")
    assert (found.profiles, found.members, found.holds) == (3, 1, False)
    assert [(c.path, c.admits, c.mode, c.holds) for c in found.conditions] == [
        ("rule.all[0].did", 1, Mode.TICK, False),
        ("rule.all[1].not.did", 1, Mode.INSTANT, True),
        ("rule.all[2].attribute", 1, Mode.TICK, False),
        ("rule.all[3].top", 2, Mode.BATCH, True),
    ]
    assert found.conditions[0].next_at == datetime(2025, 5, 17, 10, tzinfo=UTC)
    assert found.conditions[2].next_at == datetime(2025, 5, 15, tzinfo=UTC)
    (used,) = found.properties
    assert (used.property, used.storage) == ("page", "json")
    assert used.saves_ms >= 0
    assert "SELECT" in found.sql


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            {
                "lifecycle": {
                    "any_event": True,
                    "state": "stopped",
                    "active": {"last": 3, "unit": "day"},
                    "silent": {"last": 5, "unit": "day"},
                }
            },
            datetime(2025, 5, 15, 10, tzinfo=UTC),
        ),
        (
            {
                "did": {
                    "any_event": True,
                    "within": {"last": 1, "unit": "month", "mode": "calendar"},
                }
            },
            datetime(2025, 6, 1, tzinfo=UTC),
        ),
        (
            {
                "sequence": {
                    "steps": [
                        {"event": "signed_up"},
                        {
                            "event": "x",
                            "absent": True,
                            "gap": {"lte": 1, "unit": "month"},
                        },
                    ]
                }
            },
            datetime(2025, 6, 12, 8, tzinfo=UTC),
        ),
    ],
)
def test_the_next_tick(files: dict[str, Any], node: Any, expected: datetime) -> None:
    (found,) = explain(rule(node), **files, as_of=AS_OF).conditions
    assert (found.mode, found.next_at) == (Mode.TICK, expected)


@pytest.mark.parametrize(("end", "expected"), [("last", ["b"]), ("first", ["a"])])
def test_of_events_of_one_instant_the_id_tells_the_end(
    tmp_path: Path, end: str, expected: list[str]
) -> None:
    at = "2025-05-01T00:00:00"
    (tmp_path / "p.csv").write_text("profile_id\na\nb\nc\n")
    (tmp_path / "e.csv").write_text(
        "event_id,profile_id,event,occurred_at,properties\n"
        f"""10,a,x,{at},"{{""page"": ""y""}}"\n21,a,x,{at},"{{""page"": ""n""}}"\n"""
        f"""11,b,x,{at},"{{""page"": ""n""}}"\n20,b,x,{at},"{{""page"": ""y""}}"\n"""
        f"""12,c,x,{at},"{{""page"": ""n""}}"\n"""
    )
    node = {
        end: {"event": "x", "has": [{"property": "page", "op": "eq", "value": "y"}]}
    }
    files = {"profiles": tmp_path / "p.csv", "events": tmp_path / "e.csv"}
    assert members(rule(node), **files, as_of=AS_OF) == expected


def test_a_tick_of_a_segment_is_that_of_its_conditions(
    files: dict[str, Any], tmp_path: Path
) -> None:
    week = {"did": {"any_event": True, "within": {"last": 7, "unit": "day"}}}
    for name, node in (("inner", week), ("outer", {"segment": {"in": "inner"}})):
        document = {"segment": name, "rule": node}
        (tmp_path / f"{name}.yaml").write_text(json.dumps(document))
    (alone,), (through,) = (
        explain(tmp_path / f"{name}.yaml", **files, as_of=AS_OF).conditions
        for name in ("inner", "outer")
    )
    assert alone.mode is Mode.TICK and alone.next_at is not None
    assert (through.mode, through.next_at) == (Mode.TICK, alone.next_at)


def test_what_does_not_run_live_is_batch(files: dict[str, Any]) -> None:
    foreign = {"attribute": "country", "op": "matches", "value": r"\pL"}
    (found,) = explain(rule(foreign), **files, as_of=AS_OF).conditions
    assert found.mode is Mode.BATCH


def test_explain_knows_no_stranger(files: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no such profile"):
        explain(rule({"all": []}), **files, as_of=AS_OF, profile_id="zz")


def test_a_computed_trait_is_batch_and_nothing_live_reads_it(
    files: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "traits"
    folder.mkdir()
    (folder / "seen.yaml").write_text(
        "{trait: seen, agg: count, any_event: true, within: {last: 30, unit: day}}"
    )
    one = rule({"attribute": "seen", "op": "gte", "value": 1})
    given = {**files, "traits": folder}
    (found,) = explain(one, **given, as_of=AS_OF).conditions
    assert (found.mode, found.next_at) == (Mode.BATCH, None)
    live = LiveSegments([parse(one)], lambda profile: None, traits=["seen"])
    ((fault,),) = live.batch.values()
    assert "computed trait" in fault.wrong


def test_diff_is_by_condition() -> None:
    gb = {"attribute": "country", "op": "eq", "value": "GB"}
    did, seen = {"did": {"event": "x"}}, {"did": {"event": "y"}}
    old = parse(rule({"all": [gb, did]}))
    new = parse(
        rule(
            {"all": [seen, gb, {"consent": {"purpose": "a", "status": "denied"}}]},
            timezone="Europe/London",
        )
    )
    assert [(c.kind, c.path) for c in diff(old, new)] == [
        ("setting", "timezone"),
        ("changed", "rule.all[0].did"),
        ("added", "rule.all[2].consent"),
    ]
    assert diff(old, old) == ()
    swapped = parse(rule({"any": [gb, did]}))
    assert [c.kind for c in diff(old, swapped)] == ["logic"]
    assert [c.kind for c in diff(new, parse(rule(gb)))] == [
        "setting",
        "removed",
        "removed",
    ]


def test_one_and_true_are_different_rules() -> None:
    one, true = (
        parse(rule({"attribute": "a", "op": "eq", "value": value}))
        for value in (1, True)
    )
    assert [c.kind for c in diff(one, true)] == ["changed"]


@pytest.mark.parametrize("key", EXAMPLES)
def test_each_node_has_an_example_that_runs(
    key: str, files: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "customers.yaml").write_text("segment: customers\nrule: {any: []}")
    path = tmp_path / "example.yaml"
    path.write_text(repr(rule(dict(EXAMPLES[key]))).replace("True", "true"))
    found = members(path, **files, as_of=AS_OF)
    assert set(found) <= {"p1", "p2", "p3"}
    assert next(iter(EXAMPLES[key])) == key


def test_the_schema_takes_the_examples_and_refuses_faults() -> None:
    schema = language_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert all(validator.is_valid(example) for example in schema["examples"])
    assert not validator.is_valid(rule({"did": {"event": "x", "when": 1}}))
    assert not validator.is_valid(rule({"attribute": "a", "op": "in", "value": []}))


def test_many_conditions_compile(files: dict[str, Any]) -> None:
    parts = [{"attribute": "country", "op": "eq", "value": f"c{i}"} for i in range(800)]
    parts.append({"attribute": "country", "op": "eq", "value": "GB"})
    assert members(rule({"any": parts}), **files, as_of=AS_OF) == ["p1"]


def test_exported_names_are_sorted_and_few() -> None:
    assert dmp.segments.__all__ == sorted(dmp.segments.__all__)
    assert len(dmp.segments.__all__) <= 12


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, dmp.segments; heavy = {'duckdb', 'pandas', 'sklearn', 'numpy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(dmp.segments.__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"
