"""What of a faulty rule is sound: the names that it says are checked all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments.parsing import MAX_DEPTH, parse
from dmp.segments.rule import Segment

_NOBODY: Mapping[str, Any] = {"any": []}


def read_sound(document: object) -> tuple[Segment, list[Fault]]:
    """Return a document's segment, or what is sound of it together with its faults."""
    try:
        return parse(document), []
    except RuleInvalid as error:
        return sound_part(document), [*error.faults]


def sound_part(document: object) -> Segment:
    """Return a segment whose faulty conditions admit nobody.

    Every sound condition stands at the path where it stood.
    """
    rule = document.get("rule") if isinstance(document, Mapping) else None
    mended = _mended(rule)
    return _read(mended if _is_sound(mended) else _NOBODY)


def _mended(node: Any, depth: int = 0) -> Any:
    """Return a node whose faulty conditions are nobody; each condition is read once."""
    if isinstance(node, Mapping) and len(node) == 1 and depth <= MAX_DEPTH:
        ((word, parts),) = node.items()
        if word in ("all", "any") and isinstance(parts, list):
            return {word: [_mended(part, depth + 1) for part in parts]}
        if word == "not":
            return {"not": _mended(parts, depth + 1)}
    return node if _is_sound(node) else _NOBODY


def _is_sound(rule: Any) -> bool:
    try:
        _read(rule)
    except RuleInvalid:
        return False
    return True


def _read(rule: Any) -> Segment:
    return parse({"segment": "sound", "rule": rule})
