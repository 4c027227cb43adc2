"""Writes a segment's file anew and keeps the comments of whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dmp.core.errors import RuleInvalid
from dmp.segments.source import load, written

_KEY = re.compile(r"([A-Za-z_]\w*)\s*:")
_LAST = "end_of_file"
_START = ""
"""Stands for the lines before the first key."""


def rewritten(text: str, document: Mapping[str, Any]) -> str:
    """Return a document as YAML, as much like the text it was read from as can be.

    A key whose value stays keeps its lines as they are, comments within and above it
    too; a changed one keeps the comments above it. Text that is no YAML of one mapping
    is written anew. `load` gives the document in any case.
    """
    try:
        before = load(text, "file")
    except RuleInvalid:
        return written(document)
    blocks = _blocks(text)
    if not isinstance(before, dict) or set(blocks) - {_START} != set(before):
        return written(document)
    kept = [blocks.get(_START, "")]
    for key, value in document.items():
        same = key in before and before[key] == value
        kept.append(blocks[key] if same else _anew(blocks.get(key, ""), key, value))
    made = "".join(kept)
    return made if _reads_as(made, document) else written(document)


def _reads_as(text: str, document: Mapping[str, Any]) -> bool:
    try:
        return load(text, "file") == dict(document)
    except RuleInvalid:
        return False


def _anew(before: str, key: str, value: Any) -> str:
    above = [line for line in _above(before) if line.strip()]
    return "".join(above) + _lines(key, value)


def _lines(key: str, value: Any) -> str:
    """Return one key as the lines that it has among others."""
    return written({key: value, _LAST: []}).removesuffix(f"{_LAST}: []\n")


def _above(block: str) -> list[str]:
    lines = block.splitlines(keepends=True)
    ends = next((n for n, line in enumerate(lines) if _KEY.match(line)), 0)
    return lines[:ends]


def _blocks(text: str) -> dict[str, str]:
    """Return the lines of each key at the left margin, with the comments above them.

    What stands above the first key and is apart from it by an empty line heads the
    file.
    """
    blocks: dict[str, str] = {}
    waiting, key = "", None
    for line in _ended(text).splitlines(keepends=True):
        found = _KEY.match(line)
        if found:
            if key is None:
                head, gap, waiting = waiting.rpartition("\n\n")
                blocks[_START] = head + gap
            key = found[1]
            blocks[key] = blocks.get(key, "") + waiting + line
            waiting = ""
        elif key is None or line.startswith("#") or not line.strip():
            waiting += line
        else:
            blocks[key] += waiting + line
            waiting = ""
    if key is not None:
        blocks[key] += waiting
    return blocks


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
