from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sample_workspace import REPOSITORY

from dmp.activation.destinations import chosen, read_destinations, write_audience
from dmp.core.errors import ConfigInvalid, UnknownName
from dmp.storage.lake import Lake

PLAIN: dict[str, Any] = {
    "destination": "shop",
    "file": {"folder": "out"},
    "purpose": "advertising",
}


def read(folder: Path, document: dict[str, Any], name: str = "shop") -> Any:
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))
    return read_destinations(folder)[name]


def test_all_faults_of_a_destination_are_told_with_their_paths(tmp_path: Path) -> None:
    faulty = {
        **PLAIN,
        "purpose": "",
        "identifier": {"type": "Full name", "encoding": "rot13"},
        "max_change_share": 0,
        "floor": 3,
    }
    with pytest.raises(ConfigInvalid, match=r"config/destinations/shop\.yaml") as no:
        read(tmp_path, faulty)
    assert {fault.path for fault in no.value.faults} == {
        "purpose",
        "identifier.type",
        "identifier.encoding",
        "max_change_share",
        "floor",
    }


def test_the_file_is_called_as_the_destination(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="differs from the file's name"):
        read(tmp_path, PLAIN, "other")


@pytest.mark.parametrize(
    ("changes", "floor"),
    [
        ({}, 100),
        ({"minimum": 20}, 100),
        ({"minimum": 300}, 300),
        ({"internal": True}, 1),
    ],
)
def test_the_floor(tmp_path: Path, changes: dict[str, Any], floor: int) -> None:
    assert read(tmp_path, {**PLAIN, **changes}).floor == floor


def test_an_unknown_destination_is_answered_by_a_near_one() -> None:
    known = read_destinations(REPOSITORY / "config" / "destinations")
    with pytest.raises(UnknownName, match="did you mean warehouse"):
        chosen(known, "werehouse")


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_no_value_in_a_csv_is_run_by_a_spreadsheet(
    lake: Lake, tmp_path: Path, format_: str
) -> None:
    values = ["=1+1", "@SUM(1)", "-2+cmd|' /C calc'!A0", "+1+1", "\t=1", "jo@x.example"]
    plain = ["+442079460018", "+" + "a/b1" * 10 + "ab=", "0" * 64]
    staged = lake.stage(
        "out", "select unnest($v::varchar[]) as value", v=[*values, *plain]
    )
    path = tmp_path / f"a.{format_}"
    write_audience(lake, staged, "email", path, format_)
    read = {"csv": "read_csv", "jsonl": "read_json", "parquet": "read_parquet"}[format_]
    options = ", header = true, all_varchar = true" if format_ == "csv" else ""
    found = {
        value for (value,) in lake.rows(f"select email from {read}('{path}'{options})")
    }
    quoted = {f"'{value}" for value in values[:5]} if format_ == "csv" else values[:5]
    assert found == {*quoted, *values[5:], *plain}


def test_the_faults_of_all_destinations_are_told_at_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        document = {**PLAIN, "destination": name, "purpose": ""}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigInvalid) as caught:
        read_destinations(tmp_path)
    told = [fault.path for fault in caught.value.faults]
    assert told == ["one.yaml: purpose", "two.yaml: purpose"]
