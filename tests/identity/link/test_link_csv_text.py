"""Files that are no CSV, and CSV files with a broken line: told, never guessed at."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dmp.core.errors import UsageError
from dmp.identity.link.files import RecordFile, read_files
from dmp.storage.scratch import scratch_connection

NAMES = "id,first,last,mail,street,town,post,phone,born,note,kind"
N_QUOTED = '"{n}","Anna","Smith","a{n}@x.org","Road {n}","Oslo","1","2","3","4","5"'


def row(n: int) -> str:
    return f"{n},Anna,Smith,a{n}@x.org,Road {n},Oslo,1{n},555{n},1950,none,k"


def read(path: Path) -> RecordFile:
    with scratch_connection() as connection:
        return read_files(connection, [path])


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as told:
        read(path)
    said = str(told.value)
    assert said.startswith(path.name)
    assert "Anna" not in said and "torn" not in said.removeprefix(path.name)
    return said


@pytest.mark.parametrize("n", [40, 3000, 25_000])
@pytest.mark.parametrize("at", [0, 7, -1])
@pytest.mark.parametrize(
    ("torn", "cells"), [("torn;b;c", 1), ("torn,b", 2), (row(1) + ",torn", 12)]
)
def test_a_line_of_another_width_is_told(
    tmp_path: Path, n: int, at: int, torn: str, cells: int
) -> None:
    rows = [row(k) for k in range(n)]
    rows[at] = torn
    path = tmp_path / "f.csv"
    path.write_text("\n".join([NAMES, *rows]) + "\n")
    line = range(n)[at] + 2
    assert (
        f"f.csv, line {line}: the header has 11 cells, this line {cells};"
        in refused(path)
    )


@pytest.mark.parametrize("n", [40, 25_000])
@pytest.mark.parametrize("at", [0, 7, -1])
def test_an_open_quote_is_told(tmp_path: Path, n: int, at: int) -> None:
    rows = [N_QUOTED.format(n=k) for k in range(n)]
    rows[at] = rows[at].replace('"Smith"', '"torn')
    path = tmp_path / "f.csv"
    path.write_text("\n".join([NAMES, *rows]) + "\n")
    assert f"f.csv, line {range(n)[at] + 2}: a quote is opened" in refused(path)


def test_lines_are_those_an_editor_counts(tmp_path: Path) -> None:
    rows = ['1,"Anna\nMaria",Smith', "", "2,Bo,Berg", "3,torn"]
    rows += [f"{n},Cy,Dunn" for n in range(4, 30)]
    path = tmp_path / "f.csv"
    path.write_text("id,first,last\n" + "\n".join(rows))
    assert "line 6: the header has 3 cells, this line 2;" in refused(path)


def test_rows_under_a_title_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    rows = "\n".join(map(row, range(40)))
    path.write_text(f"People,spring\nMade by,Bo\n\n{NAMES}\n{rows}\n")
    assert len(read(path)) == 40


@pytest.mark.parametrize(
    "header", ["id;first", 'id;"first, middle, or other"', "id;first, middle, or other"]
)
def test_other_delimiters_in_a_header_are_no_matter(
    tmp_path: Path, header: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"{header}\n1;Anna\n2;Bo\n")
    records = read(path)
    assert records.ids.to_pylist() == ["1", "2"]
    assert [c.to_pylist() for c in records.columns.values()] == [["Anna", "Bo"]]


def test_what_duckdb_unpacks_is_read_in_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress("id,navn\n1,Søren\n2,Åse\n".encode()))
    assert read(path).columns["navn"].to_pylist() == ["Søren", "Åse"]


def workbook() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return held.getvalue()


def parquet() -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table({"id": ["1"]}), held)
    return held.getvalue()


CSV = f"{NAMES}\n{row(1)}\n{row(2)}\n".encode()
LINES = b'{"id": 1, "first": "Anna"}\n{"id": 2, "first": "Bo"}\n'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.csv", gzip.compress(CSV), "compressed by gzip; unpack it"),
        ("f.csv.gz", gzip.compress(CSV)[:-20], "is it whole"),
        ("f.xlsx", workbook(), "save the sheet as CSV"),
        ("f.csv", parquet(), "let its name end in .parquet"),
        ("f.csv", bytes(range(9)) + bytes(99), "no text"),
        ("f.jsonl", LINES, "is JSON"),
        ("f.csv", LINES, "is JSON"),
        ("f.txt", b"\xef\xbb\xbf \n[\n" + LINES, "is JSON"),
        ("f.csv", LINES.decode().encode("utf-16"), "is JSON"),
        ("f.csv.gz", gzip.compress(LINES), "is JSON"),
        ("f.json", b"", "as CSV or Parquet"),
    ],
    ids=lambda part: part if isinstance(part, str) else "file",
)
def test_what_is_no_csv_is_told(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert said in refused(path)


def test_a_pipe_is_told_and_left_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f.csv")
    with pytest.raises(UsageError, match="save it as a file"):
        read(tmp_path / "f.csv")


@pytest.mark.parametrize("name", ["f.json.csv", "f.csv"])
def test_a_header_in_brackets_is_no_json(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("[id],[first]\n1,Anna\n2,Bo\n")
    assert read(path).columns["[first]"].to_pylist() == ["Anna", "Bo"]
