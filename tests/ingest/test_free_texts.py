from __future__ import annotations

import string
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from door import Door, contract, opened_door

from dmp.core.sql import Query
from dmp.ingest.contracts import FieldSpec
from dmp.ingest.file_rows import open_file
from dmp.ingest.free_texts import left_as_they_are, mapped_row_sql
from dmp.ingest.mapping import typed_row_sql
from dmp.ingest.readings import define_readers, reading
from dmp.storage.lake import Lake

TEXTS = (
    "plain",
    "  in spaces ",
    " ",
    "",
    "write to jane@mail.example",
    "\tcall +44 7700 900123\t",
    "https://shop.example/way/of?card=4111111111111111#there",
    "\u00a0caf\u00e9\u00a0",
    "gold",
)
FIELDS: dict[str, dict[str, Any]] = {
    "alone": {"from": "h"},
    "twice": {"from": "a"},
    "path": {"from": "b", "type": "path"},
    "required": {"from": "c", "required": True},
    "first": {"from": ["d", "a"]},
    "named": {"from": "e", "values": {"gold": "au", "plain": "x@mail.example"}},
    "patterned": {"from": "f", "pattern": ".*[a-z]"},
    "shared": {"from": "id"},
    "clear": {"from": "g", "type": "name", "class": "direct"},
}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened_door(tmp_path_factory.mktemp("door")) as opened:
        define_readers(opened.lake)
        yield opened


def test_a_text_is_stored_as_it_would_be_read_at_once(door: Door) -> None:
    read = contract(fields={n: {**f, "purpose": "a"} for n, f in FIELDS.items()})
    door.file("id,a,b,c,d,e,f,g,h\n" + "".join(map(_row, TEXTS)))
    rows = open_file(door.lake, read, door.folder / "input", door.folder)
    at = "timestamptz '2026-07-01 00:00:00+00'"
    rows.stage_typed(door.lake, read.places(), partial(typed_row_sql, read, at))
    door.lake.view("mapped_row", mapped_row_sql(read, Query("from typed_row")))
    columns = ", ".join(f'"field.{name}"' for name in FIELDS)
    found = door.lake.rows(f"select {columns} from mapped_row order by line")
    assert found == [
        tuple(_read(door.lake, spec, text) for spec in read.fields.values())
        for text in TEXTS
    ]
    faults = (
        "select line - 2, list_transform(faults, lambda f: f.field) from mapped_row"
    )
    unread = {
        TEXTS[at]: {*fields} - {"subject"} for at, fields in door.lake.rows(faults)
    }
    assert unread == {text: _unread(text) for text in TEXTS}


def _row(text: str) -> str:
    return ",".join([f'"{text}"'] * 9) + "\n"


def _read(lake: Lake, spec: FieldSpec, text: str) -> Any:
    cells = ", ".join(f'$text as "raw.{place}"' for place in spec.from_)
    query = f"select {reading(spec, contract())} from (select {cells})"
    return lake.value(query, text=text)


def _unread(text: str) -> set[str]:
    text = text.strip(" \u00a0")
    unread = set() if text else {"required"}
    if text and text not in ("gold", "plain"):
        unread.add("named")
    if text and text[-1] not in string.ascii_lowercase:
        unread.add("patterned")
    return unread


def test_texts_that_others_need_are_not_left() -> None:
    read = contract(fields={n: {**f, "purpose": "a"} for n, f in FIELDS.items()})
    assert left_as_they_are(read) == {"b", "h"}
