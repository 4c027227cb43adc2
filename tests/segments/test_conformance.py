"""Every row of the specification's tables, as data in tests/cases/segments."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from dmp.core.clock import instant
from dmp.segments import members
from dmp.segments.file_tables import connect
from dmp.segments.source import load

FOLDER = Path(__file__).parent.parent / "cases" / "segments"
CASES = [
    pytest.param(case, id=f"{path.stem}-{case['row']}-{case['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in load(path.read_text(encoding="utf-8"), path.name)  # type: ignore[attr-defined]
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    document = {"segment": "case", "rule": case["rule"]}
    document |= {"timezone": case["timezone"]} if "timezone" in case else {}
    rule = write_rule(tmp_path, "case", document)
    for id_, other in case.get("segments", {}).items():
        write_rule(tmp_path, id_, {"segment": id_, **other})
    found = members(
        rule,
        **write_files(tmp_path, case),
        as_of=instant(case.get("as_of", "2025-05-14T12:00:00")),
    )
    assert found == case["members"]


def write_rule(folder: Path, id_: str, document: dict[str, Any]) -> Path:
    path = folder / f"{id_}.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def write_files(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    """Write the data of a case as Parquet and CSV files."""
    given: dict[str, Any] = {"profiles": folder / "profiles.parquet"}
    profiles = [{"profile_id": p, **row} for p, row in case["profiles"].items()]
    write_table(given["profiles"], profiles, case.get("types", {}))
    given["events"] = folder / "events.parquet"
    events = [
        event_row(person, n, *event)
        for person, history in case.get("events", {}).items()
        for n, event in enumerate(history)
    ]
    write_table(given["events"], events, EVENT_TYPES)
    if "related" in case:
        given["related"] = {
            entity: write_related(folder / f"{entity}.parquet", people)
            for entity, people in case["related"].items()
        }
    if "consent" in case:
        given["consent"] = folder / "consent.csv"
        write_csv(
            given["consent"],
            ["profile_id", "purpose", "status", "captured_at"],
            [
                [person, *row]
                for person, rows in case["consent"].items()
                for row in rows
            ],
        )
    if "lists" in case:
        given["lists"] = folder
        for name, people in case["lists"].items():
            write_csv(folder / f"{name}.csv", ["profile_id"], [[p] for p in people])
    return given


EVENT_TYPES = {
    "event_id": "VARCHAR",
    "profile_id": "VARCHAR",
    "event": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "properties": "VARCHAR",
}


def event_row(
    person: str, n: int, event: str, at: str, given: Any = None, id_: str = ""
) -> dict[str, Any]:
    return {
        "event_id": id_ or f"{person}-{n}",
        "profile_id": person,
        "event": event,
        "occurred_at": at,
        "properties": json.dumps(given) if given is not None else None,
    }


def write_related(path: Path, people: dict[str, Any]) -> Path:
    rows = [{"profile_id": p, **row} for p, rows in people.items() for row in rows]
    write_table(path, rows, {})
    return path


def write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def write_table(path: Path, rows: list[dict[str, Any]], types: dict[str, str]) -> None:
    names = list(dict.fromkeys([name for row in rows for name in row] or types))
    kinds = {name: types.get(name) or kind_of(rows, name) for name in names}
    with connect() as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        connection.execute(f"create table t ({columns})")
        marks = ", ".join("?" for _ in names)
        for row in rows:
            values = [row.get(name) for name in names]
            connection.execute(f"insert into t values ({marks})", values)
        connection.execute(f"copy t to '{path}' (format parquet)")


def kind_of(rows: list[dict[str, Any]], name: str) -> str:
    found = next((row[name] for row in rows if row.get(name) is not None), "")
    if isinstance(found, bool):
        return "BOOLEAN"
    return "VARCHAR" if isinstance(found, str) else "DOUBLE"
