"""The state of a person at rest: few bytes, folded where it is too much for them."""

from __future__ import annotations

import pickle
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from itertools import accumulate, groupby, repeat
from operator import sub
from typing import Any

from dmp.segments.live.nodes import EventLeaf
from dmp.segments.live.person import Person
from dmp.segments.live.rows import Row, Timeline, bits, bucket
from dmp.segments.live.rules import Leaf, Rules
from dmp.segments.live.shapes import Shape
from dmp.segments.live.spans import DAY, MINUTE, NEVER, SECOND, Now, Shared, instant

HOUR = 3600 * SECOND
WIDTHS = (HOUR, DAY, 30 * DAY, NEVER)
"""Widths of buckets, the finest first."""

_MADE_ANEW = {"timeline", "told", "names"}
_FIELDS = tuple(one.name for one in fields(Person) if one.name not in _MADE_ANEW)
_HEX = 32
"""Digits of an id that goes into half as many bytes."""
_row = partial(tuple.__new__, Row)


def at_rest(
    person: Person, rules: Rules, most_bytes: int, shared: Shared
) -> bytes | None:
    """Return a person's state in few bytes; None when it cannot be told in so few."""
    if person.since > -NEVER:
        for known in (person, _unnamed(person)):
            state = packed(known)
            if len(state) <= most_bytes:
                return state
    small = compacted(person, rules, most_bytes, shared)
    return None if small is None else packed(small)


def packed(person: Person) -> bytes:
    """Return the state as bytes, which never leave the process.

    Rows go by column: the time since the row before, the id where it still tells events
    apart, two bytes for what is read of it. What is read once only goes in whole.
    """
    rows = person.timeline.rows
    firsts, ids, _, _, _, counts, shapes = _columns(rows, Row)
    known = bisect_right(firsts, person.folded)
    own = {n: rows[n][2:4] for n, shape in enumerate(shapes) if shape < 0}
    buckets = {n: _span(rows[n]) for n, count in enumerate(counts) if count > 1}
    columns = (
        list(map(sub, firsts, (0, *firsts))),
        _short(ids[known:]),
        array("h", shapes).tobytes(),
        own,
        buckets,
    )
    state = [getattr(person, name) for name in _FIELDS]
    return pickle.dumps((columns, *state), protocol=5)


def _columns(
    rows: Sequence[tuple[Any, ...]], kind: type[Row] | type[Shape]
) -> Iterable[Sequence[Any]]:
    """Return the fields of rows of a kind, each of all rows."""
    return zip(*rows, strict=True) if rows else [()] * len(kind._fields)


def _span(row: Row) -> tuple[int, int]:
    """Return what a bucket has besides: how long it is and how many events it holds."""
    return row.last - row.first, row.n


def unpacked(state: bytes, rules: Rules) -> Person:
    """Return the person that was packed.

    Rows whose ids are gone have their places instead, which keeps them in order.
    """
    (times, ids, numbers, own, buckets), *others = pickle.loads(state)
    firsts, kept = list(accumulate(times)), _long(ids)
    names = [f"\0{n:05}" for n in range(len(firsts) - len(kept))] + kept
    known = rules.shapes.known
    shapes = [
        known[number] if number >= 0 else Shape._make((*own[n], -1))
        for n, number in enumerate(array("h", numbers))
    ]
    tracks, values, places = _columns(shapes, Shape)
    columns = firsts, names, tracks, values, firsts, repeat(1), places
    rows = list(map(_row, zip(*columns, strict=False)))
    for n, (span, events) in buckets.items():
        rows[n] = rows[n]._replace(last=rows[n].first + span, n=events)
    return Person(timeline=Timeline(rows), **dict(zip(_FIELDS, others, strict=True)))


def _short(ids: Sequence[str]) -> bytes | Sequence[str]:
    """Return ids of 32 lower-case hexadecimal digits as their bytes, or as given."""
    whole = "".join(ids)
    if all([len(one) == _HEX for one in ids]):
        try:
            short = bytes.fromhex(whole)
        except ValueError:
            return ids
        return short if short.hex() == whole else ids
    return ids


def _long(ids: bytes | Sequence[str]) -> list[str]:
    """Return the ids that `_short` was given."""
    if not isinstance(ids, bytes):
        return list(ids)
    whole = ids.hex()
    return [whole[n : n + _HEX] for n in range(0, len(whole), _HEX)]


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
    if size > room:
        small = _spared(_unnamed(small), rules)
        size = len(packed(small))
    if size * _whole_share(small, rules) > most_bytes:
        return None
    for width in WIDTHS:
        if size <= room:
            break
        small = _folded(small, now, width, rules)
        size = len(packed(small))
    return small if size <= most_bytes else None


def _unnamed(person: Person) -> Person:
    """Return a person whose events of more than an hour ago have no ids any more."""
    return replace(person, folded=max(person.folded, person.asked - HOUR))


def _spared(person: Person, rules: Rules) -> Person:
    """Return a person without the old events that are no part of any chain to come."""
    spare = {
        n: leaf.spare(person.timeline, person.folded)
        for n, leaf in enumerate(rules.leaves)
        if isinstance(leaf, EventLeaf) and leaf.spare and not person.settled >> n & 1
    }
    rows: list[Row] = []
    for row in person.timeline.rows:
        over = 0
        for track in bits(row.tracks & rules.whole):
            readers = bits(rules.listeners[track] & ~person.settled)
            if all([row.id in spare.get(n, ()) for n in readers]):
                over |= 1 << track
        rows += _without(row, over, rules) if over else [row]
    return replace(person, timeline=Timeline(rows))


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
    untils = {n: at for n, at in person.untils.items() if not settled >> n & 1}
    return replace(
        person,
        timeline=Timeline(rows),
        untils=untils,
        until=min(untils.values(), default=NEVER),
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
        shape = rules.shapes.shape(left, values)
        yield Row(row.first, row.id, *shape[:2], row.last, row.n, shape.number)


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
