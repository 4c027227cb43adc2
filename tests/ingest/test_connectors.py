from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest
from door import Door, contract
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmp.core.errors import ConfigInvalid, UsageError
from dmp.ingest.csv_rows import stage_csv
from dmp.ingest.texts import look_at

NAMES = contract(fields={"name": {"from": "name", "purpose": "a"}})


def names(door: Door) -> list[str]:
    return [
        name
        for (name,) in door.lake.rows(
            "select attributes.name from core.record order by 1"
        )
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,name\n1,Zoë\n".encode(), ["Zoë"]),
        ("id,name\n1,Zoë\n".encode("utf-8-sig"), ["Zoë"]),
        ("id,name\n1,Zoë\n".encode("cp1252"), ["Zoë"]),
        ("id,name\n1,Zoë\n".encode() + "2,Noël\n".encode("cp1252"), ["Noël", "Zoë"]),
        (b"id,name\r\n1,Zoe\n2,Noel\r\n", ["Noel", "Zoe"]),
        (b'id,name\n1,"Zoe, the\nfirst"\n', ["Zoe, the\nfirst"]),
        (b'id,name\n1,"Zoe ""Z"" Smith"\n', ['Zoe "Z" Smith']),
        (b"id,name\n# 1,Zoe\n", ["Zoe"]),
    ],
    ids=["utf-8", "mark", "cp1252", "mixed", "breaks", "quoted", "quotes", "hash"],
)
def test_a_text_file_is_read_as_it_was_meant(
    door: Door, content: bytes, expected: list[str]
) -> None:
    report = door.load(NAMES, content)
    assert names(door) == expected
    assert report.rows_refused == 0


def test_a_declared_encoding_is_used(door: Door) -> None:
    connector = {"format": "csv", "path": "x", "encoding": "cp1252"}
    made = contract(connector=connector, fields=NAMES.fields)
    door.load(made, "id,name\n1,Zoë\n".encode("cp1252"))
    assert names(door) == ["Zoë"]


def test_another_delimiter(door: Door) -> None:
    connector = {"format": "csv", "path": "x", "delimiter": ";"}
    door.load(contract(connector=connector, fields=NAMES.fields), 'id;name\n1;"a;b"\n')
    assert names(door) == ["a;b"]


def test_rejected_rows_stand_under_their_line_of_the_file(door: Door) -> None:
    text = 'id,name\n1,"two\nlines"\n\n2,a,b\n3\n4,"open" quote\n,nobody\n'
    text += '5,"x\n\ny"\n,last\n'
    report = door.load(NAMES, text)
    refused = door.lake.rows(
        "select line, field, reason from raw.refused order by line"
    )
    assert refused == [
        (5, "", "too many columns"),
        (6, "", "missing columns"),
        (7, "", "unquoted value"),
        (8, "subject", "missing"),
        (12, "subject", "missing"),
    ]
    assert (report.rows_read, report.rows_accepted) == (7, 2)
    bodies = door.stores.bodies.read("things", report.load_id).to_pylist()
    assert bodies[0] == {"line": 5, "body": "2,a,b"}


CELLS = st.text(st.sampled_from('ab ",\n#é'), max_size=5)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_every_row_that_csv_can_write_is_read(
    door: Door, rows: Sequence[tuple[str, str]], ending: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=ending, quoting=csv.QUOTE_ALL)
    places = []
    for row in [("id", "name"), *rows]:
        places.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    path = door.file(text.getvalue().encode())
    stage_csv(door.lake, look_at(path, quotes=True), ",")
    found = door.lake.rows("select line, id, name from raw_row order by line")
    blank = [(line, i or "", name or "") for line, i, name in found]
    assert blank == [(n, *row) for n, row in zip(places[1:], rows, strict=True)]
    assert door.lake.rows("select * from rejected_row") == []


def test_an_empty_file_and_one_with_a_header_only(door: Door) -> None:
    with pytest.raises(UsageError, match="input is empty: not even a header line"):
        door.load(NAMES, "")
    report = door.load(NAMES, "id,name\n")
    assert report.is_new and report.rows_read == 0


def test_a_missing_column_is_answered_by_the_near_one(door: Door) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        door.load(NAMES, "ident,Name,town\n1,a,b\n")
    told = [(fault.path, fault.right) for fault in caught.value.faults]
    assert told == [
        ("id", "it has: ident, Name, town"),
        ("name", "did you mean Name?"),
    ]
    assert door.lake.value("select count(*) from ops.load") == 0


def test_a_torn_json_line_is_refused_alone(door: Door) -> None:
    made = contract("jsonl", fields=NAMES.fields)
    text = '{"id": 1, "name": "a"}\n\n[1]\n\t{"id": 2, "name": "b"}\n{"id": 3, "na'
    report = door.load(made, text)
    assert names(door) == ["a", "b"]
    assert (report.rows_read, report.rows_refused) == (4, 2)
    lines = door.lake.rows("select line, reason from raw.refused order by line")
    assert lines == [(3, "not a JSON object"), (5, "not a JSON object")]


def test_an_empty_json_file_is_a_load_of_nothing(door: Door) -> None:
    assert door.load(contract("jsonl", fields=NAMES.fields), "").rows_read == 0


def test_repeated_and_nameless_columns_do_not_hide_one_another(door: Door) -> None:
    report = door.load(NAMES, "id,name,NAME,,line\n1,a,b,c,d\n")
    assert names(door) == ["a"]
    assert report.fields_undeclared == ("NAME_1", "column3", "line_1")
