"""A drafted contract as YAML with comments, which people go on with."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from dmp.ingest.infer.draft import Draft, Entry

_WIDTH = 88


def page_of(head: Sequence[Entry], draft: Draft, notes: Sequence[str]) -> str:
    """Return the YAML of a contract; it holds no value of anybody.

    Args:
        head: what stands before the sections: source, owner, connector and the like.
        notes: comments on the whole, at the top.
    """
    parts = [
        [*(line for note in notes for line in _comment(note, ""))],
        [*_lines(head, "")],
        [
            *_section("subject", [*_listed(draft.subject)]),
            *_lines(draft.recorded_at, ""),
        ],
        _section("fields", [*_lines(draft.fields, "  ")]),
        _event(draft),
        _section("transaction", [*_lines(draft.transaction, "  ")]),
        _section("consent", [*_listed(draft.consent)]),
        [*_left_out(draft)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _section(name: str, lines: list[str]) -> list[str]:
    return [f"{name}:", *lines] if lines else []


def _event(draft: Draft) -> list[str]:
    lines = [*_lines(draft.event, "  ")]
    if draft.properties:
        lines += ["  properties:", *_lines(draft.properties, "    ")]
    return _section("event", lines)


def _lines(entries: Sequence[Entry], indent: str) -> Iterator[str]:
    for entry in entries:
        yield from _comment(entry.why, indent)
        key = _flow(entry.name)
        if entry.name == "names":
            yield f"{indent}{key}:"
            for name, when in entry.value.items():
                yield f"{indent}  {_flow(name)}: {_flow(when)}"
        else:
            yield from _value(f"{indent}{key}:", entry.value, f"{indent}  ")


def _listed(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        yield from _comment(entry.why, "  ")
        first, *rest = _wrapped(_flow(entry.value), 4)
        yield f"  - {first}"
        yield from (f"    {line}" for line in rest)


def _left_out(draft: Draft) -> Iterator[str]:
    if draft.left_out:
        yield "# Not read; what is not declared is never stored:"
    for place, why in draft.left_out:
        yield from _comment(f"{place}: {why}", "", hanging=True)


def _comment(text: str, indent: str, *, hanging: bool = False) -> Iterator[str]:
    text = "".join(c if c.isprintable() else "?" for c in text)
    more = "#     " if hanging else "# "
    first = "#   " if hanging else "# "
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent + first,
        subsequent_indent=indent + more,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _value(key: str, value: Any, indent: str) -> Iterator[str]:
    text = _flow(value)
    if len(key) + len(text) + 1 <= _WIDTH:
        yield f"{key} {text}"
        return
    yield key
    yield from (f"{indent}{line}" for line in _wrapped(text, len(indent)))


def _wrapped(text: str, indent: int) -> list[str]:
    """Break a flow mapping after a comma between its parts, never inside quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for place, mark in enumerate(text):
        if quote:
            quote = "" if mark == quote and text[place - 1] != "\\" else quote
        elif mark in "\"'":
            quote = mark
        elif mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
        elif mark == "," and depth <= 1:
            parts.append(text[start : place + 1].strip())
            start = place + 1
    return _filled([*parts, text[start:].strip()], _WIDTH - indent)


def _filled(parts: Sequence[str], width: int) -> list[str]:
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 1 <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(f" {part}")
    return lines


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value,
        default_flow_style=True,
        width=1 << 30,
        sort_keys=False,
        allow_unicode=True,
    )
    return text.removesuffix("\n").removesuffix("\n...")
