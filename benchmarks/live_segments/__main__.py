"""Let the live evaluator take a shop's events against fifty segments, on one core.

    python -m benchmarks.live_segments [--events 100000] [--people 5000] [--history 40]

An event is observed, and the memberships of its person asked for at its instant; both
are timed together. Every hundredth answer is compared with that of an evaluator that
has just loaded the whole history. Ends with 1 where one differs, or a target is missed.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from time import perf_counter_ns

from benchmarks.live_segments import shop
from dmp.segments.live import Event, LiveSegments, Profile

RATE = 20_000
P99_MS = 2.0
EVERY = 100
VISITS = 100


class Store:
    """All that is stored, and how often it was asked for."""

    def __init__(self, people: int, history: int) -> None:
        random = Random(1)
        self.profiles = {
            one.profile_id: one
            for one in (shop.profile(random, n, history) for n in range(people))
        }
        self.added: dict[str, list[Event]] = {}
        self.loads = 0

    def load(self, profile_id: str) -> Profile:
        """Return a person with everything stored so far."""
        self.loads += 1
        known = self.profiles[profile_id]
        return replace(known, events=[*known.events, *self.added.get(profile_id, ())])

    def add(self, event: Event) -> None:
        """Store an event."""
        self.added.setdefault(event.profile_id, []).append(event)


def stream(people: int, events: int) -> Iterator[Event]:
    """Yield events in order of time: a hundred visits at once, of a dozen events each.

    Some people come much more often than others.
    """
    random = Random(2)

    def visitor() -> str:
        return f"p{int(people * random.random() ** 1.5)}"

    here = [visitor() for _ in range(VISITS)]
    for n in range(events):
        place = random.randrange(VISITS)
        if random.random() < 1 / 12:
            here[place] = visitor()
        at = shop.START + timedelta(seconds=n)
        yield shop.event(random, 10**12 + n, here[place], at)


def timed(live: LiveSegments, store: Store, events: list[Event]) -> list[int]:
    """Return the nanoseconds that each event took."""
    took = []
    for event in events:
        store.add(event)
        begun = perf_counter_ns()
        live.observe(event)
        live.memberships(event.profile_id, event.occurred_at)
        took.append(perf_counter_ns() - begun)
    return took


def differing(live: LiveSegments, store: Store, events: list[Event]) -> int:
    """Return how many of some people's memberships differ from a fresh evaluation."""
    fresh = LiveSegments(shop.segments(), store.load)
    last = events[-1].occurred_at
    asked = {event.profile_id for event in events[::EVERY]}
    return sum(live.memberships(p, last) != fresh.memberships(p, last) for p in asked)


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--history", type=int, default=40)
    asked = parser.parse_args()
    store = Store(asked.people, asked.history)
    events = list(stream(asked.people, asked.events))
    rules = shop.segments()
    tracemalloc.start()
    live = LiveSegments(rules, store.load)
    for person in store.profiles:
        live.memberships(person, shop.START)
    gc.collect()
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    loads = store.loads
    gc.freeze()
    took = sorted(timed(live, store, events))
    rate = len(took) / (sum(took) / 1e9)
    p50, p99 = took[len(took) // 2] / 1e6, took[len(took) * 99 // 100] / 1e6
    loads = store.loads - loads
    wrong = differing(live, store, events)
    print(
        f"segments             {len(live.segments)}, conditions in batch: {live.batch}"
    )
    print(f"events a second      {rate:,.0f}   (target {RATE:,})")
    most = took[-1] / 1e6
    print(f"an event             p50 {p50:.3f} ms, p99 {p99:.3f} ms, most {most:.1f}")
    print(f"memory a person      {memory / asked.people:,.0f} bytes, all told")
    print(f"loads while running  {loads}, differing answers {wrong}")
    return int(wrong > 0 or rate < RATE or p99 > P99_MS)


if __name__ == "__main__":
    sys.exit(main())
