"""The nodes about the profile: what is kept of it, and the answers from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from hashlib import md5
from typing import Any

from dmp.segments.live.clauses import (
    are_relative,
    comparison_turn,
    every,
    keys_of,
    turn_of,
)
from dmp.segments.live.comparing import holds, is_relative
from dmp.segments.live.nodes import Answer
from dmp.segments.live.spans import NEVER, Now, instant, micros
from dmp.segments.live.values import finder
from dmp.segments.rule import (
    Attribute,
    Consent,
    InList,
    Property,
    Related,
    Sample,
)


@dataclass(frozen=True)
class Event:
    """One event of a person.

    Attributes:
        occurred_at: corrected; without an offset it is UTC.
        properties: plain values as `core.event` holds them: text, numbers, true/false,
            dates, instants, lists, mappings.
    """

    event_id: str
    profile_id: str
    event: str
    occurred_at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """One consent decision: granted, denied or unknown."""

    purpose: str
    status: str
    captured_at: datetime


@dataclass(frozen=True)
class Profile:
    """All that is stored about one person.

    Attributes:
        attributes: by name; absent is missing.
        events: each event_id once, in any order.
        related: rows by entity.
        consent: all decisions, in any order.
        lists: ids of the static lists that hold the person.
    """

    profile_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    related: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    consent: Sequence[Decision] = ()
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ProfileLeaf:
    """A condition on the profile.

    Attributes:
        keep: what is remembered of a profile for it.
        answer: from what was kept, whether it holds and until when at least.
        timed: time can change the answer; else what is kept is the answer.
    """

    keep: Callable[[Profile], Any]
    answer: Callable[[Any, Now], Answer]
    timed: bool


def _fixed(keep: Callable[[Profile], bool]) -> ProfileLeaf:
    return ProfileLeaf(keep, lambda kept, now: (kept, NEVER), timed=False)


_ANY_TIME = Now(instant(0))


def attribute(node: Attribute, zone: tzinfo) -> ProfileLeaf:
    """Return whether an attribute satisfies its comparison."""
    wanted = Property((node.name,))
    test = holds(finder(wanted), node.comparison, zone)
    if not is_relative(node.comparison):
        return _fixed(lambda profile: test(profile.attributes, _ANY_TIME))
    turn = comparison_turn(finder(wanted), node.comparison, zone)

    def keep(profile: Profile) -> Mapping[str, Any]:
        return {node.name: profile.attributes.get(node.name)}

    return ProfileLeaf(keep, lambda row, now: (test(row, now), turn(row, now)), True)


def related(node: Related, zone: tzinfo) -> ProfileLeaf:
    """Return whether the related rows hold, by the quantifier."""
    where = every(node.where, zone)

    def answer(rows: Sequence[Mapping[str, Any]], now: Now) -> bool:
        good = sum(where is None or where(row, now) for row in rows)
        return _quantified(node, good, len(rows))

    def rows_of(profile: Profile) -> Sequence[Mapping[str, Any]]:
        return profile.related.get(node.entity, ())

    if not are_relative(node.where):
        return _fixed(lambda profile: answer(rows_of(profile), _ANY_TIME))
    keys, turn = keys_of(node.where), turn_of(node.where, zone)

    def keep(profile: Profile) -> Sequence[Mapping[str, Any]]:
        return [{k: r[k] for k in keys if k in r} for r in rows_of(profile)]

    def timed(rows: Sequence[Mapping[str, Any]], now: Now) -> Answer:
        return answer(rows, now), min([NEVER, *(turn(row, now) for row in rows)])

    return ProfileLeaf(keep, timed, True)


def _quantified(node: Related, good: int, rows: int) -> bool:
    if node.quantifier == "all":
        return good == rows
    if node.quantifier == "none":
        return good == 0
    n = 1 if node.n is None else node.n
    if node.quantifier == "at_most":
        return good <= n
    return good == n if node.quantifier == "exactly" else good >= n


def consent(node: Consent, zone: tzinfo) -> ProfileLeaf:
    """Return whether the newest decision up to as_of has the status."""

    def keep(profile: Profile) -> Sequence[tuple[int, bool, str]]:
        mine = [d for d in profile.consent if d.purpose == node.purpose]
        return sorted(
            (micros(d.captured_at), d.status == "denied", d.status) for d in mine
        )

    def answer(decisions: Sequence[tuple[int, bool, str]], now: Now) -> Answer:
        past = [d for d in decisions if d[0] <= now.micros]
        until = decisions[len(past)][0] if len(past) < len(decisions) else NEVER
        status = past[-1][2] if past else "unknown"
        known = status if status in ("granted", "denied") else "unknown"
        return known == node.status, until

    return ProfileLeaf(keep, answer, True)


def in_list(node: InList, zone: tzinfo) -> ProfileLeaf:
    """Return whether the person is on a static list."""
    return _fixed(lambda profile: node.id in profile.lists)


def sample(node: Sample, zone: tzinfo) -> ProfileLeaf:
    """Return whether the person's bucket lies in the share."""

    def keep(profile: Profile) -> bool:
        written = f"{node.salt}:{profile.profile_id}".encode()
        digest = md5(written, usedforsecurity=False).hexdigest()
        bucket = int(digest[:8], 16) / 2.0**32 * 100.0
        return node.start <= bucket < node.start + node.percent

    return _fixed(keep)
