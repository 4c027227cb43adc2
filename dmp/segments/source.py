"""Reads segment files: YAML 1.2's core types, no duplicate keys, references beside."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from dmp.core.documents import load_yaml, read_text, refuse_twins
from dmp.core.errors import ConfigInvalid, Fault, RuleInvalid, UsageError
from dmp.segments.checks import references
from dmp.segments.parsing import FEWER, parse
from dmp.segments.rule import Segment

_MOST_VALUES = 200_000
"""Keys and values of a rule in YAML: room for the most conditions, none for bombs."""
_FEWER = f"at most {_MOST_VALUES:,} keys and values; conditions: {FEWER}"


class _Loader(yaml.SafeLoader):
    """Safe YAML that keeps dates as text and knows true and false, not yes and on."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping; the same key twice is refused."""
        refuse_twins(self, node)
        return super().construct_mapping(node, deep=deep)


_PLAIN = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
for _tag, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first
    )


def _plain(node: Any) -> str:
    return str(node.value)


def _float(written: str) -> float:
    return float(written.lower().replace(".inf", "inf").replace(".nan", "nan"))


_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(_plain(node)))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: _float(_plain(node)))


class _Dumper(yaml.SafeDumper):
    """Writes YAML that both this reader and YAML 1.1's read as what it was."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012
        first: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
            *_Loader.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {
            *yaml.SafeDumper.yaml_implicit_resolvers,
            *_Loader.yaml_implicit_resolvers,
        }
    }


def written(document: Mapping[str, Any]) -> str:
    """Return a segment's document as YAML; `load` gives the document again."""
    return yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        allow_unicode=True,
        width=88,
    )


def written_short(value: object) -> str:
    """Return plain data as YAML in braces, on one line unless a text in it has more."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=True,
        allow_unicode=True,
        width=float("inf"),
    )
    return text.removesuffix("...\n").rstrip()


def read(given: Path | str) -> Segment:
    """Return the segment of a YAML or JSON file, or of YAML text.

    Raises:
        RuleInvalid: the text is no YAML, or the rule has faults; all are listed.
        UsageError: the file does not exist.
    """
    return parse(document_of(given), _named_as(given))


def document_of(given: Path | str) -> object:
    """Return the plain data of a YAML or JSON file, or of YAML text.

    Raises:
        RuleInvalid: the text is no YAML.
        UsageError: the file does not exist.
    """
    text = given if isinstance(given, str) else _text(given)
    return load(text, _named_as(given))


def _named_as(given: Path | str) -> str:
    return "rule" if isinstance(given, str) else given.name


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except ConfigInvalid as error:
        (fault,) = error.faults
        raise UsageError(f"{fault}: cannot be read as a segment file") from error


def load(text: str, where: str) -> object:
    """Return the plain data of YAML (or JSON) text.

    Raises:
        RuleInvalid: it is neither, too large or deep, or a key stands twice.
    """
    try:
        if text.lstrip().startswith(("{", "[")):
            return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError:
        pass
    except (ValueError, RecursionError) as error:
        raise RuleInvalid(where, [_fault(error)]) from error
    try:
        return load_yaml(text, where, _Loader, most=_MOST_VALUES, fewer=_FEWER)
    except ConfigInvalid as error:
        raise RuleInvalid(where, error.faults) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found


def _fault(error: Exception) -> Fault:
    deep = isinstance(error, RecursionError)
    return Fault("file", "is nested too deeply" if deep else str(error))


def read_beside(segment: Segment, folder: Path) -> Mapping[str, Segment]:
    """Return the segments that a rule refers to, through any number of steps.

    Each is `<id>.yaml` in the folder. One whose file is absent is left out: compiling
    refuses it by its path.

    Raises:
        RuleInvalid: a referenced file has faults, or another id than its name.
    """
    found: dict[str, Segment] = {}
    waiting = sorted(references(segment))
    while waiting:
        id_ = waiting.pop()
        path = folder / f"{id_}.yaml"
        if id_ in found or id_ == segment.id or not path.is_file():
            continue
        found[id_] = _named(path, id_)
        waiting.extend(references(found[id_]))
    return found


def _named(path: Path, id_: str) -> Segment:
    segment = read(path)
    if segment.id != id_:
        wrong = f"is {segment.id!r}, the file is named {id_!r}"
        raise RuleInvalid(path.name, [Fault("segment", wrong, "the same id")])
    return segment
