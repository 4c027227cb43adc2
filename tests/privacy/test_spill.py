from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from dmp.core.errors import PrivacyError
from dmp.privacy.spill import encrypted_spill

NEEDLES = """
create temp table t as
select 'needle-' || i || '-' || repeat('zz', 20) as s from range(1500000) as r(i)"""


@pytest.fixture
def small(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set memory_limit = '60MB'")
    connection.execute("set threads = 1")
    connection.execute("set temp_directory = ?", [str(tmp_path / "clear")])
    return connection


def test_what_is_spilled_is_encrypted_and_removed(
    small: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with small, encrypted_spill(small, tmp_path) as folder:
        if folder is None:
            pytest.skip("DuckDB's extension httpfs is not here")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        small.execute(NEEDLES)
        files = list(folder.iterdir())
        assert files
        assert not any(b"needle" in file.read_bytes() for file in files)
        assert small.execute("select count(*) from t").fetchall() == [(1_500_000,)]
    assert list(tmp_path.iterdir()) == []


def test_without_the_cipher_nothing_is_spilled(
    small: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dmp.privacy.spill._EXTENSION", "absent")
    with small, encrypted_spill(small, tmp_path) as folder:
        assert folder is None
        with pytest.raises(duckdb.OutOfMemoryException):
            small.execute(NEEDLES)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_spilled_in_clear_is_refused(
    small: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    small.execute(NEEDLES)
    with small, pytest.raises(PrivacyError, match="new connection"):
        with encrypted_spill(small, tmp_path):
            pass
