"""What the command line says of hostile files: words, an exit code, no traceback."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Call

HEAD = (
    "CUST_NO,ACCOUNT_ID,FIRST_NAME,SURNAME,DOB,EMAIL,PHONE,ADDR1,POSTCODE,CITY,"
    "LOYALTY_TIER,MKT_EMAIL_OPTIN,MKT_OPTIN_DATE,ADS_OPTIN,UPDATED\n"
)
ROW = "7,,Xanthe,Quillfeather,01/02/1980,xq@mail.example,,,,,gold,Y,,N,{}\n"
GOOD = ROW.format("2026-01-01 10:00:00")
FILES: dict[str, tuple[str, bytes, int, str]] = {
    "empty": ("crm", b"", 2, "is empty: not even a header line"),
    "compressed": ("crm", gzip.compress(GOOD.encode()), 2, "compressed by gzip"),
    "another format": ("crm", b'{"id": 1}\n', 2, "no such column"),
    "a header that is data": ("crm", GOOD.encode(), 2, "looks like data, not names"),
    "another delimiter": (
        "crm",
        (HEAD + GOOD).replace(",", ";").encode(),
        2,
        "is not separated by ','; ';'",
    ),
    "a carriage return": (
        "crm",
        (HEAD + GOOD.replace("gold", "go\rld")).encode(),
        2,
        "line 2 holds a carriage return",
    ),
    "UTF-16": ("crm", (HEAD + GOOD).encode("utf-16"), 2, "save it as UTF-8"),
    "no Parquet": ("shop", b"PAR1 Quillfeather PAR1", 2, "is it a whole Parquet file"),
    "nothing but rubbish": ("web", b"\xff\xfe\x00Quillfeather", 2, "in UTF-16"),
    "one row refused": (
        "crm",
        (HEAD + GOOD + ROW.format("Quillfeather")).encode(),
        0,
        "line 3: recorded_at: missing or not readable",
    ),
    "every line torn": (
        "web",
        b'{"name": "Quillfeather"',
        0,
        "line 1: row: not a JSON",
    ),
    "depth": ("web", b'{"a":' * 60_000, 0, "line 1: row: nested too deeply"),
}


@pytest.mark.parametrize(
    ("source", "content", "code", "told"), FILES.values(), ids=FILES.keys()
)
def test_a_hostile_file_is_told_in_words(
    dmp: Call,
    home: Path,
    tmp_path: Path,
    source: str,
    content: bytes,
    code: int,
    told: str,
) -> None:
    path = tmp_path / "hostile file"
    path.write_bytes(content)
    shown = dmp("--home", str(home), "ingest", source, str(path))
    said = " ".join((shown.out + shown.err).split())
    assert shown.code == code, said
    assert told in said
    for secret in ("Traceback", "Xanthe", "Quillfeather", "xq@mail", "read_csv"):
        assert secret not in said


def test_a_pipe_is_told_and_not_waited_for(dmp: Call, home: Path) -> None:
    landing = home / "data" / "landing" / "crm"
    landing.mkdir(parents=True)
    os.mkfifo(landing / "feed.csv")
    for files in ((), (str(landing / "feed.csv"),)):
        shown: Any = dmp("--home", str(home), "ingest", "crm", *files)
        assert shown.code == 2 and "feed.csv" in shown.err
