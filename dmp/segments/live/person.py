"""What is remembered of one person, packed small; folded where it is too much."""

from __future__ import annotations

import pickle
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from typing import Any

from dmp.segments.live.facts import Event, Profile, ProfileLeaf
from dmp.segments.live.nodes import EventLeaf
from dmp.segments.live.rows import Cut, Row, Timeline, bucket
from dmp.segments.live.rules import Leaf, Rules, bits
from dmp.segments.live.spans import (
    DAY,
    MINUTE,
    NEVER,
    SECOND,
    Now,
    Shared,
    instant,
    micros,
)

HOUR = 3600 * SECOND
WIDTHS = (HOUR, DAY, 30 * DAY, NEVER)
"""Widths of buckets, the finest first."""


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
        since: before it, as_of needs events that are no longer here.
        settled: leaves that hold for ever, whose events are no longer here.
        folded: the last instant in a bucket.
        most_rows: with more of them it is time to drop or fold some.
    """

    kept: Mapping[int, Any]
    timeline: Timeline
    truths: int = 0
    members: int = 0
    dirty: int = -1
    asked: int = NEVER
    untils: dict[int, int] = field(default_factory=dict)
    since: int = -NEVER
    settled: int = 0
    folded: int = -NEVER
    most_rows: int = 256

    @property
    def until(self) -> int:
        """When time alone can first change an answer."""
        return min(self.untils.values(), default=NEVER)


_FIELDS = tuple(one.name for one in fields(Person) if one.name != "timeline")
_ANY_TIME = Now(instant(0))


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
    tracks, values, given = 0, {}, event.properties
    for n in (*rules.by_event.get(event.event, ()), *rules.any_event):
        track = rules.tracks[n]
        if track.where is None or track.where(given, _ANY_TIME):
            tracks |= 1 << n
            for column, read in track.columns.items():
                values[column] = read(given)
    if not tracks:
        return None
    at = micros(event.occurred_at)
    return Row(at, event.event_id, tracks, values, at, 1)


def add(person: Person, row: Row, rules: Rules) -> bool:
    """Add an event to a person, once; False when only the stored events can tell.

    That is an event among those that a bucket no longer tells apart.
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
        person.dirty |= touched & ~fixed
    return True


def evaluate(person: Person, now: Now, rules: Rules) -> int:
    """Return the segments that a person is in, as bits.

    Raises:
        Cut: only the stored events can tell.
    """
    if now.micros < person.since:
        raise Cut
    truths, untils = person.truths, person.untils
    touched = _touched(person, now, rules)
    while touched:
        bit = touched & -touched
        touched ^= bit
        n = bit.bit_length() - 1
        leaf = rules.leaves[n]
        if isinstance(leaf, EventLeaf):
            holds, until = leaf.answer(person.timeline, now)
        else:
            holds, until = leaf.answer(person.kept[n], now)
        truths = truths | bit if holds else truths & ~bit
        if until < NEVER:
            untils[n] = until
        else:
            untils.pop(n, None)
    if truths != person.truths:
        _update(person, truths, rules)
    person.dirty, person.asked = 0, now.micros
    return person.members


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


def at_rest(
    person: Person, rules: Rules, most_bytes: int, shared: Shared
) -> bytes | None:
    """Return a person's state in few bytes; None when it cannot be told in so few."""
    if person.since > -NEVER:
        state = packed(person)
        if len(state) <= most_bytes:
            return state
    small = compacted(person, rules, most_bytes, shared)
    return None if small is None else packed(small)


def packed(person: Person) -> bytes:
    """Return the state as bytes, which never leave the process."""
    rows = person.timeline.rows
    columns = (
        array("q", [row.first for row in rows]).tobytes(),
        [_short(row.id) for row in rows],
        [row.tracks for row in rows],
        {n: row.values for n, row in enumerate(rows) if row.values},
        {n: (row.last, row.n) for n, row in enumerate(rows) if row.n > 1},
    )
    state = [getattr(person, name) for name in _FIELDS]
    return pickle.dumps((columns, *state), protocol=5)


def unpacked(state: bytes) -> Person:
    """Return the person that was packed."""
    (times, ids, tracks, values, buckets), *others = pickle.loads(state)
    firsts = memoryview(times).cast("q")
    nothing: Mapping[int, Any] = {}
    rows = [
        Row(first, key if isinstance(key, str) else key.hex(), on, nothing, first, 1)
        for first, key, on in zip(firsts, ids, tracks, strict=True)
    ]
    for n, found in values.items():
        rows[n] = rows[n]._replace(values=found)
    for n, (last, events) in buckets.items():
        rows[n] = rows[n]._replace(last=last, n=events)
    return Person(timeline=Timeline(rows), **dict(zip(_FIELDS, others, strict=True)))


def _short(event_id: str) -> str | bytes:
    """Return an id of lower-case hexadecimal digits as its bytes, others as given."""
    if len(event_id) == 32:
        try:
            short = bytes.fromhex(event_id)
        except ValueError:
            return event_id
        return short if short.hex() == event_id else event_id
    return event_id


def compacted(
    person: Person, rules: Rules, most_bytes: int, shared: Shared
) -> Person | None:
    """Return a person without the events that no later as_of needs, in few bytes.

    Where that is still much, old events become buckets, as fine as leaves room for some
    new ones. None when what is left cannot be told in so few bytes.
    """
    now = Now(instant(person.asked), shared)
    small = _pruned(person, now, rules)
    size, room = len(packed(small)), most_bytes * 3 // 4
    if size * _whole_share(small, rules) > most_bytes:
        return None
    for width in WIDTHS:
        if size <= room:
            break
        small = _folded(small, now, width, rules)
        size = len(packed(small))
    return small if size <= most_bytes else None


def _whole_share(person: Person, rules: Rules) -> float:
    """Return the share of the rows that no folding takes away."""
    rows = person.timeline.rows
    whole = sum([row.tracks & rules.whole != 0 for row in rows])
    return whole / max(len(rows), 1)


def _pruned(person: Person, now: Now, rules: Rules) -> Person:
    settled = person.truths & rules.lasting
    needed = _needed(settled, now, rules)
    idle = sum(1 << n for n, at in enumerate(needed) if at == NEVER)
    latest = max([at for at in needed if at < NEVER], default=-NEVER)
    rows: list[Row] = []
    for row in person.timeline.rows:
        over = row.tracks & idle
        for n in bits(row.tracks & ~idle) if row.last < latest else ():
            if row.last < needed[n]:
                over |= 1 << n
        if over:
            rows += _without(row, over, rules)
        else:
            rows.append(row)
    return replace(
        person,
        timeline=Timeline(rows),
        untils={n: at for n, at in person.untils.items() if not settled >> n & 1},
        since=now.micros,
        settled=settled,
    )


def _needed(settled: int, now: Now, rules: Rules) -> Sequence[int]:
    """Return of each track the instant before which no leaf needs its events.

    It may be up to a minute earlier than need be, so that it is found once a minute.
    """
    reaches: Sequence[int] = now.shared(
        "reaches",
        lambda: ([_reach(leaf, now) for leaf in rules.leaves], now.micros + MINUTE),
    )
    return [
        min([reaches[n] for n in bits(listeners & ~settled)], default=NEVER)
        for listeners in rules.listeners
    ]


def _reach(leaf: Leaf, now: Now) -> int:
    return leaf.reach(now) if isinstance(leaf, EventLeaf) else NEVER


def _without(row: Row, tracks: int, rules: Rules) -> Iterator[Row]:
    """Yield the row without some of its tracks and their columns, if any is left."""
    left = row.tracks & ~tracks
    if left == row.tracks:
        yield row
    elif left:
        values = row.values
        if values:
            columns = {c for n in bits(left) for c in rules.tracks[n].columns}
            values = {c: v for c, v in values.items() if c in columns}
        yield Row(row.first, row.id, left, values, row.last, row.n)


def _folded(person: Person, now: Now, width: int, rules: Rules) -> Person:
    rows, buckets = person.timeline.rows, list[Row]()
    for track in range(len(rules.tracks)):
        if rules.whole >> track & 1:
            continue
        cuts = _cuts(track, now, rules)
        found = list(_groups(rows, track, cuts, width, now.micros - HOUR))
        if not found:
            continue
        gone = {row.id for group in found for row in group}
        buckets += [bucket(group, track, rules.tracks[track].kinds) for group in found]
        rows = [
            left
            for row in rows
            for left in _without(row, (row.id in gone) << track, rules)
        ]
    folded = max((row.last for row in buckets), default=person.folded)
    timeline = Timeline(sorted([*rows, *buckets]))
    return replace(person, timeline=timeline, folded=max(folded, person.folded))


def _cuts(track: int, now: Now, rules: Rules) -> list[int]:
    """Return the instants that no bucket of a track may reach across, ascending."""
    leaves = [rules.leaves[n] for n in bits(rules.listeners[track])]
    about = [leaf for leaf in leaves if isinstance(leaf, EventLeaf)]
    return sorted({cut for leaf in about for cut in leaf.cuts(now)})


def _groups(
    rows: Sequence[Row], track: int, cuts: Sequence[int], width: int, recent: int
) -> Iterator[list[Row]]:
    """Yield neighbours of one track that may become a bucket; none is near a cut."""

    def place(row: Row) -> tuple[int, int] | None:
        at = bisect_right(cuts, row.first)
        near = at > 0 and row.first < cuts[at - 1] + HOUR
        across = at < len(cuts) and row.last >= cuts[at] - 1
        wide = row.first // width != row.last // width
        if near or across or wide or row.last >= recent:
            return None
        return at, row.first // width

    mine = [row for row in rows if row.tracks >> track & 1]
    for key, group in groupby(mine, key=place):
        found = list(group)
        if key is not None and len(found) > 1:
            yield found
