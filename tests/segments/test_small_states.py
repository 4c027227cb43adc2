"""A person whose state was made small answers as one just loaded, whatever comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from dmp.segments import Segment, parse
from dmp.segments.live import Event, LiveSegments, Profile, chains

from .mistakes import Mistake

START = datetime(2026, 3, 20, tzinfo=UTC)
HOUR = {"lte": 1, "unit": "hour"}
DAY = {"lte": 1, "unit": "day"}


def orders() -> Iterator[list[dict[str, Any]]]:
    """Steps: free, with gaps, with relative conditions, immediate, absent."""
    late = {"where": [{"property": "due", "op": "in_last", "value": 2, "unit": "day"}]}
    yield [{"event": "a"}, {"event": "b"}]
    yield [{"event": "a"}, {"event": "b", "gap": HOUR}]
    yield [{"event": "a"}, {"event": "b", "gap": DAY}, {"event": "c", "gap": HOUR}]
    yield [{"event": "a"}, {"event": "a", "gap": HOUR}, {"event": "c"}]
    yield [{"event": "a", **late}, {"event": "c", "gap": DAY}]
    yield [{"event": "a"}, {"event": "b", "immediately": True}]
    yield [{"event": "c"}, {"event": "c", "immediately": True, "gap": DAY}]
    yield [{"event": "b"}, {"event": "a", "gap": HOUR, "absent": True}]
    yield [
        {"event": "b"},
        {"event": "c", "immediately": True},
        {"event": "a", "gap": DAY, "absent": True},
    ]


def segments() -> list[Segment]:
    windows: list[dict[str, Any]] = [
        {"last": 1, "unit": "day"},
        {"last": 1, "unit": "month"},
        {"from_ago": 4, "to_ago": 1, "unit": "day"},
        {"last": 2, "unit": "day", "mode": "calendar", "include_today": True},
    ]
    rules = [
        {"sequence": {"steps": steps, "within": within}}
        for steps in orders()
        for within in windows
    ]
    rules += [
        {which: {"event": event, "within": within, "has": [is_good]}}
        for which in ("first", "last")
        for event in ("b", "d")
        for within in windows
        for is_good in [{"property": "good", "op": "eq", "value": "yes"}]
    ]
    return [
        parse({"segment": f"s{n}", "timezone": "Europe/London", "rule": rule})
        for n, rule in enumerate(rules)
    ]


def happened(random: Random, at: datetime) -> Event:
    given = {"good": random.choice(["yes", "no", None, 1])}
    if random.random() < 0.3:
        given["due"] = (at + timedelta(hours=random.randint(-60, 60))).isoformat()
    name = random.choices("abcdef", [2, 3, 2, 4, 4, 4])[0]
    return Event(UUID(int=random.getrandbits(128)).hex, "p", name, at, given)


@pytest.mark.parametrize("seed", range(6))
def test_small_states_answer_as_the_stored_events(seed: int) -> None:
    random, at = Random(seed), START
    events: list[Event] = []
    loads = 0

    def load(profile_id: str) -> Profile | None:
        nonlocal loads
        loads += 1
        return Profile(profile_id, {}, list(events) if profile_id == "p" else [])

    rules = segments()
    live = LiveSegments(rules, load, active=1, most_bytes=random.choice([1500, 2500]))
    fresh = LiveSegments(rules, load)
    for _ in range(250):
        at += timedelta(minutes=random.choice([0, 1, 20, 50, 60, 240]))
        late = timedelta(minutes=random.choice([0] * 30 + [10, 59, 61, 3000, -30]))
        event = happened(random, at - late)
        events.append(event)
        live.observe(event)
        if random.random() < 0.6:
            fresh.forget("p")
            loads -= 1
            assert live.memberships("p", at) == fresh.memberships("p", at)
        if random.random() < 0.5:
            live.memberships("other", at)
    assert loads < 250


def _older(stages: Any, chain: Any, every: int, timeline: Any, before: int) -> set[str]:
    return {row.id for row in timeline.on(every) if row.first <= before}


def test_a_row_too_few_is_noticed() -> None:
    mistake = Mistake("old rows are spare", "live", "", [(chains, "_spare", _older)])
    with mistake.made(), pytest.raises(AssertionError):
        test_small_states_answer_as_the_stored_events(0)
