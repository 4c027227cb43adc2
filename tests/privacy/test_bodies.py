from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dmp.core.errors import KeyMissing, PrivacyError, UsageError
from dmp.privacy.bodies import Bodies
from dmp.privacy.keys import KeyStore

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
ROWS = pa.table({"line": [4, 2], "body": ['{"name": "Needle"}', ""]})


@pytest.fixture
def bodies(tmp_path: Path, keys: KeyStore) -> Bodies:
    return Bodies(tmp_path / "vault" / "bodies", keys)


def test_bodies_come_back_as_written(bodies: Bodies, tmp_path: Path) -> None:
    assert bodies.write("shop", MONDAY, "a", ROWS) == 2
    assert bodies.write("shop", MONDAY, "a", ROWS) == 2
    assert bodies.read("shop", "a").equals(ROWS)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(b"Needle" in file.read_bytes() for file in files)


def test_destroyed_days_are_gone_and_told(bodies: Bodies, keys: KeyStore) -> None:
    bodies.write("shop", MONDAY, "a", ROWS)
    bodies.write("app", MONDAY, "a", ROWS)
    bodies.write("shop", TUESDAY, "b", ROWS)
    assert bodies.destroy(TUESDAY) == 2
    assert bodies.destroy(TUESDAY) == 0
    with pytest.raises(KeyMissing, match="destroyed"):
        bodies.read("shop", "a")
    assert bodies.read("shop", "b").num_rows == 2
    assert not list(bodies.folder.glob("*/2026-06-01"))


def test_a_file_that_outlived_its_key_is_gone(bodies: Bodies, keys: KeyStore) -> None:
    bodies.write("shop", MONDAY, "a", ROWS)
    keys.destroy_day_keys(TUESDAY)
    with pytest.raises(KeyMissing, match="the key of 2026-06-01 was destroyed"):
        bodies.read("shop", "a")
    assert keys.day_key("shop", MONDAY, create=False) is None
    bodies.write("shop", MONDAY, "b", ROWS)
    with pytest.raises(KeyMissing, match="the key of 2026-06-01 was destroyed"):
        bodies.read("shop", "a")
    assert bodies.read("shop", "b").num_rows == 2


def test_a_body_moved_to_another_line_is_refused(bodies: Bodies) -> None:
    bodies.write("shop", MONDAY, "a", ROWS)
    [path] = bodies.folder.glob("shop/*/a.parquet")
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.set_column(0, table.schema.field(0), [[2, 4]]), path)
    with pytest.raises(PrivacyError, match=r"line 2 in a\.parquet") as caught:
        bodies.read("shop", "a")
    assert "Needle" not in str(caught.value)


def test_wrong_words_are_refused(bodies: Bodies) -> None:
    with pytest.raises(UsageError, match="source"):
        bodies.write("../shop", MONDAY, "a", ROWS)
    with pytest.raises(UsageError, match="load id"):
        bodies.write("shop", MONDAY, "a/b", ROWS)
    nothing = pa.table({"line": [1], "body": pa.nulls(1, pa.string())})
    with pytest.raises(UsageError, match="neither null"):
        bodies.write("shop", MONDAY, "a", nothing)
