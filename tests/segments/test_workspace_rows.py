"""Rows of the meaning table that only a workspace can show, and sql over its views."""

from __future__ import annotations

from typing import Any

import pytest

from dmp.storage.lake import Lake

from .small_lake import day, decide, event, members_at, move, people

DID = {"did": {"event": "x", "within": {"last": 7, "unit": "day"}}}
TWICE = {"did": {"event": "x", "times": {"op": "eq", "value": 2}}}


def test_row_16_a_late_event_changes_the_next_evaluation(lake: Lake) -> None:
    people(lake, 2)
    event(lake, 1, 1, "x", day(5))
    assert members_at(lake, DID, day(10)) == ["p1"]
    event(lake, 2, 2, "x", day(4))
    assert members_at(lake, DID, day(10)) == ["p1", "p2"]
    assert members_at(lake, DID, day(11)) == ["p1"]


def test_row_18_merged_profiles_count_under_the_canonical_id(lake: Lake) -> None:
    people(lake, 3)
    event(lake, 1, 1, "x", day(1))
    event(lake, 2, 2, "x", day(2))
    assert members_at(lake, TWICE, day(10)) == []
    move(lake, 2, 1, day(3))
    assert members_at(lake, TWICE, day(10)) == ["p1"]
    assert members_at(lake, {"not": TWICE}, day(10)) == ["p3"]
    move(lake, 2, 2, day(4))
    assert members_at(lake, TWICE, day(10)) == []


def test_row_21_an_unplaced_subject_counts_for_no_one_until_it_is(lake: Lake) -> None:
    people(lake, 1)
    event(lake, 1, 9, "x", day(1))
    assert members_at(lake, {"did": {"event": "x"}}, day(10)) == []


SELECTS = [
    ("select profile_id from profiles where subjects = 1", ["p1", "p2"]),
    ("select profile_id from events where event = 'x'", ["p1"]),
    ("select profile_id from consent where status = 'denied'", ["p2"]),
]


@pytest.mark.parametrize(("select", "expected"), SELECTS)
def test_sql_reads_the_views_up_to_as_of(
    lake: Lake, select: str, expected: Any
) -> None:
    people(lake, 2)
    event(lake, 1, 1, "x", day(1))
    event(lake, 2, 2, "x", day(11))
    decide(lake, 2, "denied", day(1))
    decide(lake, 1, "denied", day(11))
    assert members_at(lake, {"sql": {"select": select}}, day(10)) == expected
