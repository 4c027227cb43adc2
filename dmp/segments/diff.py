"""Two versions of a segment, compared condition by condition."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from dmp.segments.documents import node_document, segment_document
from dmp.segments.rule import All, AnyOf, Condition, Leaf, Node, Not, Segment, leaves


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        kind: added, removed, changed (a condition), setting (a key beside the rule),
            or logic (the same conditions, joined differently).
        path: where, in the new version; in the old one for what was removed.
        before: plain data of the old version; None for what was added.
        after: plain data of the new version; None for what was removed.
    """

    kind: str
    path: str
    before: Any = None
    after: Any = None


def diff(old: Segment, new: Segment) -> tuple[Change, ...]:
    """Return what differs, settings first; nothing for two equal versions.

    A condition that only moved is no change of its own: the logic shows it.
    """
    settings = _settings(old, new)
    gone, come = _unmatched(old, new), _unmatched(new, old)
    changes = _paired(gone, come)
    if not changes and _shape(old.rule) != _shape(new.rule):
        before, after = node_document(old.rule), node_document(new.rule)
        changes = [Change("logic", "rule", before, after)]
    return (*settings, *changes)


def _settings(old: Segment, new: Segment) -> list[Change]:
    before, after = segment_document(old), segment_document(new)
    names = [name for name in {**before, **after} if name != "rule"]
    return [
        Change("setting", name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _unmatched(mine: Segment, other: Segment) -> dict[str, Leaf]:
    """Return the conditions that the other version lacks, each as often as it does."""
    there = Counter(repr(leaf) for _, leaf in leaves(other.rule))
    found = {}
    for path, leaf in leaves(mine.rule):
        if there[repr(leaf)] > 0:
            there[repr(leaf)] -= 1
        else:
            found[path] = leaf
    return found


def _paired(gone: dict[str, Leaf], come: dict[str, Leaf]) -> list[Change]:
    changes = []
    for path, leaf in come.items():
        before = _partner(path, leaf, gone)
        if before is None:
            changes.append(Change("added", path, None, node_document(leaf)))
        else:
            was = node_document(gone.pop(before))
            changes.append(Change("changed", path, was, node_document(leaf)))
    removed = [Change("removed", p, node_document(leaf)) for p, leaf in gone.items()]
    return changes + removed


def _partner(path: str, leaf: Leaf, gone: dict[str, Leaf]) -> str | None:
    """Return the path of the old condition that became this one, if there is one."""
    if path in gone:
        return path
    alike = [p for p, old in gone.items() if type(old) is type(leaf)]
    return alike[0] if alike else None


def _shape(node: Node | Condition) -> Any:
    if isinstance(node, All | AnyOf):
        return (type(node).__name__, tuple(_shape(part) for part in node.parts))
    if isinstance(node, Not):
        return ("Not", _shape(node.part))
    return repr(node)
