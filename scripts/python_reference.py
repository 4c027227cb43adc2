"""The reference of the Python interface, from signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from types import ModuleType

HEAD = """\
# Python

Written by `make docs` from the docstrings; edit `dmp`, not this page. What is not named
here may change without notice.

`dmp.open()` opens the workspace of the current folder, or of `DMP_HOME`; the functions
of `dmp.flows` take it as their first argument, ask for the caller's role, and write the
audit log.
"""
PUBLIC = ("dmp", "dmp.segments", "dmp.ui")
FLOWS = (
    "ingest",
    "resolve",
    "looks",
    "segments",
    "segment_answers",
    "approval",
    "activate",
    "science",
    "quality",
)
_ITEM = re.compile(r"(\*{0,2}\w[\w, ]*): (.*)")
_SECTION = re.compile(r"(Args|Raises|Returns|Attributes|Yields):$")


def python_markdown() -> str:
    """Return the page: public packages first, then the functions over a workspace."""
    parts = [HEAD]
    for name in PUBLIC:
        module = import_module(name)
        found = [(one, getattr(module, one)) for one in module.__all__]
        parts += [f"## {name}\n", *_entries(name, found)]
    for name in FLOWS:
        path = f"dmp.flows.{name}"
        module = import_module(path)
        parts += [f"## {path}\n", f"{_first(module)}\n"]
        parts += _entries(path, _own(module))
    return "\n".join(parts)


def _own(module: ModuleType) -> list[tuple[str, object]]:
    return [
        (name, one)
        for name, one in vars(module).items()
        if inspect.isfunction(one)
        and one.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _entries(path: str, found: list[tuple[str, object]]) -> Iterator[str]:
    for name, one in found:
        if not callable(one):
            continue
        yield f"### {path}.{name}\n"
        yield f"```python\n{name}{_signature(one)}\n```\n"
        yield f"{_told(inspect.getdoc(one) or '')}\n"
        if inspect.isclass(one):
            yield from _methods(one)


def _methods(one: type) -> Iterator[str]:
    for name, method in vars(one).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            first = (inspect.getdoc(method) or "").partition("\n")[0]
            yield f"- `{name}{_signature(method)}`: {first}"
    yield ""


def _signature(one: object) -> str:
    assert callable(one)
    found = inspect.signature(one)
    kept = [_plain(p) for p in found.parameters.values() if p.name != "self"]
    short = found.replace(parameters=kept)
    text = str(short).replace("'", "")
    if len(text) < 70 or not kept:
        return text
    lines = "".join(f"    {line},\n" for line in _lines(kept))
    after = f" -> {found.return_annotation}" if "->" in text else ""
    return f"(\n{lines}){after}".replace("'", "")


class _Told(str):
    """A default that is shown as this text."""

    __repr__ = str.__str__


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    """Return a parameter whose default says no more than its page may."""
    default = parameter.default
    if default is parameter.empty or default is None:
        return parameter
    if isinstance(default, Enum):
        return parameter.replace(default=_Told(str(default)))
    if isinstance(default, str | int | float | tuple):
        return parameter
    name = getattr(default, "__name__", "…")
    return parameter.replace(default=_Told(name))


def _lines(kept: list[inspect.Parameter]) -> Iterator[str]:
    starred = any(p.kind is p.VAR_POSITIONAL for p in kept)
    for parameter in kept:
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            yield "*"
            starred = True
        yield str(parameter)


def _first(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0]


def _told(doc: str) -> str:
    """Return a docstring as Markdown: its sections as lists, its examples as code."""
    made: list[str] = []
    inside = ""
    for line in doc.splitlines():
        example = line.lstrip().startswith((">>>", "..."))
        if example != (inside == "code") and (example or not line.strip()):
            made.append("```python" if example else "```")
            inside = "code" if example else ""
        if found := _SECTION.match(line):
            inside = found[1]
            made.append(f"**{inside}**\n")
            continue
        item = _ITEM.match(line.strip()) if inside not in ("", "code") else None
        if item and line.startswith("    ") and not line.startswith("     "):
            made.append(f"- `{item[1]}`: {item[2]}")
        else:
            under = inside not in ("", "code") and line.startswith("    ")
            plain = "  " + line.strip() if under else line.strip()
            made.append(line if inside == "code" else plain)
    return "\n".join([*made, "```"] if inside == "code" else made)
