"""Rows staged in an encrypted file are the rows of a scratch table."""

from __future__ import annotations

from pathlib import Path

from dmp.core.sql import Query, sql
from dmp.privacy.spill import encrypted_spill
from dmp.storage.aside import encrypts_spill, stage_aside
from dmp.storage.lake import Lake

ROWS = """
select 'secret-' || (i * 7919 % 300000) as text, i % 2 = 0 as flag, i::bigint as line,
    timestamptz '2026-01-01 00:00:00.000001+00' + to_seconds(i) as at,
    [{{'field': 'x' || i, 'masked_value': null::varchar}}] as faults, i / 7 as number,
    date '1900-01-01' + (i % 99999)::int as day, hash(i) as shape
from range($n) as r(i)
"""


def test_staged_aside_is_as_staged_in_scratch(tmp_path: Path) -> None:
    with Lake(tmp_path / "lake") as lake, encrypted_spill(lake.connection, tmp_path):
        assert encrypts_spill(lake)
        query = sql(ROWS, n=300_000)
        stage_aside(lake, "rows_aside", query, tmp_path)
        lake.stage("rows_in_scratch", query)
        aside, scratch = "from rows_aside", "select rowid, * from rows_in_scratch"
        for one, other in ((aside, scratch), (scratch, aside)):
            assert lake.rows(f"({one}) except all ({other}) limit 1") == []
        assert lake.value("select max(rowid) from rows_aside") == 299_999


def test_the_file_holds_nothing_in_clear(tmp_path: Path) -> None:
    with Lake(tmp_path / "lake") as lake, encrypted_spill(lake.connection, tmp_path):
        query = Query("select 'secret-' || i as text from range(1000) as r(i)")
        stage_aside(lake, "rows_aside", query, tmp_path)
        written = (tmp_path / "rows_aside.parquet").read_bytes()
        assert b"secret-" not in written and written.startswith(b"PARE")


def test_a_plain_connection_says_that_it_does_not_encrypt(tmp_path: Path) -> None:
    with Lake(tmp_path / "lake") as lake:
        assert not encrypts_spill(lake)
