from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from door import Door, contract, events
from sample_workspace import REPOSITORY

from dmp.core.errors import ConfigInvalid, UnknownName
from dmp.ingest.contracts import chosen, read_contract, read_contracts

PLAIN: dict[str, Any] = {
    "source": "one",
    "owner": "tests",
    "connector": {"format": "csv", "path": "x.csv"},
    "subject": [{"from": "id", "kind": "record"}],
}


def write(folder: Path, name: str, document: dict[str, Any]) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_all_faults_of_a_contract_are_told_at_once_with_their_paths(
    tmp_path: Path,
) -> None:
    faulty = {
        **PLAIN,
        "subject": [{"from": "id", "kind": "person"}],
        "colour": "blue",
        "fields": {"tier": {"from": "tier"}, "size": {"from": "s", "purpose": []}},
        "connector": {"format": "xlsx", "path": "x"},
    }
    with pytest.raises(ConfigInvalid) as caught:
        read_contract(write(tmp_path, "one", faulty))
    assert {fault.path for fault in caught.value.faults} - {"subject"} == {
        "subject.0.kind",
        "colour",
        "fields.tier.purpose",
        "fields.size.purpose",
        "connector.format",
    }


def test_one_name_of_two_types_is_a_fault(tmp_path: Path) -> None:
    for name, type_ in (("one", "integer"), ("two", "number")):
        fields = {"age": {"from": "age", "type": type_, "purpose": "a"}}
        write(tmp_path, name, {**PLAIN, "source": name, "fields": fields})
    with pytest.raises(
        ConfigInvalid, match=r"two\.age: attribute of type DOUBLE"
    ) as no:
        read_contracts(tmp_path)
    assert len(no.value.faults) == 1


def test_the_file_is_called_as_the_source(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="differs from the file's name"):
        read_contract(write(tmp_path, "other", PLAIN))


@pytest.mark.parametrize(
    "type_", ["name", "email", "phone", "md5", "sha1", "sha256", "uid2"]
)
def test_what_names_a_person_is_direct(type_: str) -> None:
    field = {"from": "x", "type": type_, "purpose": "a"}
    with pytest.raises(ConfigInvalid, match=r"fields\.x: .*class: direct"):
        contract(fields={"x": field})
    contract(fields={"x": {**field, "class": "direct"}})


def test_an_identifier_is_direct() -> None:
    field = {"from": "x", "purpose": "a", "identifier": {"type": "ad_id"}}
    with pytest.raises(ConfigInvalid, match="an identifier is of class direct"):
        contract(fields={"x": field})


def test_nothing_direct_goes_into_events_or_purchases() -> None:
    direct = {"from": "x", "class": "direct", "purpose": "a"}
    event = {
        "message_id": "m",
        "platform": "web",
        "occurred_at": {"from": "at"},
        "names": {"seen": {"type": "page"}},
        "properties": {"who": direct},
    }
    with pytest.raises(ConfigInvalid, match="who would be stored in the lake"):
        contract(event=event)
    purchase = {"id": "n", "occurred_at": {"from": "at"}, "amount": direct}
    with pytest.raises(ConfigInvalid, match="amount would be stored in the lake"):
        contract(transaction=purchase)


def test_a_field_keeps_the_type_that_the_lake_stores(door: Door) -> None:
    door.load(contract(), "id,tier\n1,gold\n")
    before = door.lake.snapshot()
    number = {"tier": {"from": "tier", "type": "integer", "purpose": "a"}}
    with pytest.raises(ConfigInvalid, match=r"attributes\.tier: of type BIGINT"):
        door.load(contract(fields=number), "id,tier\n1,3\n")
    assert door.lake.snapshot() == before


def test_an_unknown_source_is_answered_by_a_near_one() -> None:
    contracts = read_contracts(REPOSITORY / "config" / "sources")
    with pytest.raises(UnknownName, match="did you mean partner"):
        chosen(contracts, "partners")
    assert chosen(contracts, "crm").source == "crm"


def test_what_is_stored_decides_the_version() -> None:
    assert contract(description="x").version == contract(owner="y").version
    assert contract(timezone="Europe/Paris").version != contract().version
    born = {"from": "a", "purpose": "a", "type": "date"}
    known, past = ({"born": {**born, "past": value}} for value in (False, True))
    assert contract(fields=known).version == contract(fields={"born": born}).version
    assert contract(fields=past).version != contract(fields={"born": born}).version


WRONG = {
    "an unknown zone": ({"timezone": "Mars/Base"}, "timezone"),
    "a path for a zone": ({"timezone": "../../etc/passwd"}, "timezone"),
    "a region without phones": ({"phone_region": "ZZ"}, "phone_region"),
    "a quote between cells": (
        {"connector": {"format": "csv", "path": "x", "delimiter": '"'}},
        "connector.delimiter",
    ),
    "no path": ({"connector": {"format": "csv", "path": ""}}, "connector.path"),
    "a format of nothing": ({"recorded_at": {"from": "a", "formats": "soon"}}, "rec"),
    "an unread format": ({"recorded_at": {"from": "a", "formats": "%Y-%Q"}}, "rec"),
    "a torn format": ({"recorded_at": {"from": "a", "formats": "%Y%"}}, "recorded_at"),
    "a field called by a sign": ({"fields": {"a b": {"from": "a"}}}, "fields.a b"),
    "fields that differ by case": (
        {"fields": {n: {"from": n, "purpose": "a"} for n in ("tier", "Tier")}},
        "document: .*Tier: another field is called so",
    ),
    "the least of a text": (
        {"fields": {"a": {"from": "a", "purpose": "a", "minimum": 1}}},
        "minimum is for integers",
    ),
    "a text in the past": (
        {"fields": {"a": {"from": "a", "purpose": "a", "past": True}}},
        "past is for dates and years",
    ),
    "no least": (
        {
            "fields": {
                "a": {
                    "from": "a",
                    "purpose": "a",
                    "type": "number",
                    "minimum": float("nan"),
                }
            }
        },
        "fields.a.minimum",
    ),
    "formats of a text": (
        {"fields": {"a": {"from": "a", "purpose": "a", "formats": "%Y"}}},
        "formats are for dates",
    ),
    "a list for a word": ({"owner": ["x"], "source": 3}, "owner"),
    "no subject": ({"subject": []}, "subject"),
    "a mapping for a list": ({"subject": {"from": "id"}}, "subject"),
}


@pytest.mark.parametrize(("parts", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_contract_that_cannot_be_meant_is_refused(parts: Any, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told):
        contract(**parts)


def test_events_without_names_are_refused() -> None:
    with pytest.raises(ConfigInvalid, match=r"event\.names"):
        events(names={})


def test_a_pattern_is_asked_of_the_engine_that_will_use_it(door: Door) -> None:
    field = {"from": "tier", "purpose": "a", "pattern": "(?=x)"}
    with pytest.raises(ConfigInvalid, match=r"fields\.tier\.pattern: no regular"):
        door.load(contract(fields={"tier": field}), "id,tier\n1,x\n")


BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(i)}: &{chr(i)} [{', '.join([f'*{chr(i - 1)}'] * 8)}]\n"
    for i in range(ord("b"), ord("m"))
)
BOMBS = {
    "aliases of aliases": (BOMB, "holds more than 50,000 values"),
    "an alias of itself": ("a: &a [*a]", "holds more than 50,000 values"),
    "merges of merges": (
        "a0: &a0 {x: 1}\n"
        + "".join(
            f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 40)
        ),
        "holds more than 50,000 values",
    ),
    "ten thousand lists": ("[" * 10_000, "nested too deeply"),
    "two megabytes": ("# " + "x" * (2 << 20), "larger than 1 MiB"),
    "a key twice": ("owner: a\nowner: b", "line 2: .* 'owner' stands twice"),
    "a key that is a list": ("? [a]\n: b", "a key is a list or mapping"),
    "a Python object": ("!!python/object/apply:os.system [x]", "not readable as YAML"),
    "a day that is none": ("a: 2026-13-45", "not readable as YAML"),
    "a tag that does not fit": ("a: !!timestamp x", "not readable as YAML"),
    "a number without end": ("a: " + "9" * 5000, "not readable as YAML"),
    "a zero byte": ('a: "\\0"', "zero byte"),
    "half a character": ('a: "\\uD800"', "half a character"),
    "two documents": ("a: 1\n---\nb: 2", "found another document"),
    "a list": ("[1]", "not a mapping"),
}


@pytest.mark.parametrize(("text", "told"), BOMBS.values(), ids=BOMBS.keys())
def test_a_hostile_contract_is_refused_in_words(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid, match=told):
        read_contract(path)


def test_a_contract_that_is_no_text_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"owner: Zo\xeb")
    with pytest.raises(ConfigInvalid, match="is not UTF-8"):
        read_contract(tmp_path / "latin.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "absent")
    for name, told in (("pipe", "regular"), ("folder", "regular"), ("gone", "there")):
        with pytest.raises(ConfigInvalid, match=told):
            read_contract(tmp_path / f"{name}.yaml")


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "one", {**PLAIN, "colour": "blue", "owner": 1})
    write(tmp_path, "two", {**PLAIN, "source": "three"})
    (tmp_path / "four.yaml").write_text("[")
    with pytest.raises(ConfigInvalid) as caught:
        read_contracts(tmp_path)
    assert [fault.path for fault in caught.value.faults] == [
        "four.yaml: line 1",
        "one.yaml: owner",
        "one.yaml: colour",
        "two.yaml: source",
    ]
