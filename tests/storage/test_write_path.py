from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dmp.core.errors import CommitFailed
from dmp.core.sql import Name, Query, sql
from dmp.storage.lake import Lake
from dmp.storage.write import (
    Write,
    append,
    change,
    commit,
    commit_planned,
    differs,
    is_loaded,
    replace,
    upsert,
)

THING = "core.thing"


def stage(lake: Lake, *rows: tuple[int, str]) -> Name:
    values = ", ".join(f"({number}, '{word}')" for number, word in rows)
    return lake.stage("staged", f"select * from (values {values}) as v (id, word)")


def contents(lake: Lake) -> list[tuple[Any, ...]]:
    return lake.rows("select id, word from core.thing order by all")


@pytest.fixture
def two(things: Lake) -> Lake:
    commit(things, [append(THING, stage(things, (1, "a"), (2, "b")))], message="two")
    return things


def test_append_matches_columns_by_name_and_leaves_absent_ones_null(two: Lake) -> None:
    reordered = Query("select 'c' as word, 3 as id")
    commit(two, [append(THING, reordered)], message="third")
    assert contents(two) == [(1, "a"), (2, "b"), (3, "c")]
    assert two.value("select count(sum) from core.thing") == 0


def test_replace_takes_the_place_of_all_rows(two: Lake) -> None:
    commit(two, [replace(THING, stage(two, (9, "z")))], message="all")
    assert contents(two) == [(9, "z")]


def test_replace_takes_the_place_of_chosen_rows(two: Lake) -> None:
    chosen = sql("id = $id", id=2)
    commit(two, [replace(THING, stage(two, (2, "new")), chosen)], message="one")
    assert contents(two) == [(1, "a"), (2, "new")]


def test_upsert_replaces_by_key_and_adds_the_rest(two: Lake) -> None:
    staged = stage(two, (2, "new"), (3, "c"))
    commit(two, [upsert(THING, staged, ["id"])], message="merge")
    assert contents(two) == [(1, "a"), (2, "new"), (3, "c")]


def test_writes_of_one_commit_are_one_snapshot(two: Lake) -> None:
    before = two.snapshot()
    writes = [append(THING, Query(f"select {n} as id")) for n in (7, 8)]
    done = commit(two, writes, message="both")
    assert done.is_new
    assert done.snapshot == two.snapshot() == before + 1
    assert (
        two.value(
            "select commit_message from lake.snapshots() "
            "order by snapshot_id desc limit 1"
        )
        == "both"
    )


def test_a_load_is_committed_once(things: Lake) -> None:
    def load() -> Any:
        writes = [
            append(THING, stage(things, (1, "a"))),
            append("ops.load", Query("select 'l1' as load_id")),
        ]
        return commit(things, writes, message="load", load_id="l1")

    assert not is_loaded(things, "l1")
    first, second = load(), load()
    assert (first.is_new, second.is_new) == (True, False)
    assert first.snapshot == second.snapshot == things.snapshot()
    assert contents(things) == [(1, "a")]


@pytest.mark.parametrize(
    "broken",
    [
        Query("insert into core.thing by name select 'x' as id"),
        Query("insert into core.thing by name select 1 as no_such_column"),
        Query("delete from core.absent"),
        Query("this is no statement"),
    ],
    ids=["value", "column", "table", "syntax"],
)
def test_a_failed_commit_leaves_nothing_and_the_lake_usable(
    two: Lake, broken: Query
) -> None:
    before = two.snapshot()
    writes = [append(THING, stage(two, (3, "c"))), change(THING, broken)]
    with pytest.raises(CommitFailed, match="nothing of 'broken' was written"):
        commit(two, writes, message="broken")
    assert (two.snapshot(), contents(two)) == (before, [(1, "a"), (2, "b")])
    assert not list((two.lock_folder).glob("ticket-*"))
    commit(two, [append(THING, stage(two, (3, "c")))], message="whole")
    assert contents(two)[-1] == (3, "c")


def test_a_plan_without_writes_makes_no_snapshot(two: Lake) -> None:
    before = two.snapshot()
    done = commit_planned(two, lambda: (), message="nothing")
    assert (done.is_new, done.snapshot, two.snapshot()) == (False, before, before)


def test_a_plan_is_asked_while_the_lock_is_held(two: Lake) -> None:
    seen: list[int] = []

    def plan() -> list[Write]:
        seen.append(len(list(two.lock_folder.glob("ticket-*"))))
        return []

    commit_planned(two, plan, message="look")
    assert seen == [1]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(1, "a"), (2, "b")], False),
        ([(2, "b"), (1, "a")], False),
        ([(1, "a")], True),
        ([(1, "a"), (2, "x")], True),
        ([(1, "a"), (2, "b"), (2, "b")], True),
    ],
    ids=["same", "other order", "fewer", "other value", "twice"],
)
def test_differs_counts_rows_and_forgets_their_order(
    two: Lake, rows: list[tuple[int, str]], expected: bool
) -> None:
    assert differs(two, THING, stage(two, *rows)) is expected


@pytest.mark.parametrize("form", [Name, lambda name: Query(f"select * from {name}")])
def test_differs_compares_the_rows_chosen(
    two: Lake, form: Callable[[str], Name | Query]
) -> None:
    stage(two, (2, "b"))
    assert not differs(two, THING, form("staged"), sql("id = $id", id=2))
    assert differs(two, THING, form("staged"), sql("id = $id", id=1))
