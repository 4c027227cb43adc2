from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from door import NOW, Door, contract

ASKED = contract(
    fields={},
    consent=[
        {
            "purpose": "ads",
            "from": "ads",
            "granted": ["y", "yes"],
            "denied": "n",
            "captured_at": {"from": "on"},
        }
    ],
)


def decisions(door: Door) -> list[tuple[str, int]]:
    rows = door.lake.rows(
        "select status, captured_at from privacy.consent order by captured_at, status"
    )
    return [(status, at.day) for status, at in rows]


def say(door: Door, *rows: str, after: int = 0) -> None:
    text = "id,ads,on\n" + "".join(f"1,{row}\n" for row in rows)
    door.load(ASKED, text, now=NOW + timedelta(hours=after))


def test_words_decide_and_any_other_decides_nothing(door: Door) -> None:
    say(door, "Y,2026-05-01", "maybe,2026-05-02", ",2026-05-03", "N,2026-05-04")
    assert decisions(door) == [("granted", 1), ("denied", 4)]
    assert door.lake.row(
        "select distinct purpose, legal_basis, source_string from privacy.consent"
    ) == ("ads", "consent", "ads")


def test_of_a_run_of_equal_decisions_the_first_and_last_are_kept(door: Door) -> None:
    say(door, "y,2026-05-01", "y,2026-05-02", "y,2026-05-03", "n,2026-05-04")
    assert decisions(door) == [("granted", 1), ("denied", 4)]
    say(door, "n,2026-05-05", "n,2026-05-06", after=1)
    assert decisions(door) == [("granted", 1), ("denied", 4), ("denied", 6)]


def test_a_decision_loaded_again_is_stored_once(door: Door) -> None:
    say(door, "n,2026-05-01")
    say(door, "y,2026-05-01", after=1)
    for hour in (2, 3):
        say(door, "y,2026-05-01", *["n,2026-05-01"] * hour, after=hour)
    assert decisions(door) == [("denied", 1), ("granted", 1)]


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0)])
def test_the_newest_decision_stands_in_whatever_order_files_come(
    door: Door, order: tuple[int, ...]
) -> None:
    files = ["n,2026-05-01", "y,2026-05-02", "n,2026-05-03"]
    for hour, number in enumerate(order):
        say(door, files[number], after=hour)
    assert decisions(door)[-1] == ("denied", 3)


def test_nobody_decides_in_the_future(door: Door) -> None:
    say(door, "n,2099-01-01")
    assert door.lake.value("select captured_at from privacy.consent") == NOW


def test_a_decision_without_an_instant_is_of_the_row(door: Door) -> None:
    say(door, "n,", "y,soon")
    at = door.lake.value("select max(captured_at) from privacy.consent")
    assert at == NOW == datetime(2026, 7, 1, 12, tzinfo=UTC)
