"""What uses what: segments, traits, lists, attributes, events and related rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dmp.segments.checks import reachable
from dmp.segments.rule import (
    Attribute,
    Computed,
    Did,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Leaf,
    Other,
    Pattern,
    Regularly,
    Related,
    Restarted,
    Segment,
    Sql,
    Stopped,
    Top,
    deep_leaves,
)
from dmp.segments.rule import Sequence as Steps


@dataclass(frozen=True, order=True)
class Use:
    """One thing that another uses, each by its kind and name.

    Kinds are destination, segment, trait, list, attribute, event and related; an event
    named `*` is any event.
    """

    kind: str
    name: str
    uses: str
    used: str


def uses(segments: Mapping[str, Segment], traits: Sequence[Computed]) -> list[Use]:
    """Return what segments and computed traits use, each use once, in order.

    What an `sql` node reads is not told: it names tables.
    """
    computed = {trait.name for trait in traits}
    found = {
        Use("trait", trait.name, *thing)
        for trait in traits
        for thing in _rows(trait.entity, trait.of)
    }
    for name, segment in segments.items():
        for _, leaf in deep_leaves(segment.rule):
            for kind, used in _of_leaf(leaf):
                is_trait = kind == "attribute" and used in computed
                found.add(Use("segment", name, "trait" if is_trait else kind, used))
    return sorted(found)


def columns_read(
    segments: Iterable[Segment], traits: Sequence[Computed]
) -> frozenset[str] | None:
    """Return the attributes and traits that segments read; None: SQL may read any."""
    known = {segment.id: segment for segment in segments}
    for segment in known.values():
        if any(isinstance(leaf, Sql) for _, leaf in deep_leaves(segment.rule)):
            return None
    read = uses(known, traits)
    return frozenset(use.used for use in read if use.uses in ("attribute", "trait"))


def reads_any(
    segment: Segment, known: Mapping[str, Segment], attributes: Collection[str]
) -> bool:
    """Say whether a rule, or one that it refers to, may read one of some attributes."""
    read = columns_read([known[id_] for id_ in reachable(segment, known)], ())
    return read is None or not read.isdisjoint(attributes)


def reads_instant(
    segment: Segment, known: Mapping[str, Segment], traits: Collection[str]
) -> bool:
    """Say whether a rule, or one that it refers to, reads what is staged of an instant.

    That are traits, static lists, and the views of `sql` nodes. Other rules read the
    same staged people at any instant.
    """
    read = {id_: known[id_] for id_ in reachable(segment, known)}
    lists = any(use.uses == "list" for use in uses(read, ()))
    return lists or reads_any(segment, known, traits)


def attributes_of(leaf: Leaf) -> list[str]:
    """Return the attributes that a condition on the profile reads."""
    if not isinstance(leaf, Attribute):
        return []
    values = leaf.comparison.value, leaf.comparison.to
    others = [str(value.property) for value in values if isinstance(value, Other)]
    return [leaf.name, *others]


def _of_leaf(leaf: Leaf) -> Iterator[tuple[str, str]]:
    match leaf:
        case InSegment(id=name):
            yield "segment", name
        case InList(id=name):
            yield "list", name
        case Top(by=name):
            yield "attribute", name
        case Related(entity=name):
            yield "related", name
        case Attribute():
            for name in attributes_of(leaf):
                yield "attribute", name
        case Steps(steps=steps):
            for step in steps:
                yield from _rows("", step.pattern)
        case Did() | Endmost() | FirstTime() | Regularly() | Stopped() | Restarted():
            yield from _rows("", leaf.pattern)


def _rows(entity: str, pattern: Pattern) -> Iterator[tuple[str, str]]:
    if entity:
        yield "related", entity
    else:
        yield "event", pattern.event or "*"
