"""A world told to the live evaluator: stored at first in part, then event by event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from dmp.segments import Segment
from dmp.segments.live import Decision, Event, LiveSegments, Profile

from .reference import World

Row = dict[str, Any]
MICROSECOND = timedelta(microseconds=1)
SIZES: list[dict[str, int]] = [
    {},
    {"people": 3, "active": 1},
    {"active": 1, "most_bytes": 700},
    {"active": 1, "most_bytes": 450},
    {"active": 2, "most_bytes": 1},
]


def once(events: Iterable[Row]) -> list[Row]:
    """Each event_id once, as the write path keeps them: the one received first."""
    found: dict[str, Row] = {}
    for event in events:
        found.setdefault(event["event_id"], event)
    return list(found.values())


class Store:
    """What is stored of a world so far."""

    def __init__(self, world: World, events: Iterable[Row]) -> None:
        self.world = world
        self.events = list(events)
        self.loads = 0

    def load(self, profile_id: str) -> Profile | None:
        self.loads += 1
        world = self.world
        if profile_id not in world.profiles:
            return None
        events = [e for e in once(self.events) if e["profile_id"] == profile_id]
        related = {
            entity: [row for row in rows if row["profile_id"] == profile_id]
            for entity, rows in world.related.items()
        }
        consent = [
            Decision(row["purpose"], row["status"], row["captured_at"])
            for row in world.consent
            if row["profile_id"] == profile_id
        ]
        lists = (name for name, people in world.lists.items() if profile_id in people)
        return Profile(
            profile_id,
            world.profiles[profile_id],
            [Event(**event) for event in events],
            related,
            consent,
            frozenset(lists),
        )


@dataclass(frozen=True)
class Asked:
    """One answer of the live evaluator, and what was stored by then."""

    profile_id: str
    as_of: datetime
    member: bool
    events: list[Row]
    why: str


def replay(
    world: World, segments: Iterable[Segment], as_of: datetime, random: Random
) -> Iterator[Asked]:
    """Observe a world's events one by one, and ask in between, before and after ticks.

    What memberships are said to stay until the next tick is yielded too, as if it had
    been asked for.
    """
    events = list(world.events)
    begun = random.choice([0, len(events) // 2, len(events)])
    stored = once(events[:begun]) if random.random() < 0.5 else []
    waiting = [e for e in events[len(stored) and begun :]]
    known = {event["event_id"] for event in stored}
    store = Store(world, stored)
    live = LiveSegments(segments, store.load, **random.choice(SIZES))
    times = sorted({as_of, *(e["occurred_at"] for e in events)})
    people = sorted(world.profiles)
    for event in waiting:
        if event["event_id"] in known:
            continue  # stored before the evaluator began: the write path refuses it
        store.events.append(event)
        live.observe(Event(**event))
        if random.random() < 0.25:
            live.observe(Event(**event))
        if random.random() < 0.5:
            person = random.choice([event["profile_id"], random.choice(people)])
            if person in world.profiles:
                at = _some(times, as_of, random)
                yield from _ask(live, store, person, at, random)
    for person in people:
        yield from _ask(live, store, person, as_of, random)


def _some(times: list[datetime], as_of: datetime, random: Random) -> datetime:
    if random.random() < 0.5:
        return as_of
    away = timedelta(days=random.choice([0, 0, 0, 1, 7, 31]))
    return random.choice(times) + away + random.choice([-1, 0, 0, 1]) * MICROSECOND


def _ask(
    live: LiveSegments, store: Store, person: str, as_of: datetime, random: Random
) -> Iterator[Asked]:
    member = "outer" in live.memberships(person, as_of)
    events = list(store.events)
    yield Asked(person, as_of, member, events, "asked")
    tick = live.next_tick(person)
    last = tick - MICROSECOND if tick else as_of + timedelta(days=3_700)
    assert tick is None or tick > as_of
    if last > as_of:
        between = as_of + (last - as_of) * random.random()
        for until in (last, between.astimezone(UTC)):
            yield Asked(person, until, member, events, f"no tick before {tick}")
