"""Readers of plain data that collect every fault, each with its JSON Schema.

A `Kind` reads one form of value. When something is wrong it adds a `Fault` and returns
a stand-in that nobody uses, so that reading goes on and all faults come out at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, Generic, TypeAlias, TypeVar, cast

from dmp.core.errors import Fault

T = TypeVar("T")
Schema: TypeAlias = Mapping[str, Any]
Faults: TypeAlias = list[Fault]


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One form of value: how it is read and how JSON Schema says it."""

    read: Callable[[object, str, Faults], T]
    schema: Schema


@dataclass(frozen=True)
class Field:
    """One key of a mapping.

    Attributes:
        missing: the value when the key is absent; a required key has none.
    """

    kind: Kind[Any]
    required: bool = False
    missing: Any = None


def refuse(faults: Faults, path: str, wrong: str, right: str = "") -> Any:
    """Add a fault and return the stand-in."""
    faults.append(Fault(path, wrong, right))
    return None


def near(name: object, known: Iterable[str]) -> str:
    """Return what would be right: the near names, or all of them."""
    names = sorted(known)
    close = get_close_matches(str(name), names, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"one of {', '.join(names)}"


def shown(value: object) -> str:
    """Return the form of a value, never the value of a rule's data."""
    if value is None:
        return "nothing"
    names = {str: "text", bool: "true/false", dict: "a mapping", list: "a list"}
    return names.get(type(value), "a number" if _is_number(value) else "that")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(value: object) -> object:
    """Return a date or instant of YAML as the text that means the same."""
    return value.isoformat() if isinstance(value, date) else value


def text(pattern: str = "", right: str = "text", empty: bool = False) -> Kind[str]:
    """Return the kind of text that matches the whole pattern."""

    def read(value: object, path: str, faults: Faults) -> str:
        value = plain(value)
        if not isinstance(value, str):
            return cast(str, refuse(faults, path, f"is {shown(value)}", right))
        if not value and not empty:
            return cast(str, refuse(faults, path, "is empty", right))
        if "\0" in value or _is_torn(value):
            return cast(str, refuse(faults, path, "holds NUL or half a character"))
        if pattern and not re.fullmatch(pattern, value):
            return cast(str, refuse(faults, path, f"is {value!r}", right))
        return value

    schema: dict[str, Any] = {"type": "string"}
    if pattern:
        schema["pattern"] = f"^(?:{pattern})$"
    elif not empty:
        schema["minLength"] = 1
    return Kind(read, schema)


def _is_torn(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def integer(least: int, most: int | None = None) -> Kind[int]:
    """Return the kind of integers in [least, most]."""
    right = f"an integer >= {least}" + (f" and <= {most}" if most is not None else "")

    def read(value: object, path: str, faults: Faults) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            return cast(int, refuse(faults, path, f"is {shown(value)}", right))
        if value < least or (most is not None and value > most):
            return cast(int, refuse(faults, path, f"is {value}", right))
        return value

    schema: dict[str, Any] = {"type": "integer", "minimum": least}
    if most is not None:
        schema["maximum"] = most
    return Kind(read, schema)


def number() -> Kind[int | float]:
    """Return the kind of finite numbers."""

    def read(value: object, path: str, faults: Faults) -> int | float:
        if not _is_number(value):
            return cast(int, refuse(faults, path, f"is {shown(value)}", "a number"))
        try:
            finite = abs(float(cast(float, value))) < float("inf")
        except OverflowError:
            finite = False
        if not finite:
            return cast(int, refuse(faults, path, "is no finite number", "a number"))
        return cast(float, value)

    return Kind(read, {"type": "number"})


def boolean() -> Kind[bool]:
    """Return the kind of true and false."""

    def read(value: object, path: str, faults: Faults) -> bool:
        if isinstance(value, bool):
            return value
        return cast(bool, refuse(faults, path, f"is {shown(value)}", "true or false"))

    return Kind(read, {"type": "boolean"})


def choice(*names: str) -> Kind[str]:
    """Return the kind of one name of a few."""

    def read(value: object, path: str, faults: Faults) -> str:
        value = "on" if value is True and "on" in names else value
        if isinstance(value, str) and value in names:
            return value
        wrong = f"is {value!r}" if isinstance(value, str) else f"is {shown(value)}"
        return cast(str, refuse(faults, path, wrong, near(value, names)))

    return Kind(read, {"enum": list(names)})


def many(item: Kind[T], least: int = 0, most: int | None = None) -> Kind[tuple[T, ...]]:
    """Return the kind of lists of least to most items."""
    right = f"a list of {least} or more" + (f", at most {most}" if most else "")

    def read(value: object, path: str, faults: Faults) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            refuse(faults, path, f"is {shown(value)}", "a list")
            return ()
        if len(value) < least or (most is not None and len(value) > most):
            refuse(faults, path, f"has {len(value)} items", right)
        return tuple(item.read(v, f"{path}[{i}]", faults) for i, v in enumerate(value))

    schema: dict[str, Any] = {"type": "array", "items": item.schema, "minItems": least}
    if most is not None:
        schema["maxItems"] = most
    return Kind(read, schema)


Build = Callable[[Mapping[str, Any], str, Faults], T]


def shape(fields: Mapping[str, Field], build: Build[T]) -> Kind[T]:
    """Return the kind of mappings with these keys and no others.

    `build` makes the value once every key was read without a fault; it may add faults
    about how the keys stand together.
    """

    def read(value: object, path: str, faults: Faults) -> T:
        if not isinstance(value, Mapping):
            right = f"a mapping with {', '.join(fields)}"
            return cast(T, refuse(faults, path, f"is {shown(value)}", right))
        before = len(faults)
        _check_keys(value, fields, path, faults)
        given = {
            name: _field(value, name, f, path, faults) for name, f in fields.items()
        }
        return build(given, path, faults) if len(faults) == before else cast(T, None)

    return Kind(read, shape_schema(fields))


def _check_keys(
    value: Mapping[Any, Any], fields: Mapping[str, Field], path: str, faults: Faults
) -> None:
    for key in value:
        if key not in fields:
            refuse(faults, f"{path}.{key}", "is no key here", near(key, fields))
    for name, field in fields.items():
        if field.required and name not in value:
            refuse(faults, f"{path}.{name}", "is absent", "add it")


def _field(
    value: Mapping[Any, Any], name: str, field: Field, path: str, faults: Faults
) -> Any:
    if name not in value:
        return field.missing
    return field.kind.read(value[name], f"{path}.{name}", faults)


def shape_schema(fields: Mapping[str, Field]) -> Schema:
    """Return the JSON Schema of a mapping with these keys."""
    required = [name for name, field in fields.items() if field.required]
    return {
        "type": "object",
        "properties": {name: field.kind.schema for name, field in fields.items()},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def keyed(kinds: Mapping[str, Kind[T]], what: str) -> Kind[T]:
    """Return the kind of mappings with exactly one key, which names the kind."""

    def read(value: object, path: str, faults: Faults) -> T:
        found = one_key(value, kinds, what, path, faults)
        if found is None:
            return cast(T, None)
        inner = cast(Mapping[str, object], value)[found]
        return kinds[found].read(inner, f"{path}.{found}", faults)

    return Kind(read, {"oneOf": [keyed_schema(k, v) for k, v in kinds.items()]})


def keyed_schema(key: str, kind: Kind[Any]) -> Schema:
    """Return the JSON Schema of a mapping with one key."""
    return shape_schema({key: Field(kind, required=True)})


def one_key(
    value: object, known: Collection[str], what: str, path: str, faults: Faults
) -> str | None:
    """Return the single key of a mapping if it is a known one, else add a fault."""
    if not isinstance(value, Mapping):
        right = f"a mapping with one of {', '.join(known)}"
        refuse(faults, path, f"is {shown(value)}", right)
        return None
    if len(value) != 1:
        right = f"one of {', '.join(known)}"
        refuse(faults, path, f"{what} has {len(value)} keys", f"exactly one: {right}")
        return None
    (key,) = value
    if key not in known:
        refuse(faults, path, f"no {what} {key!r}", near(key, known))
        return None
    return str(key)


def first_of(kinds: Sequence[tuple[Callable[[object], bool], Kind[T]]]) -> Kind[T]:
    """Return the kind that takes the first form whose test the value passes."""

    def read(value: object, path: str, faults: Faults) -> T:
        for test, kind in kinds[:-1]:
            if test(value):
                return kind.read(value, path, faults)
        return kinds[-1][1].read(value, path, faults)

    return Kind(read, {"anyOf": [kind.schema for _, kind in kinds]})


def lazily(get: Callable[[], Kind[T]], name: str) -> Kind[T]:
    """Return a kind that is defined later; its schema is a reference to it."""

    def read(value: object, path: str, faults: Faults) -> T:
        return get().read(value, path, faults)

    return Kind(read, {"$ref": f"#/$defs/{name}"})
