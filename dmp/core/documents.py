"""YAML files as plain data, whatever stands in them: bounded, and without twins."""

from __future__ import annotations

import stat
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from dmp.core.errors import ConfigInvalid, Fault

MAX_BYTES = 1 << 20
MAX_NODES = 50_000
"""Values of a document once each alias is replaced by what it stands for."""

_TAG_DOES_NOT_FIT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What PyYAML's constructors raise where a value is not what its tag says."""

_TOO_DEEP = Fault("document", "is nested too deeply", "a few levels")


class StrictLoader(yaml.SafeLoader):
    """Safe YAML in which a key that stands twice in one mapping is refused."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping; its keys can be hashed and are unique."""
        refuse_twins(self, node)
        return super().construct_mapping(node, deep=deep)


def refuse_twins(loader: yaml.SafeLoader, node: yaml.MappingNode) -> None:
    """Refuse a mapping in which a key stands twice or is no plain value.

    Raises:
        yaml.constructor.ConstructorError: names its line.
    """
    seen: set[Hashable] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise _refused(key_node, "a key is a list or mapping")
        if key in seen:
            raise _refused(key_node, f"the key {key!r} stands twice")
        seen.add(key)


def _refused(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(
        problem=problem, problem_mark=node.start_mark
    )


def read_text(path: Path) -> str:
    """Return the text of a small file.

    Raises:
        ConfigInvalid: the file is absent, no file, unreadable, large, or not UTF-8.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _invalid(path, "is no regular file", "write it as a text file")
        if path.stat().st_size > MAX_BYTES:
            raise _invalid(path, "is larger than 1 MiB", "a shorter file")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _invalid(path, "the file is not there", "create it") from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise _invalid(path, f"cannot be read: {reason}", "let dmp read it") from error
    except UnicodeDecodeError as error:
        raise _invalid(path, "is not UTF-8", "save it as UTF-8") from error


def load_yaml(
    text: str,
    where: str,
    loader: type[yaml.SafeLoader] = StrictLoader,
    *,
    most: int = MAX_NODES,
    fewer: str = "fewer",
) -> Any:
    """Return the plain data of YAML text.

    Anchors may be used, but not to make a small text stand for a huge document.

    Args:
        text: the YAML.
        where: what the error calls it.
        loader: how plain values are read.
        most: keys and values that it may hold.
        fewer: what would be right where it holds more.

    Raises:
        ConfigInvalid: the text is no YAML, too large or deep, or a key stands twice.
    """
    try:
        return _loaded(loader(text), where, most, fewer)
    except ConfigInvalid:
        raise
    except RecursionError as error:
        raise ConfigInvalid(where, [_TOO_DEEP]) from error
    except (yaml.YAMLError, *_TAG_DOES_NOT_FIT) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "document"
        problem = getattr(error, "problem", None) or "a value cannot be read"
        fault = Fault(place, f"not readable as YAML: {problem}")
        raise ConfigInvalid(where, [fault]) from error


def _loaded(made: yaml.SafeLoader, where: str, most: int, fewer: str) -> Any:
    try:
        node = made.get_single_node()
        if node is None:
            return None
        if _size(node, {}, most) > most:
            fault = Fault("document", f"holds more than {most:,} values", fewer)
            raise ConfigInvalid(where, [fault])
        return made.construct_document(node)
    finally:
        made.dispose()


def _size(node: yaml.Node, known: dict[int, int], most: int) -> int:
    """Return how many nodes a node stands for; one inside of itself is endless."""
    found = known.get(id(node))
    if found is None:
        _check_characters(node)
        known[id(node)] = most + 1
        found = 1 + sum(_size(part, known, most) for part in _parts(node))
        known[id(node)] = min(found, most + 1)
    return found


def _check_characters(node: yaml.Node) -> None:
    """Refuse text that neither SQL nor UTF-8 can hold."""
    text = node.value if isinstance(node, yaml.ScalarNode) else ""
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise _refused(node, "a value holds a zero byte or half a character")


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _invalid(path: Path, wrong: str, right: str) -> ConfigInvalid:
    return ConfigInvalid(path.name, [Fault(str(path), wrong, right)])
