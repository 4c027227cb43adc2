"""A limit of memory lasts as long as its block, however that ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmp.core.sql import Query
from dmp.privacy.spill import encrypted_spill
from dmp.storage.lake import Lake
from dmp.storage.thrift import thrift, two_threads

LIMIT = "select current_setting('memory_limit')"
WIDE = "select md5(i::varchar) || repeat('x', 200) as text from range(1_000_000) r(i)"


def test_what_does_not_fit_is_spilled(lake: Lake, tmp_path: Path) -> None:
    before = lake.value(LIMIT)
    with encrypted_spill(lake.connection, tmp_path) as folder, thrift(lake, 150):
        assert lake.value(LIMIT) == "143.0 MiB"
        assert lake.value("select current_setting('threads') <= 4")
        rows = lake.stage("wide", Query(WIDE))
        assert folder is not None and any(folder.iterdir())
        assert lake.value(f"select count(distinct text) from {rows}") == 1_000_000
    assert lake.value(LIMIT) == before


def test_what_fits_again_afterwards_is_not_spilled(lake: Lake, tmp_path: Path) -> None:
    with encrypted_spill(lake.connection, tmp_path) as folder:
        with thrift(lake, 150):
            pass
        lake.stage("wide", Query(WIDE))
        assert folder is not None and not any(folder.iterdir())


def test_the_limit_ends_with_an_error(lake: Lake, tmp_path: Path) -> None:
    before = lake.value(LIMIT)
    with encrypted_spill(lake.connection, tmp_path):
        with pytest.raises(ValueError, match="inside"), thrift(lake):
            raise ValueError("inside")
        assert lake.value(LIMIT) == before
        with thrift(lake):
            lake.close()
        assert lake.value(LIMIT) == before


def test_without_spill_there_is_no_limit(lake: Lake) -> None:
    lake.execute("set temp_directory = ''")
    before = lake.value(LIMIT)
    with thrift(lake):
        assert lake.value(LIMIT) == before


@pytest.mark.parametrize(("columns", "raised"), [(5, False), (50, True), (999, False)])
def test_some_dozens_of_columns_may_take_more_while_they_are_written(
    lake: Lake, columns: int, raised: bool
) -> None:
    limit = "select parse_formatted_bytes(current_setting('memory_limit'))"
    lake.execute("set memory_limit = '450MB'")
    before = lake.value(limit)
    with two_threads(lake, columns):
        assert (lake.value(limit) > 2 * before) == raised
    assert lake.value(limit) == pytest.approx(before, rel=0.01)
