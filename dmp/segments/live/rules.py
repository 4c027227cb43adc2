"""Segments compiled for live evaluation: leaves, tracks, and trees over truth bits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, TypeAlias

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments.calendars import zone_of
from dmp.segments.checks import cycle_faults, references
from dmp.segments.grammar import near
from dmp.segments.graph import attributes_of
from dmp.segments.live import chains, facts, lifecycles, nodes
from dmp.segments.live.expressions import portable
from dmp.segments.live.facts import ProfileLeaf
from dmp.segments.live.nodes import Answer, EventLeaf
from dmp.segments.live.rows import Timeline
from dmp.segments.live.shapes import Shapes
from dmp.segments.live.spans import Now
from dmp.segments.live.tracks import Track, Tracks
from dmp.segments.live.values import lower
from dmp.segments.patterns import pieces
from dmp.segments.re2 import comparisons
from dmp.segments.rule import (
    All,
    AnyOf,
    Attribute,
    Condition,
    Consent,
    Did,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Node,
    Not,
    Regularly,
    Related,
    Restarted,
    Sample,
    Segment,
    Sql,
    Stopped,
    Top,
    deep_leaves,
)
from dmp.segments.rule import (
    Sequence as Steps,
)

Tree: TypeAlias = Callable[[int], bool]
Leaf: TypeAlias = EventLeaf | ProfileLeaf

_EVENT_NODES: Mapping[type, Callable[[Any, Tracks, tzinfo], EventLeaf]] = {
    Did: nodes.did,
    Endmost: nodes.endmost,
    FirstTime: lifecycles.first_time,
    Stopped: lifecycles.stopped,
    Restarted: lifecycles.restarted,
    Regularly: lifecycles.regularly,
    Steps: chains.sequence,
}
_PROFILE_NODES: Mapping[type, Callable[[Any, tzinfo], ProfileLeaf]] = {
    Attribute: facts.attribute,
    Related: facts.related,
    Consent: facts.consent,
    InList: facts.in_list,
    Sample: facts.sample,
}


@dataclass(frozen=True)
class Rules:
    """All that is evaluated live; truths are one int, a bit for each leaf.

    Attributes:
        segments: their ids, in the order of the membership bits.
        trees: whether the truths make a member, of each segment.
        leaves: the conditions, each once however many segments have it.
        answers: of those that are about events, how they are answered.
        watchers: of each leaf, the bits of the segments that read it.
        tracks: the patterns, each once.
        listeners: of each track, the bits of the leaves that read it.
        stirred: of these, the leaves that an event can change which is the newest.
        whole: the bits of the tracks whose events cannot become buckets.
        shapes: what the tracks read of events.
        changing: the bits of the leaves that events or time can change.
        rising: of those that more events can only make true.
        falling: of those that more events can only make false.
        lasting: of those that hold for ever once they do.
        steady: of those that a newest event changes only where time alone does not.
    """

    segments: tuple[str, ...]
    trees: tuple[Tree, ...]
    leaves: tuple[Leaf, ...]
    answers: tuple[Callable[[Timeline, Now], Answer] | None, ...]
    watchers: tuple[int, ...]
    tracks: tuple[Track, ...]
    listeners: tuple[int, ...]
    stirred: tuple[int, ...]
    whole: int
    shapes: Shapes
    changing: int
    rising: int
    falling: int
    lasting: int
    steady: int


def not_live(
    segment: Segment,
    segments: Mapping[str, Segment],
    traits: Collection[str] = (),
    trail: tuple[str, ...] = (),
) -> list[Fault]:
    """Return the conditions of a segment that only a batch evaluation can answer.

    Args:
        segment: the rule.
        segments: by id, those that it may refer to.
        traits: the names of the computed traits.
        trail: the segments on the way to this one.
    """
    found = []
    for path, leaf in deep_leaves(segment.rule):
        if isinstance(leaf, Sql | Top):
            wrong = "needs everybody, so it is evaluated in batch only"
            found.append(Fault(path, wrong))
        if not {*traits}.isdisjoint(attributes_of(leaf)):
            wrong = "reads a computed trait, so it is evaluated in batch only"
            found.append(Fault(path, wrong))
        inner = segments.get(leaf.id) if isinstance(leaf, InSegment) else None
        if inner is not None and inner.id not in trail:
            if not_live(inner, segments, traits, (*trail, segment.id)):
                found.append(Fault(path, "refers to a segment that is not live"))
    return found + [
        Fault(f"{path}.value", "is outside of the expressions that run live")
        for path, made in comparisons(segment)
        if made.op in ("matches", "not_matches") and _is_foreign(made)
    ]


def _is_foreign(made: Any) -> bool:
    pattern = str(made.value)
    if made.ignore_case:
        pattern = "".join(lower(p) if free else p for p, free in pieces(pattern))
    return portable(pattern) is None


def compile_rules(
    segments: Iterable[Segment], traits: Collection[str] = ()
) -> tuple[Rules, Mapping[str, Any]]:
    """Return the rules that run live, and the faults of those that do not, by id.

    Args:
        segments: the rules, and all that they refer to.
        traits: the names of the computed traits.

    Raises:
        RuleInvalid: a rule refers to a segment that is not given, or back to itself.
    """
    known = {segment.id: segment for segment in segments}
    batch: dict[str, list[Fault]] = {}
    for segment in known.values():
        _check(segment, known)
    for segment in known.values():
        faults = not_live(segment, known, traits)
        if faults:
            batch[segment.id] = faults
    compiler = _Compiler(known)
    for segment in known.values():
        if segment.id not in batch:
            compiler.add(segment)
    return compiler.rules(), batch


def _check(segment: Segment, known: Mapping[str, Segment]) -> None:
    faults = [
        Fault(path, f"no segment {id_!r}", near(id_, known))
        for id_, path in references(segment).items()
        if id_ not in known
    ]
    faults += cycle_faults(segment, known)
    if faults:
        raise RuleInvalid(segment.id, faults)


class _Compiler:
    """Gathers leaves and tracks while the segments are compiled one by one."""

    def __init__(self, known: Mapping[str, Segment]) -> None:
        self._known = known
        self._tracks = Tracks()
        self._leaves: dict[tuple[tzinfo, Node], int] = {}
        self._made: list[Leaf] = []
        self._trees: dict[str, tuple[Tree, int]] = {}

    def add(self, segment: Segment) -> None:
        """Compile a segment."""
        read: set[int] = set()
        tree = self._tree(segment.rule, zone_of(segment.timezone), read)
        self._trees[segment.id] = tree, sum(1 << leaf for leaf in read)

    def _tree(self, node: Node | Condition, zone: tzinfo, read: set[int]) -> Tree:
        if isinstance(node, All | AnyOf):
            return self._group(node, zone, read)
        if isinstance(node, Not):
            inner = self._tree(node.part, zone, read)
            return lambda truths: not inner(truths)
        if isinstance(node, InSegment):
            return self._in_segment(node, read)
        if isinstance(node, Condition):
            raise TypeError("a rule is made of nodes")
        bit = 1 << self._leaf(node, zone, read)
        return lambda truths: bool(truths & bit)

    def _group(self, node: All | AnyOf, zone: tzinfo, read: set[int]) -> Tree:
        """Return the tree of a group: of its leaves at once, then of other parts."""
        trees, leaves = [], 0
        for part in node.parts:
            if isinstance(part, All | AnyOf | Not | InSegment | Condition):
                trees.append(self._tree(part, zone, read))
            else:
                leaves |= 1 << self._leaf(part, zone, read)
        if isinstance(node, All):
            return lambda truths: (
                truths & leaves == leaves and all([tree(truths) for tree in trees])
            )
        return lambda truths: (
            truths & leaves != 0 or any([tree(truths) for tree in trees])
        )

    def _in_segment(self, node: InSegment, read: set[int]) -> Tree:
        inner = self._known[node.id]
        tree = self._tree(inner.rule, zone_of(inner.timezone), read)
        return lambda truths: tree(truths) is not node.negated

    def _leaf(self, node: Node, zone: tzinfo, read: set[int]) -> int:
        key = (zone, node)
        if key not in self._leaves:
            self._leaves[key] = len(self._made)
            about_events = _EVENT_NODES.get(type(node))
            if about_events is not None:
                self._made.append(about_events(node, self._tracks, zone))
            else:
                self._made.append(_PROFILE_NODES[type(node)](node, zone))
        read.add(self._leaves[key])
        return self._leaves[key]

    def rules(self) -> Rules:
        """Return what was compiled."""
        tracks, leaves = tuple(self._tracks.all), tuple(self._made)
        return Rules(
            segments=tuple(self._trees),
            trees=tuple(tree for tree, _ in self._trees.values()),
            leaves=leaves,
            answers=tuple(
                leaf.answer if isinstance(leaf, EventLeaf) else None for leaf in leaves
            ),
            watchers=tuple(self._watchers(n) for n in range(len(leaves))),
            tracks=tracks,
            listeners=tuple(_listeners(n, leaves) for n in range(len(tracks))),
            stirred=tuple(_stirred(n, leaves) for n in range(len(tracks))),
            whole=_whole(leaves),
            shapes=Shapes(tracks),
            changing=_mask(
                n
                for n, leaf in enumerate(leaves)
                if isinstance(leaf, EventLeaf) or leaf.timed
            ),
            rising=_of_events(leaves, lambda leaf: leaf.monotone > 0),
            falling=_of_events(leaves, lambda leaf: leaf.monotone < 0),
            lasting=_of_events(leaves, lambda leaf: leaf.lasting),
            steady=_of_events(leaves, lambda leaf: leaf.steady),
        )

    def _watchers(self, leaf: int) -> int:
        reading = (read for _, read in self._trees.values())
        return _mask(n for n, read in enumerate(reading) if read >> leaf & 1)


def _mask(places: Iterable[int]) -> int:
    return sum(1 << place for place in places)


def _of_events(leaves: Sequence[Leaf], chosen: Callable[[EventLeaf], bool]) -> int:
    """Return the bits of the conditions on events that are chosen."""
    return _mask(
        n
        for n, leaf in enumerate(leaves)
        if isinstance(leaf, EventLeaf) and chosen(leaf)
    )


def _listeners(track: int, leaves: Sequence[Leaf]) -> int:
    return _of_events(leaves, lambda leaf: bool(leaf.tracks >> track & 1))


def _stirred(track: int, leaves: Sequence[Leaf]) -> int:
    return _of_events(
        leaves, lambda leaf: bool(leaf.tracks & leaf.stirring & 1 << track)
    )


def _whole(leaves: Sequence[Leaf]) -> int:
    tracks = 0
    for leaf in leaves:
        if isinstance(leaf, EventLeaf) and not leaf.folds:
            tracks |= leaf.tracks
    return tracks
