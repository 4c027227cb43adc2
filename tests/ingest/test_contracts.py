from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from door import Door, contract
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
