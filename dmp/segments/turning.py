"""Whom time alone can have changed between two instants, and whom rows can.

What lies in a window at one as_of and not at another lies between the two places of an
edge. So the people to look at again are those with an event there: usually few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TypeVar

from dmp.core.traits import TRAITS
from dmp.segments.calendars import zone_of
from dmp.segments.edges import (
    ANY,
    ENTITY_OF,
    TRAIT_OF,
    Passed,
    Rows,
    by_trait,
    edges,
    of_trait,
    through_trait,
)
from dmp.segments.graph import attributes_of
from dmp.segments.rule import (
    Attribute,
    Computed,
    Consent,
    Did,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Leaf,
    Regularly,
    Related,
    Restarted,
    Segment,
    Sql,
    Stopped,
    Top,
    leaves,
)
from dmp.segments.rule import (
    Sequence as Steps,
)
from dmp.segments.ticks import comparisons_of, is_relative
from dmp.segments.windows import (
    Moment,
)


@dataclass(frozen=True)
class Turning:
    """How time goes on for some segments.

    Attributes:
        then: the earlier as_of.
        now: the later one.
        passed: the ranges of rows whose people may have changed, for which segments.
        rows: those that change something where they come or go, for which segments.
        deciding: segments that ask for consent.
        attributes: conditions on the profile that time can change, with their zone,
            and for which segments.
        everybody: segments whose people cannot be told apart so.
    """

    then: datetime
    now: datetime
    passed: Mapping[Passed, frozenset[str]]
    rows: Mapping[Rows, frozenset[str]]
    deciding: frozenset[str]
    attributes: Mapping[tuple[Attribute, tzinfo], frozenset[str]]
    everybody: frozenset[str]


def turning(
    chosen: Sequence[Segment],
    segments: Mapping[str, Segment],
    then: datetime,
    now: datetime,
    traits: Sequence[Computed] = (),
) -> Turning:
    """Return whom time can have changed in some segments.

    Args:
        chosen: the segments.
        segments: by id, those that they may refer to.
        then: as_of of the evaluation before.
        now: as_of of the one to come, not before it.
        traits: those that operators define.
    """
    defined = {trait.name: trait for trait in traits}
    found = _Found(then, now, defined)
    for segment in chosen:
        for leaf, zone in _everywhere(segment, segments):
            found.add(segment.id, leaf, zone)
    return Turning(
        then,
        now,
        _frozen(found.passed),
        _frozen(found.rows),
        frozenset(found.deciding),
        _frozen(found.attributes),
        frozenset(found.everybody),
    )


K = TypeVar("K")


def _frozen(sets: Mapping[K, set[str]]) -> dict[K, frozenset[str]]:
    return {key: frozenset(names) for key, names in sets.items()}


@dataclass(frozen=True)
class _Found:
    """What is found of the segments one condition at a time."""

    then: datetime
    now: datetime
    defined: Mapping[str, Computed]
    passed: dict[Passed, set[str]] = field(default_factory=dict)
    rows: dict[Rows, set[str]] = field(default_factory=dict)
    deciding: set[str] = field(default_factory=set)
    attributes: dict[tuple[Attribute, tzinfo], set[str]] = field(default_factory=dict)
    everybody: set[str] = field(default_factory=set)

    def add(self, segment: str, leaf: Leaf, zone: tzinfo) -> None:
        """Find what one condition of a segment rests on."""
        read = [self.defined[n] for n in attributes_of(leaf) if n in self.defined]
        ages = any(trait.agg == "time_since" for trait in read)
        ages |= bool(read) and any(map(is_relative, comparisons_of(leaf)))
        if isinstance(leaf, Consent):
            self.deciding.add(segment)
        if _needs_everybody(leaf) or (ages and self.then < self.now):
            self.everybody.add(segment)
            return
        for rows in _rows(leaf, zone, read):
            self.rows.setdefault(rows, set()).add(segment)
        if self.then < self.now:
            for passed in self._passed(leaf, zone, read):
                self.passed.setdefault(passed, set()).add(segment)
        if isinstance(leaf, Attribute) and leaf.name not in TRAIT_OF:
            if is_relative(leaf.comparison):
                self.attributes.setdefault((leaf, zone), set()).add(segment)

    def _passed(
        self, leaf: Leaf, zone: tzinfo, read: Sequence[Computed]
    ) -> Iterator[Passed]:
        """Yield what as_of itself passed over, and what the edges did."""
        for rows in _rows(leaf, zone, read):
            yield Passed(rows, self.then, self.now, low_in=False)
        for trait in read:
            yield from through_trait(trait, self.then, self.now)
        ends = Moment(self.then, zone), Moment(self.now, zone)
        if not isinstance(leaf, Attribute):
            yield from edges(leaf, *ends)
        elif leaf.name in TRAIT_OF and is_relative(leaf.comparison):
            yield from by_trait(leaf, *ends)


def _rows(leaf: Leaf, zone: tzinfo, read: Sequence[Computed]) -> Iterator[Rows]:
    """Yield which rows a condition rests on, of the traits too that it reads."""
    match leaf:
        case Steps(steps=steps):
            for step in steps:
                yield Rows("event", step.pattern, zone)
            if any(step.immediately for step in steps):
                yield Rows("event", ANY, zone)
        case Did() | Endmost() | FirstTime() | Regularly() | Stopped() | Restarted():
            yield Rows("event", leaf.pattern, zone)
        case Related():
            yield Rows(leaf.entity, ANY, zone)
        case Attribute():
            for name in attributes_of(leaf):
                if name in ENTITY_OF:
                    yield Rows(ENTITY_OF[name], ANY, zone)
            for trait in read:
                yield of_trait(trait)


def _everywhere(
    segment: Segment, segments: Mapping[str, Segment]
) -> Iterator[tuple[Leaf, tzinfo]]:
    zone = zone_of(segment.timezone)
    for _, leaf in leaves(segment.rule):
        if isinstance(leaf, InSegment):
            yield from _everywhere(segments[leaf.id], segments)
        else:
            yield leaf, zone


def _needs_everybody(leaf: Leaf) -> bool:
    """Say whether others, or as_of by way of a value, can change the answer."""
    if isinstance(leaf, Sql | Top | InList):
        return True
    relative = [c for c in comparisons_of(leaf) if is_relative(c)]
    if isinstance(leaf, Attribute):
        by_birthday = any(c.op == "anniversary_in_next" for c in relative)
        return leaf.name in TRAITS and by_birthday
    return bool(relative)
