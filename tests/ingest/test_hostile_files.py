from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from door import NOW, Door, contract, opened_door
from hostile_files import CASES, Case, csv, row

from dmp.core.errors import DMPError, UsageError
from dmp.ingest.batch import files_of, load_file
from dmp.ingest.contracts import Contract

pytestmark = pytest.mark.slow

FIELDS: dict[str, Any] = {
    "name": {"from": "name", "purpose": "a"},
    "n": {"from": "n", "type": "number", "purpose": "a"},
    "day": {"from": "day", "type": "date", "purpose": "a"},
}


@pytest.fixture(scope="module")
def one_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door for all cases: each is a source of its own."""
    with opened_door(tmp_path_factory.mktemp("hostile")) as door:
        yield door


def source(number: int, format_: str) -> Contract:
    return contract(format_, source=f"case{number}", fields=FIELDS)


@pytest.mark.parametrize(
    ("number", "case"),
    [*enumerate(CASES)],
    ids=[f"{case.format}: {case.what}" for case in CASES],
)
def test_a_hostile_file_is_loaded_or_refused_by_row_or_as_a_whole(
    one_door: Door, number: int, case: Case
) -> None:
    read_by = source(number, case.format)
    if case.error:
        with pytest.raises(DMPError, match=case.error) as told:
            one_door.load(read_by, case.bytes())
        assert len(str(told.value)) < 1000 and "select" not in str(told.value)
        assert not one_door.lake.value(
            "select count(*) from ops.load where source = $s", s=read_by.source
        )
        return
    report = one_door.load(read_by, case.bytes())
    names = [
        name
        for (name,) in one_door.lake.rows(
            "select attributes.name from core.record where source = $s order by 1",
            s=read_by.source,
        )
    ]
    refused = one_door.lake.rows(
        "select line, field, reason from raw.refused where source = $s order by 1, 2",
        s=read_by.source,
    )
    assert tuple(names) == case.names
    assert tuple(refused) == case.refused
    assert report.rows_read == len(names) + case.unchanged + len(refused)
    assert report.rows_unchanged == case.unchanged


NAMES = [
    "a*b?[c].csv",
    "key=value.csv",
    "it's; drop table x --.csv",
    "data.csv.gz",
    "export\nof \x1b[31m today.csv",
    "n" * 250 + ".csv",
    "-rf.csv",
    "\u202egpj.csv",
]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_file_is_read_alone_whatever_it_is_called(
    one_door: Door, tmp_path: Path, name: str, encoding: str
) -> None:
    folder = tmp_path / "id=9" / "[x]*"
    folder.mkdir(parents=True)
    for like in (folder, folder.with_name("xy")):
        like.mkdir(exist_ok=True)
        (like / "a-b-c.csv").write_bytes(csv(row(7, b"other")))
    (folder / name).write_bytes(csv(row(1, "Zoë".encode(encoding))))
    kind = f"name{NAMES.index(name)}_{encoding[:2]}"
    made = contract(source=kind, fields=FIELDS)
    report = load_file(one_door.stores, made, folder / name, now=NOW)
    assert (report.rows_read, report.rows_accepted) == (1, 1)
    assert report.file_name.isprintable()
    assert one_door.lake.rows(
        "select attributes.name from core.record where source = $s", s=kind
    ) == [("Zoë",)]


def test_parquet_takes_no_column_from_its_path(one_door: Door, tmp_path: Path) -> None:
    folder = tmp_path / "tier=gold"
    folder.mkdir()
    case = next(c for c in CASES if c.what == "typed")
    (folder / "p[1]*.parquet").write_bytes(case.bytes())
    made = contract("parquet", source="partitioned", fields=FIELDS)
    report = load_file(one_door.stores, made, folder / "p[1]*.parquet", now=NOW)
    assert report.rows_accepted == 1 and report.fields_undeclared == ()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("absent"))


@pytest.mark.parametrize("make", [_fifo, _socket, _nowhere], ids=lambda f: f.__name__)
def test_what_is_no_file_is_told_and_never_waited_for(
    one_door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path has at most 107 bytes
    make(Path("odd.csv"))
    made = contract(connector={"format": "csv", "path": "*.csv"})
    with pytest.raises(UsageError, match=r"is not a file"):
        load_file(one_door.stores, made, tmp_path / "odd.csv", now=NOW)
    with pytest.raises(UsageError, match=r"instead of files: odd\.csv"):
        files_of(made, tmp_path)
    (tmp_path / "odd.csv").unlink()
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="no file of things"):
        files_of(made, tmp_path)


def test_a_file_whose_bytes_cannot_be_read_is_told(one_door: Door) -> None:
    with pytest.raises(UsageError, match="mem cannot be read: input/output error"):
        load_file(one_door.stores, contract(), Path("/proc/self/mem"), now=NOW)


@pytest.mark.parametrize("path", ["", "a**b/*.csv", "/"])
def test_a_path_that_is_no_pattern_is_told(tmp_path: Path, path: str) -> None:
    with pytest.raises(DMPError, match=r"connector\.path"):
        files_of(contract(connector={"format": "csv", "path": path}), tmp_path)


def test_a_declared_encoding_that_is_not_held_is_told(one_door: Door) -> None:
    connector = {"format": "csv", "path": "x", "encoding": "utf-8"}
    made = contract(source="declared", connector=connector, fields=FIELDS)
    with pytest.raises(UsageError, match="line 3: not UTF-8"):
        one_door.load(made, csv(row(1), row(2, b"Zo\xeb")))
