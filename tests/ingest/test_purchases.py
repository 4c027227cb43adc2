from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from door import NOW, Door, contract

from dmp.ingest.contracts import Contract
from dmp.ingest.replay import replay

DAY = timedelta(days=1)
AMOUNT = {"from": "amount", "type": "number", "purpose": "a"}


def purchases(*, recorded: bool = False, **parts: Any) -> Contract:
    transaction = {"id": "no", "occurred_at": {"from": "day"}, "amount": AMOUNT}
    at = {"recorded_at": {"from": "updated"}} if recorded else {}
    return contract(fields={}, transaction={**transaction, **parts}, **at)


def held(door: Door) -> list[tuple[float, datetime]]:
    return door.lake.rows(
        "select amount, occurred_at::date::varchar from core.transaction order by 1"
    )


def former(door: Door) -> list[tuple[float, bool]]:
    return door.lake.rows(
        "select v.amount, v.replaced_by = l.load_id from core.transaction_version as v "
        "join ops.load as l on l.loaded_at = v.replaced_at order by v.replaced_at"
    )


def test_a_corrected_purchase_takes_the_place_of_what_it_was(door: Door) -> None:
    door.load(purchases(), "id,no,day,amount\n1,A,2026-01-01,5\n2,B,2026-01-02,7\n")
    text = "id,no,day,amount\n1,A,2026-01-01,6\n2,B,2026-01-02,7\n"
    report = door.load(purchases(), text, now=NOW + DAY)
    assert (report.rows_accepted, report.rows_unchanged) == (1, 1)
    assert held(door) == [(6, "2026-01-01"), (7, "2026-01-02")]
    assert former(door) == [(5, True)]
    moved = "id,no,day,amount\n1,A,2026-01-05,6\n"
    door.load(purchases(), moved, now=NOW + 2 * DAY)
    assert held(door)[0] == (6, "2026-01-05")
    assert former(door) == [(5, True), (6, True)]


def test_an_older_version_never_replaces_a_newer_one(door: Door) -> None:
    made = purchases(recorded=True)
    head = "id,no,day,amount,updated\n"
    new = head + "1,A,2026-01-01,6,2026-03-01\n1,A,2026-01-01,4,2026-02-01\n"
    assert door.load(made, new).transactions == 1
    old = head + "1,A,2026-01-01,5,2026-02-15\n"
    report = door.load(made, old, now=NOW + DAY)
    assert (report.rows_accepted, report.rows_unchanged) == (0, 1)
    assert held(door) == [(6, "2026-01-01")] and former(door) == []
    unread = door.load(made, head + "1,A,2026-01-01,9,soon\n", now=NOW + 2 * DAY)
    assert unread.rows_refused == 1


def test_a_purchase_from_the_future_is_clamped_and_flagged(door: Door) -> None:
    text = "id,no,day,amount\n1,A,2040-01-01,5\n2,B,2026-01-01,7\n"
    door.load(purchases(), text)
    flagged = "select occurred_at, is_clamped from core.transaction order by amount"
    assert door.lake.rows(flagged) == [
        (NOW, True),
        (datetime(2026, 1, 1, tzinfo=UTC), False),
    ]
    again = door.load(purchases(), text + "3,C,2026-01-01,9\n", now=NOW + DAY)
    assert (again.rows_accepted, again.rows_unchanged) == (1, 2)


REPEATED = purchases(id="day", repeats=True)


def test_a_mended_row_keeps_its_place_among_those_of_its_purchase(door: Door) -> None:
    text = "id,day,amount\n1,2026-01-01,5\n1,2026-01-01,x\n1,2026-01-01,7\n"
    assert door.load(REPEATED, text).rows_refused == 1
    amount = {**AMOUNT, "type": "integer", "values": {"x": "6", "5": "5", "7": "7"}}
    mended = purchases(id="day", repeats=True, amount=amount)
    (report,) = replay(door.stores, mended, now=NOW + DAY)
    assert report.transactions == 1
    assert [amount for amount, _ in held(door)] == [5, 6, 7]
    whole = door.load(mended, text, now=NOW + 2 * DAY)
    assert whole.rows_unchanged == 3 and former(door) == []


@pytest.mark.parametrize("more", [1, 2])
def test_equal_purchases_that_repeat_are_counted_each(door: Door, more: int) -> None:
    text = "id,day,amount\n" + "1,2026-01-01,5\n" * more
    assert door.load(REPEATED, text).transactions == more
