"""Stays and their causes, sizes over time, earlier instants, consent over merges."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from dmp.core.sql import Query, row
from dmp.segments.history import crossings, members_at, sizes
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit

from .small_lake import built, day, decide, event, move, note_load, people, saved

pytestmark = pytest.mark.slow

WEEK = {"did": {"event": "x", "within": {"last": 7, "unit": "day"}}}
GRANTED = {"consent": {"purpose": "ads", "status": "granted"}}


def told(lake: Lake, since: float, until: float) -> list[tuple[str, str, float, str]]:
    found = crossings(lake, "s", day(since), day(until))
    return [
        (c.profile_id, c.kind, (c.at - day(0)).total_seconds() / 86_400, c.cause)
        for c in found
    ]


def test_a_person_leaves_by_time_alone_at_the_right_instant(lake: Lake) -> None:
    people(lake, 2)
    event(lake, 1, 1, "x", day(1))
    rules = saved(WEEK)
    built(lake, rules, day(2))
    built(lake, rules, day(7.9))
    assert told(lake, 0, 7.9) == [("p1", "entered", 2, "event")]
    built(lake, rules, day(8))
    assert told(lake, 2, 8) == [("p1", "left", 8, "tick")]
    event(lake, 2, 2, "x", day(8.5))
    built(lake, rules, day(9))
    assert told(lake, 8, 9) == [("p2", "entered", 9, "event")]
    assert [(one.members, one.people) for one in sizes(lake, "s")] == [
        (1, 2),
        (1, 2),
        (0, 2),
        (1, 2),
    ]


def test_causes_of_merge_rule_and_consent(lake: Lake) -> None:
    people(lake, 3)
    event(lake, 1, 1, "x", day(1))
    rules = saved({"any": [{"did": {"event": "x"}}, GRANTED]})
    built(lake, rules, day(2))
    decide(lake, 3, "granted", day(2.5))
    built(lake, rules, day(3))
    move(lake, 1, 2, day(3.5))
    built(lake, rules, day(4))
    assert told(lake, 2, 4) == [
        ("p3", "entered", 3, "consent"),
        ("p1", "left", 4, "merge"),
        ("p2", "entered", 4, "merge"),
    ]
    built(lake, saved({"all": [GRANTED]}), day(5))
    assert told(lake, 4, 5) == [("p2", "left", 5, "rule_change")]


def test_who_is_erased_leaves_by_erasure(lake: Lake) -> None:
    people(lake, 2)
    event(lake, 1, 1, "x", day(1))
    event(lake, 2, 2, "x", day(1))
    rules = saved({"did": {"event": "x"}})
    built(lake, rules, day(2))
    for table in ("core.event", "identity.assignment"):
        gone = Query(f"delete from {table} where subject_id = 1")
        commit(lake, [change(table, gone)], message="erase")
    for table in ("profile.profile", "identity.profile"):
        gone = Query(f"delete from {table} where profile_key = 1")
        commit(lake, [change(table, gone)], message="erase")
    built(lake, rules, day(3))
    rows = lake.rows(
        "select profile_key, cause_left from segment.membership order by 1"
    )
    assert rows == [(1, "erasure"), (2, None)]


def test_a_result_of_equal_numbers_is_kept_anew_when_somebody_moved(lake: Lake) -> None:
    people(lake, 2)
    event(lake, 1, 1, "x", day(1))
    rules = saved({"did": {"event": "x", "times": {"op": "eq", "value": 1}}})
    before = built(lake, rules, day(3))
    event(lake, 2, 1, "x", day(1.5))
    event(lake, 3, 2, "x", day(1.5))
    after = built(lake, rules, day(3))
    assert (before.members, after.members) == (1, 1)
    kept = lake.rows("select members, snapshot from segment.result")
    assert kept == [(1, after.snapshot)] and after.snapshot > before.snapshot
    open_ = "select profile_key from segment.membership where left_at is null"
    assert lake.rows(open_) == [(2,)]


def test_the_cause_is_told_where_snapshots_have_expired(lake: Lake) -> None:
    people(lake, 2)
    event(lake, 1, 1, "x", day(1))
    rules = saved(WEEK)
    built(lake, rules, day(2))
    load, late = f"l{day(2.2).isoformat()}", day(1.5)
    id_ = "00000000-0000-0000-0000-000000000002"
    made = row(event_id=id_, subject_id=2, event="x", occurred_at=late, load_id=load)
    commit(lake, [append("core.event", made)], message="late")
    note_load(lake, day(2.2))
    lake.execute("call ducklake_expire_snapshots('lake', older_than => now())")
    built(lake, rules, day(2.5))
    assert {cause for *_, cause in told(lake, 2, 2.5)} == {"event"}


def test_earlier_instants_are_answered_and_labelled(lake: Lake) -> None:
    people(lake, 2)
    event(lake, 1, 1, "x", day(1))
    rules = saved(WEEK)
    built(lake, rules, day(2))
    built(lake, rules, day(9))
    then = members_at(lake, rules, "s", day(2))
    assert (then.origin, then.members) == ("stored", ("p1",))
    between = members_at(lake, rules, "s", day(5))
    assert (between.origin, between.members) == ("evaluated", ("p1",))
    move(lake, 1, 2, day(6))
    assert members_at(lake, rules, "s", day(5)).members == ("p1",)
    assert members_at(lake, rules, "s", day(7)).members == ("p2",)
    assert members_at(lake, rules, "s", day(9)).origin == "stored"


def consented(lake: Lake, at: float) -> int:
    return int(built(lake, saved({"all": []}, purpose="ads"), day(at)).consented)


@pytest.mark.parametrize("surely", [True, False], ids=["surely one", "likely one"])
@pytest.mark.parametrize("order", list(permutations([1, 2])), ids=str)
def test_opposite_decisions_over_merges_and_a_split(
    lake: Lake, order: Any, surely: bool
) -> None:
    """One says yes, the other no; whichever profile the other one is merged into."""
    people(lake, 2)
    decide(lake, 1, "granted", day(1))
    decide(lake, 2, "denied", day(2))
    assert consented(lake, 3) == 1
    stays, comes = order
    if surely:
        move(lake, stays, stays, day(3.4), component=1)
    move(lake, comes, stays, day(3.5), component=1 if surely else comes)
    assert consented(lake, 4) == (0 if surely else 1)
    move(lake, comes, comes, day(4.5), component=comes)
    if surely:
        move(lake, stays, stays, day(4.6), component=stays)
    assert consented(lake, 5) == 1
