"""Which features tell who is in a segment because its rule reads the same thing.

A model that reads what defines the seed learns the rule, and finds nobody new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dmp.core.traits import TRAITS
from dmp.segments import rule
from dmp.segments.rule import Leaf, Segment, deep_leaves
from dmp.segments.science.features import Feature
from dmp.segments.science.scoring import Flags, check_sides, single_areas

if TYPE_CHECKING:
    import pandas as pd

TELLS_ALL = 0.98
_WITH_PATTERN = (
    rule.Did,
    rule.Endmost,
    rule.FirstTime,
    rule.Regularly,
    rule.Stopped,
    rule.Restarted,
)


def leaking(
    seed: Segment,
    segments: Mapping[str, Segment],
    features: Sequence[Feature],
    rows: pd.DataFrame,
    positive: Flags,
) -> dict[str, str]:
    """Return the features that give the seed away, each with the reason.

    Those of the things that the rule reads, through all segments that it refers to: a
    rule about purchases takes every feature of purchases with it. And those that tell
    almost everybody apart alone, whatever the rule says (area above 0.98): of lists
    and SQL nobody knows what they read.

    Raises:
        UsageError: fewer than twenty people in the seed, or outside of it.
    """
    check_sides(positive)
    found: dict[str, str] = {}
    for read in _reads(seed, segments, set()):
        for feature in features:
            if _is_of(feature, read):
                found.setdefault(feature.name, f"the rule reads {_words(read)}")
    rest = rows.drop(columns=[name for name in found if name in rows.columns])
    for name, alone in single_areas(rest, positive).items():
        if alone >= TELLS_ALL:
            found[name] = f"alone it tells the seed apart (area {alone:.2f})"
    return found


Read = tuple[str, str]
"""A kind (activity, purchase, event, attribute, consent) and a name."""


def _reads(
    segment: Segment, segments: Mapping[str, Segment], seen: set[str]
) -> Iterator[Read]:
    seen.add(segment.id)
    for _, leaf in deep_leaves(segment.rule):
        if isinstance(leaf, rule.InSegment):
            if leaf.id not in seen and leaf.id in segments:
                yield from _reads(segments[leaf.id], segments, seen)
        else:
            yield from _leaf(leaf)


def _leaf(leaf: Leaf) -> Iterator[Read]:
    match leaf:
        case rule.Attribute(name) | rule.Top(by=name):
            yield _attribute(name)
        case rule.Related():
            yield "purchase", ""
        case rule.Consent(purpose):
            yield "consent", purpose
        case rule.Sequence(steps):
            yield from (_event(step.pattern.event) for step in steps)
        case _ if isinstance(leaf, _WITH_PATTERN):
            yield _event(leaf.pattern.event)


def _attribute(name: str) -> Read:
    if name not in TRAITS:
        return "attribute", name
    return ("purchase" if "order" in name else "activity"), ""


def _event(event: str | None) -> Read:
    return ("activity", "") if event is None else ("event", event)


def _is_of(feature: Feature, read: Read) -> bool:
    kind, name = read
    if kind == "event":
        return feature.name.rpartition("_")[0] == f"did_{name}"
    if name:
        return feature.name == f"{kind}_{name}"
    return feature.step == kind


def _words(read: Read) -> str:
    kind, name = read
    family = {"purchase": "purchases", "activity": "all events"}
    return f"{kind} {name}" if name else family[kind]
