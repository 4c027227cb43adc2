"""Who is in which segments now, one event at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from dmp.core.errors import Fault
from dmp.segments.calendars import LAST
from dmp.segments.live.facts import Event, Profile
from dmp.segments.live.person import Person, add, evaluate, remembered, row_of
from dmp.segments.live.resting import at_rest, compacted, unpacked
from dmp.segments.live.rows import Cut, bits
from dmp.segments.live.rules import compile_rules
from dmp.segments.live.spans import Now, Shared, instant, micros
from dmp.segments.rule import Segment

Load: TypeAlias = Callable[[str], Profile | None]

MOST_BYTES = 2_048
_LAST = micros(LAST)


class LiveSegments:
    """Memberships of single people, as events come, equal to those that SQL gives.

    An event counts from the moment it is observed. Observe it once it is stored, for
    people who are not in memory are loaded from the store when they are asked about.
    Attributes, consent, lists, related rows and merges are taken from there too:
    `forget` a profile when they change.

    State is bounded. A person at rest takes at most `most_bytes`: events that no rule
    needs any more are dropped, and old ones become counters in buckets of an hour, a
    day, 30 days or more; only events near the edges of windows stay exact. Where a
    window comes to end inside a bucket, or an event falls into one, the person is
    loaded again; who does not fit is not kept. So answers are exact always.

    An event_id counts once among the last `event_ids` observed and those kept of its
    person; older repeats are for the write path to refuse.
    """

    def __init__(
        self,
        segments: Iterable[Segment],
        load: Load,
        *,
        traits: Collection[str] = (),
        people: int = 100_000,
        active: int = 1_000,
        most_bytes: int = MOST_BYTES,
        event_ids: int = 100_000,
    ) -> None:
        """Compile the rules.

        Args:
            segments: the rules, and all that they refer to.
            load: gives all that is stored of a profile; None when there is none.
            traits: the names of the computed traits; who reads one is not live.
            people: how many are remembered at rest; those not seen longest go first.
            active: how many are kept unpacked besides.
            most_bytes: of a person at rest.
            event_ids: how many of the newest are known, to count each once.

        Raises:
            RuleInvalid: a rule refers to a segment not given, or back to itself.
        """
        self._rules, batch = compile_rules(segments, traits)
        self.batch: Mapping[str, list[Fault]] = batch
        """The segments that cannot be evaluated live, and the conditions to blame."""
        self._load = load
        self._shared: Shared = {}
        self._people, self._active_limit = people, active
        self._most_bytes, self._id_limit = most_bytes, event_ids
        self._active: OrderedDict[str, Person] = OrderedDict()
        self._resting: OrderedDict[str, bytes] = OrderedDict()
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._ids_of = lru_cache(maxsize=4_096)(self._named)
        self._eight = lru_cache(maxsize=65_536)(self._named_of_eight)

    @property
    def segments(self) -> tuple[str, ...]:
        """The ids of the segments that are evaluated live."""
        return self._rules.segments

    def observe(self, event: Event) -> None:
        """Take in one event, of any age; repeats change nothing."""
        if self._is_repeat(event.event_id):
            return
        row = row_of(event, self._rules)
        person = self._find(event.profile_id) if row is not None else None
        if row is None or person is None:
            return
        if not add(person, row, self._rules):
            self.forget(event.profile_id)
        elif len(person.timeline.rows) > person.most_rows:
            self._shrink(event.profile_id, person)

    def memberships(self, profile_id: str, as_of: datetime) -> frozenset[str]:
        """Return the ids of the segments that a profile is in; none for a stranger.

        Args:
            profile_id: the canonical one.
            as_of: any instant; answers are quickest where it moves forward. Without an
                offset it is UTC.
        """
        person = self._judged(profile_id, Now(as_of, self._shared))
        if person is None:
            return frozenset()
        if person.told != person.members:
            person.names ^= self._ids_of(person.told ^ person.members)
            person.told = person.members
        return person.names

    def next_tick(self, profile_id: str) -> datetime | None:
        """Return when time alone can first change what `memberships` said last.

        Nothing changes before it; at it something may. None: not without new events,
        or nobody asked about this profile of late.
        """
        person = self._find(profile_id)
        if person is None:
            return None
        if person.dirty:
            now = Now(instant(person.asked), self._shared)
            person = self._judged(profile_id, now) or person
        until = person.until
        return instant(until) if until < _LAST else None

    def forget(self, profile_id: str) -> None:
        """Drop what is remembered of a profile; it is loaded when asked about."""
        self._active.pop(profile_id, None)
        self._resting.pop(profile_id, None)

    def _is_repeat(self, event_id: str) -> bool:
        if event_id in self._ids:
            return True
        self._ids[event_id] = None
        if len(self._ids) > self._id_limit:
            self._ids.popitem(last=False)
        return False

    def _judged(self, profile_id: str, now: Now) -> Person | None:
        """Return a profile's person with the members of as_of; None for a stranger."""
        person = self._find(profile_id)
        if person is not None:
            try:
                evaluate(person, now, self._rules)
            except Cut:
                self.forget(profile_id)
            else:
                return person
        profile = self._load(profile_id)
        if profile is None:
            return None
        person = remembered(profile, self._rules)
        evaluate(person, now, self._rules)
        self._activate(profile_id, person)
        if len(person.timeline.rows) > person.most_rows:
            self._shrink(profile_id, person)
        return person

    def _named(self, members: int) -> frozenset[str]:
        """Return the ids of the segments whose bits are set, from eight at a time."""
        bytes_ = members.to_bytes((members.bit_length() + 7) // 8, "little")
        return frozenset().union(
            *(self._eight(place, byte) for place, byte in enumerate(bytes_) if byte)
        )

    def _named_of_eight(self, place: int, byte: int) -> frozenset[str]:
        return frozenset(self._rules.segments[8 * place + n] for n in bits(byte))

    def _find(self, profile_id: str) -> Person | None:
        person = self._active.get(profile_id)
        if person is not None:
            self._active.move_to_end(profile_id)
            return person
        state = self._resting.pop(profile_id, None)
        if state is None:
            return None
        person = unpacked(state, self._rules)
        self._activate(profile_id, person)
        return person

    def _activate(self, profile_id: str, person: Person) -> None:
        self._active[profile_id] = person
        if len(self._active) > self._active_limit:
            self._rest(*self._active.popitem(last=False))

    def _rest(self, profile_id: str, person: Person) -> None:
        state = at_rest(person, self._rules, self._most_bytes, self._shared)
        if state is None:
            return
        self._resting[profile_id] = state
        if len(self._resting) > self._people:
            self._resting.popitem(last=False)

    def _shrink(self, profile_id: str, person: Person) -> None:
        small = compacted(person, self._rules, self._most_bytes, self._shared)
        if small is None:
            person.most_rows = 2 * len(person.timeline.rows)
        else:
            self._active[profile_id] = small
