"""Reading a file while it is mapped gives what staging it first gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from door import Door, contract, opened_door
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmp.core.errors import DMPError
from dmp.core.sql import Query
from dmp.ingest.connectors import stage_file
from dmp.ingest.contracts import Contract
from dmp.ingest.file_rows import open_file
from dmp.ingest.free_texts import mapped_row_sql
from dmp.ingest.mapping import typed_row_sql
from dmp.ingest.texts import look_at

PURPOSE = {"purpose": "analytics"}
FIELDS = {
    "tier": {"from": ["tier", "deep.tier"], **PURPOSE},
    "size": {"from": "deep.size", "type": "number", **PURPOSE},
    "born": {"from": "born", "type": "date", "on_fault": "drop", **PURPOSE},
    "is_new": {"from": "is_new", "type": "boolean", **PURPOSE},
}
CONSENT = [
    {"purpose": "ads", "from": "ads", "granted": ["yes", "1"], "denied": ["no", "0"]}
]
AT = "timestamptz '2026-07-01'"


def read_by(format_: str) -> Contract:
    return contract(format_, fields=FIELDS, consent=CONSENT)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


def mapped(door: Door, read: Contract, *, staged: bool) -> tuple[Any, ...]:
    """What becomes of the file `input`, whichever way it is read."""
    lake, path = door.lake, door.folder / "input"
    opened = stage_file if staged else open_file
    try:
        rows = opened(lake, read, path, door.folder)
        rows.stage_typed(lake, read.places(), partial(typed_row_sql, read, AT))
        lake.view("mapped_row", mapped_row_sql(read, Query("from typed_row")))
    except DMPError as error:
        return type(error).__name__, str(error)
    columns = lake.sql("select * from mapped_row limit 0").columns
    names = ", ".join(f'"{n}"' for n in sorted(columns) if n != "body")
    faulty = "(select line from mapped_row where len(faults) > 0)"
    bodies = lake.rows(
        f"select * from ({rows.bodies()}) where line in {faulty} order by line"
    )
    return (
        lake.rows(f"select {names} from mapped_row order by line"),
        lake.rows("select line, body, reason from rejected_row order by all"),
        [(line, _without_line(body)) for line, body in bodies],
        rows.undeclared(lake, read.places()),
    )


def _without_line(body: str) -> Any:
    return {k: v for k, v in json.loads(body).items() if k != "line"}


def check(door: Door, read: Contract, content: str) -> None:
    door.file(content.encode(errors="surrogatepass"))
    assert mapped(door, read, staged=False) == mapped(door, read, staged=True)


NUMBERS = st.sampled_from(
    "1 1.10 1e16 1e-7 5e22 10000000000000000.0 -1E400 -0.0 18446744073709551616".split()
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["yes", "0", " gold ", "1.5", "2024-02-30", "2024-02-29", "true"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["tier", "size", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(["id", "tier", "deep", "born", "is_new", "ads", "TIER", "other"])
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=6).map(json.dumps)
LINES = st.one_of(
    OBJECTS,
    NUMBERS.map(lambda n: f'{{"id": {n}, "tier": {n}, "deep": {{"size": {n}}}}}'),
    st.sampled_from(["", "  ", "[]", "nothing", '{"id": 1, "id": 2}', '{"id": "7"']),
    st.just('{"id": 3, "deep": {"size": 1, "size": 2}}'),
    st.just('{"id": 4, "deep": ' + '{"x": ' * 600 + "1" + "}" * 601),
)
QUICK = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUICK
@given(st.lists(LINES, max_size=40).map("\n".join))
def test_json_lines_are_read_alike(door: Door, content: str) -> None:
    check(door, read_by("jsonl"), content)


HEADER = "id,tier,deep,born,is_new,ads,rowid\n"
CELLS = st.sampled_from(
    ["", "7", " x ", '"two\nlines"', '"a ""b"""', "2024-02-29", "é"]
)
RECORDS = st.one_of(
    st.lists(CELLS, min_size=7, max_size=7).map(",".join),
    st.lists(CELLS, max_size=9).map(",".join),
    st.sampled_from(["", '7,"open', '7,a "b" c,,,,,']),
)


@QUICK
@given(st.lists(RECORDS, max_size=25).map("\n".join))
def test_csv_is_read_alike(door: Door, content: str) -> None:
    check(door, read_by("csv"), HEADER + content)


@pytest.mark.parametrize(
    ("places", "texts"),
    [
        (["deep", "deep.tier"], ('{"tier":"x","a":"y","A":"z"}', "x")),
        (["deep.a", "deep.A"], ("y", "z")),
    ],
    ids=["within", "case"],
)
def test_places_that_no_one_structure_holds(
    door: Door, places: list[str], texts: tuple[str, str]
) -> None:
    fields = {f"f{n}": {"from": p, **PURPOSE} for n, p in enumerate(places)}
    read = contract("jsonl", fields=fields)
    check(door, read, '{"id": 1, "deep": {"tier": "x", "a": "y", "A": "z"}}')
    found = door.lake.rows('select "field.f0", "field.f1" from mapped_row')
    assert found == [texts]


def test_the_mapping_is_planned_without_a_join(door: Door) -> None:
    """A join would hold all columns of all rows in memory."""
    read = read_by("csv")
    door.file(HEADER)
    rows = open_file(door.lake, read, door.folder / "input", door.folder)
    plans = []

    def explained(*values: Any) -> Any:
        query = typed_row_sql(read, AT, *values)
        plans.append(str(door.lake.rows(f"explain {query}")))
        return query

    rows.stage_typed(door.lake, read.places(), explained)
    plans.append(
        str(door.lake.rows(f"explain {mapped_row_sql(read, Query('from typed_row'))}"))
    )
    for plan in plans:
        assert "PROJECTION" in plan and "JOIN" not in plan


MIB = 1 << 20


@pytest.mark.parametrize(
    ("content", "quotes", "is_usual"),
    [
        (b"", True, True),
        (b"x" * (MIB - 1), True, True),
        (b"x" * (2 * MIB) + b"\n", True, False),
        (b"short\n" * MIB, True, True),
        (b'"' + b"\n" * (3 * MIB) + b'"', True, False),
        (b'"' + b"\n" * (3 * MIB) + b'"', False, True),
        (b'"a\nb"\n' * MIB, True, True),
    ],
    ids=["empty", "one", "long", "lines", "quoted", "json", "broken"],
)
def test_how_long_a_line_may_be(
    tmp_path: Path, content: bytes, quotes: bool, is_usual: bool
) -> None:
    (tmp_path / "file").write_bytes(content)
    longest = look_at(tmp_path / "file", quotes=quotes).longest
    assert longest == (8 * MIB if is_usual else 64 * MIB)
