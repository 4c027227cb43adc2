"""Writes the data of a conformance case as Parquet and CSV files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmp.core.sql import Name, Query, quote_file
from dmp.segments.file_tables import connect
from dmp.segments.sources import type_of

_EVENT_TYPES = {
    "event_id": "VARCHAR",
    "profile_id": "VARCHAR",
    "event": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "properties": "VARCHAR",
}
_CONSENT = ("profile_id", "purpose", "status", "captured_at")
Row = Mapping[str, Any]


def write_rule(folder: Path, id_: str, document: Mapping[str, Any]) -> Path:
    """Write a segment file and return it."""
    path = folder / f"{id_}.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def write_files(folder: Path, case: Mapping[str, Any]) -> dict[str, Any]:
    """Write the data of a case and return the files as `members` takes them."""
    given: dict[str, Any] = {
        "profiles": folder / "profiles.parquet",
        "events": folder / "events.parquet",
    }
    profiles = [{"profile_id": p, **row} for p, row in case["profiles"].items()]
    write_table(given["profiles"], profiles, case.get("types", {}))
    write_table(given["events"], list(_events(case)), _EVENT_TYPES)
    if "related" in case:
        given["related"] = {
            entity: _related(folder / f"{entity}.parquet", people)
            for entity, people in case["related"].items()
        }
    if "consent" in case:
        given["consent"] = folder / "consent.csv"
        decisions = [[p, *row] for p, rows in case["consent"].items() for row in rows]
        _write_csv(given["consent"], _CONSENT, decisions)
    if "lists" in case:
        given["lists"] = folder
        for name, people in case["lists"].items():
            _write_csv(folder / f"{name}.csv", ["profile_id"], [[p] for p in people])
    return given


def _events(case: Mapping[str, Any]) -> Iterable[Row]:
    for person, history in case.get("events", {}).items():
        for n, event in enumerate(history):
            yield _event(person, n, *event)


def _event(
    person: str, n: int, event: str, at: str, given: Any = None, id_: str = ""
) -> Row:
    return {
        "event_id": id_ or f"{person}-{n}",
        "profile_id": person,
        "event": event,
        "occurred_at": at,
        "properties": json.dumps(given) if given is not None else None,
    }


def _related(path: Path, people: Mapping[str, Sequence[Row]]) -> Path:
    rows = [{"profile_id": p, **row} for p, rows in people.items() for row in rows]
    write_table(path, rows, {})
    return path


def _write_csv(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def write_table(path: Path, rows: Sequence[Row], types: Mapping[str, str]) -> None:
    """Write rows as Parquet; without a type a column is text, number or boolean."""
    names = list(dict.fromkeys([name for row in rows for name in row] or types))
    columns = ", ".join(
        f"{Name(name)} {type_of(types.get(name) or _kind(rows, name)).sql('duckdb')}"
        for name in names
    )
    marks = ", ".join("?" for _ in names)
    with connect() as connection:
        connection.execute(f"create table t ({columns})")
        for row in rows:
            values = [row.get(name) for name in names]
            connection.execute(f"insert into t values ({marks})", values)
        file = Query(quote_file(path)).text
        connection.execute(f"copy t to {file} (format parquet)")


def _kind(rows: Sequence[Row], name: str) -> str:
    found = next((row[name] for row in rows if row.get(name) is not None), "")
    if isinstance(found, bool):
        return "BOOLEAN"
    return "VARCHAR" if isinstance(found, str) else "DOUBLE"
