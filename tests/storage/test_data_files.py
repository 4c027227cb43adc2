from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dmp.core.errors import CommitFailed
from dmp.core.sql import Query
from dmp.storage.data_files import stage_data_file, take_over
from dmp.storage.lake import Lake
from dmp.storage.maintenance import tidy
from dmp.storage.migrate import migrate
from dmp.storage.write import append, change, commit, commit_planned

LATER = datetime(2100, 1, 1, tzinfo=UTC)
ALL = "select id, word, sum from core.thing order by id"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A lake with all tables, which `tidy` asks for."""
    with Lake(tmp_path / "whole") as lake:
        migrate(lake)
        yield lake


def add(lake: Lake, folder: Path, rows: str, table: str = "core.thing") -> None:
    """Stage a select of some columns in a file and let the table take it over."""
    stage_data_file(lake, "new_thing", Query(rows), folder)
    commit_planned(
        lake,
        lambda: [take_over(lake, table, "new_thing", folder)],
        message="things",
    )


def test_a_file_that_was_taken_over_is_as_rows_that_were_inserted(
    things: Lake, tmp_path: Path
) -> None:
    commit(things, [append("core.thing", Query("select 1::bigint as id"))], message="1")
    add(things, tmp_path, "select 2::bigint as id, 'two' as word")
    assert things.rows(ALL) == [(1, None, None), (2, "two", None)]
    change_two = Query("update core.thing set sum = 2.5 where word = 'two'")
    commit(things, [change("core.thing", change_two)], message="2")
    assert things.rows(ALL) == [(1, None, None), (2, "two", 2.5)]
    assert not [*tmp_path.glob("*.parquet")]


def test_rows_are_shown_before_they_are_committed_and_to_nobody_else(
    things: Lake, tmp_path: Path
) -> None:
    rows = Query("select i::bigint as id from range($n) as r(i)", {"n": 3})
    shown = stage_data_file(things, "new_thing", rows, tmp_path)
    assert things.rows(f"select id from {shown}") == [(0,), (1,), (2,)]
    with Lake(things.root, read_only=True) as reader:
        assert reader.rows(ALL) == []


def test_a_field_that_a_file_does_not_have_is_null(
    things: Lake, tmp_path: Path
) -> None:
    for statement in (
        "alter table core.thing add column facts struct(a varchar)",
        "alter table core.thing add column facts.b integer",
    ):
        commit(things, [change("core.thing", Query(statement))], message="columns")
    add(things, tmp_path, "select 1::bigint as id, {'b': 7::integer} as facts")
    assert things.rows("select facts from core.thing") == [({"a": None, "b": 7},)]


def test_the_lake_may_move_to_another_place(things: Lake, tmp_path: Path) -> None:
    add(things, tmp_path, "select 1::bigint as id")
    things.close()
    os.rename(things.root, tmp_path / "elsewhere")
    with Lake(tmp_path / "elsewhere") as moved:
        assert moved.rows("select id from core.thing") == [(1,)]


def test_files_taken_over_are_merged_and_outlive_the_clean_up(
    lake: Lake, tmp_path: Path
) -> None:
    for number in range(3):
        rows = f"select {number}::bigint as subject_id, 'n' as source"
        add(lake, tmp_path, rows, "core.record")
    assert len([*lake.root.rglob("staged-*.parquet")]) == 3
    tidy(lake, keep_since=LATER)
    found = lake.rows("select subject_id, source from core.record order by 1")
    assert found == [(0, "n"), (1, "n"), (2, "n")]
    assert not [*lake.root.rglob("staged-*.parquet")]


def test_the_file_of_a_failed_commit_is_a_leftover(lake: Lake, tmp_path: Path) -> None:
    rows = Query("select 1::bigint as subject_id")
    stage_data_file(lake, "new_thing", rows, tmp_path)
    with pytest.raises(CommitFailed):
        commit_planned(
            lake,
            lambda: [
                take_over(lake, "core.record", "new_thing", tmp_path),
                change("core.absent", Query("insert into core.absent values (1)")),
            ],
            message="half",
        )
    assert lake.rows("from core.record") == []
    assert len([*lake.root.rglob("staged-*.parquet")]) == 1
    tidy(lake, keep_since=LATER)
    assert not [*lake.root.rglob("staged-*.parquet")]
