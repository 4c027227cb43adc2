from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import processes
import pytest

from dmp.core.sql import Query
from dmp.storage import migrate as module
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields, migrate, struct_fields
from dmp.storage.tables import TABLES, Column, TableSpec
from dmp.storage.write import append, change, commit

NOW = datetime(2026, 6, 30, tzinfo=UTC)


def columns(lake: Lake, table: str) -> tuple[str, ...]:
    return tuple(lake.sql(f"select * from {table} limit 0").columns)


def test_every_declared_table_is_there_with_its_columns(lake: Lake) -> None:
    assert {spec.name: columns(lake, spec.name) for spec in TABLES} == {
        spec.name: spec.column_names for spec in TABLES
    }


def test_the_second_run_changes_nothing(tmp_path: Path) -> None:
    with Lake(tmp_path) as lake:
        assert migrate(lake, clock=lambda: NOW)
        snapshot = lake.snapshot()
        assert not migrate(lake)
        assert lake.snapshot() == snapshot
        assert lake.rows("select version, applied_at from ops.migration") == [(1, NOW)]


def test_missing_tables_and_columns_are_added_and_rows_stay(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Query("select 'l1' as load_id, 3 as rows_read")
    commit(lake, [append("ops.load", row)], message="a load")
    wider = tuple(
        replace(spec, columns=(*spec.columns, Column("rows_new", "bigint", "new")))
        if spec.name == "ops.load"
        else spec
        for spec in TABLES
    )
    added = TableSpec("ops.note", "One note.", (Column("text", "varchar", "it"),), ())
    monkeypatch.setattr(module, "TABLES", (*wider, added))
    assert migrate(lake)
    assert lake.rows("select load_id, rows_read, rows_new from ops.load") == [
        ("l1", 3, None)
    ]
    assert columns(lake, "ops.note") == ("text",)
    assert not migrate(lake)


def test_a_dropped_table_comes_back(lake: Lake) -> None:
    commit(lake, [change("ops.load", Query("drop table ops.load"))], message="drop")
    assert migrate(lake)
    assert lake.exists("ops.load")


def test_fields_are_added_once_and_keep_their_type(lake: Lake) -> None:
    wanted = {"price": "double", 'odd "name': "varchar"}
    assert ensure_fields(lake, "core.event", "properties", wanted)
    snapshot = lake.snapshot()
    assert not ensure_fields(lake, "core.event", "properties", {"price": "varchar"})
    assert lake.snapshot() == snapshot
    fields = struct_fields(lake, "core.event", "properties")
    assert fields == {"price": "DOUBLE", 'odd "name': "VARCHAR"}


def test_fields_keep_the_rows_that_lack_them(lake: Lake) -> None:
    ensure_fields(lake, "core.event", "properties", {"price": "double"})
    event = Query("select 'view' as event, {'price': 2.5} as properties")
    commit(lake, [append("core.event", event)], message="an event")
    ensure_fields(lake, "core.event", "properties", {"page": "varchar"})
    found = lake.rows("select properties.price, properties.page from core.event")
    assert found == [(2.5, None)]


def test_many_processes_may_make_one_lake_at_once(tmp_path: Path) -> None:
    """Each opens, migrates and adds the same field; one of them does it, none fails."""
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        done = list(pool.map(processes.make_lake, [tmp_path / "lake"] * 4))
    assert sum(migrated for migrated, _ in done) == 1
    assert sum(widened for _, widened in done) == 1
    with Lake(tmp_path / "lake", read_only=True) as lake:
        assert struct_fields(lake, "core.event", "properties") == {"price": "DOUBLE"}
        assert lake.value("select count(*) from ops.migration") == 1
