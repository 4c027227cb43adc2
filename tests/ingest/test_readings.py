from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from door import contract

from dmp.core.identifiers import FieldType
from dmp.core.sql import quote_text
from dmp.ingest.contracts import FieldSpec
from dmp.ingest.readings import define_readers, expected, reading
from dmp.storage.lake import Lake

CASES = yaml.safe_load(
    (Path(__file__).parent.parent / "cases" / "readings.yaml").read_text()
)


def test_the_table_has_every_type() -> None:
    assert {case["type"] for case in CASES} == {kind.value for kind in FieldType}


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Lake(tmp_path_factory.mktemp("readings") / "lake") as lake:
        define_readers(lake)
        yield lake


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case['type']}: {case['text']}"[:50] for case in CASES]
)
def test_a_text_is_read_as_its_type_or_not_at_all(duck: Lake, case: Any) -> None:
    options = dict(case.get("options", {}))
    read_by = contract(timezone=options.pop("zone", "UTC"))
    spec = FieldSpec.model_validate(
        {"from": "x", "type": case["type"], "purpose": "a", **options}
    )
    text = f'(select {quote_text(case["text"])} as "raw.x")'
    found = duck.value(f"select ({reading(spec, read_by)})::varchar from {text}")
    assert found == case["as"]
    assert expected(spec)


def test_what_would_be_right_says_so_of_the_past() -> None:
    born = {"from": "x", "type": "date", "purpose": "a", "past": True}
    for formats in ({}, {"formats": "%d.%m.%y"}):
        said = expected(FieldSpec.model_validate({**born, **formats}))
        assert said.endswith(", not in the future")
