"""What is remembered of one person, and the answers that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dmp.segments.live.facts import Event, Profile, ProfileLeaf
from dmp.segments.live.rows import Cut, Row, Timeline, bits
from dmp.segments.live.rules import Rules
from dmp.segments.live.spans import (
    NEVER,
    Now,
    micros,
)


@dataclass
class Person:
    """The state of one person.

    Attributes:
        kept: of the profile, by leaf.
        timeline: events and buckets.
        truths: a bit for each leaf, as of `asked`.
        members: a bit for each segment.
        dirty: the leaves that events have touched since.
        asked: the as_of of the last answer.
        untils: of each leaf that time alone can change, when it first can.
        until: the first of these.
        since: before it, as_of needs events that are no longer here.
        settled: leaves that hold for ever, whose events are no longer here.
        folded: up to this instant events are no longer told apart by their ids.
        most_rows: with more of them it is time to drop or fold some.
        told: the members of which `names` has the ids.
        names: the ids of segments.
    """

    kept: Mapping[int, Any]
    timeline: Timeline
    truths: int = 0
    members: int = 0
    dirty: int = -1
    asked: int = NEVER
    untils: dict[int, int] = field(default_factory=dict)
    until: int = NEVER
    since: int = -NEVER
    settled: int = 0
    folded: int = -NEVER
    most_rows: int = 256
    told: int = 0
    names: frozenset[str] = frozenset()


def remembered(profile: Profile, rules: Rules) -> Person:
    """Return the state of a person as stored, with all of the events."""
    rows = [row for event in profile.events if (row := row_of(event, rules))]
    kept, truths = {}, 0
    for n, leaf in enumerate(rules.leaves):
        if isinstance(leaf, ProfileLeaf):
            found = leaf.keep(profile)
            if leaf.timed:
                kept[n] = found
            else:
                truths |= found << n
    person = Person(kept, Timeline(sorted(rows)), truths=truths)
    for n, tree in enumerate(rules.trees):
        person.members |= tree(truths) << n
    return person


def row_of(event: Event, rules: Rules) -> Row | None:
    """Return what the rules read of an event; None when they read nothing."""
    tracks, values, number = rules.shapes.of(event.event, event.properties)
    if not tracks:
        return None
    at = micros(event.occurred_at)
    return Row(at, event.event_id, tracks, values, at, 1, number)


def add(person: Person, row: Row, rules: Rules) -> bool:
    """Add an event to a person, once; False when only the stored events can tell.

    That is an event among those that are no longer told apart.
    """
    if row.first <= person.folded:
        return False
    if person.timeline.add(row):
        newest = person.timeline.rows[-1] is row
        listening = rules.stirred if newest else rules.listeners
        touched = 0
        for track in bits(row.tracks):
            touched |= listening[track]
        fixed = rules.rising & person.truths | rules.falling & ~person.truths
        if newest:
            for n in bits(touched & rules.steady):
                fixed |= (n in person.untils) << n
        person.dirty |= touched & ~fixed
    return True


def evaluate(person: Person, now: Now, rules: Rules) -> None:
    """Find the segments that a person is in.

    Raises:
        Cut: only the stored events can tell.
    """
    if now.micros < person.since:
        raise Cut
    truths, untils, timeline = person.truths, person.untils, person.timeline
    left = touched = _touched(person, now, rules)
    while left:
        bit = left & -left
        left ^= bit
        n = bit.bit_length() - 1
        answer = rules.answers[n]
        if answer is None:
            holds, until = rules.leaves[n].answer(person.kept[n], now)
        else:
            holds, until = answer(timeline, now)
        truths = truths | bit if holds else truths & ~bit
        if until < NEVER:
            untils[n] = until
        else:
            untils.pop(n, None)
    if touched:
        person.until = min(untils.values(), default=NEVER)
    if truths != person.truths:
        _update(person, truths, rules)
    person.dirty, person.asked = 0, now.micros


def _touched(person: Person, now: Now, rules: Rules) -> int:
    """Return the leaves whose answer may be another than at the last as_of."""
    touched = person.dirty
    if now.micros < person.asked:
        touched = -1
    elif person.until <= now.micros:
        for n, until in person.untils.items():
            if until <= now.micros:
                touched |= 1 << n
    return touched & rules.changing & ~person.settled


def _update(person: Person, truths: int, rules: Rules) -> None:
    changed = 0
    for leaf in bits(truths ^ person.truths):
        changed |= rules.watchers[leaf]
    for n in bits(changed):
        bit = 1 << n
        member = rules.trees[n](truths)
        person.members = person.members | bit if member else person.members & ~bit
    person.truths = truths
