"""Queries as values: text with bound parameters, composed without string pasting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

_FORMATTER = Formatter()


def quote_name(name: str) -> str:
    """Return `name` as one quoted SQL identifier.

    >>> quote_name('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Return `value` as a SQL text literal, for statements that bind nothing.

    >>> quote_text("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def quote_file(path: Path) -> str:
    """Return the literal by which DuckDB reads this file alone, whatever its name.

    >>> quote_file(Path("/in/a[1]*.csv"))
    "'/in/a[[]1][*].csv'"
    """
    return quote_text("".join(f"[{c}]" if c in "*?[" else c for c in str(path)))


class Name:
    """An identifier of one or more parts, quoted when it enters a query.

    >>> str(Name("core", "event"))
    '"core"."event"'
    """

    def __init__(self, *parts: str) -> None:
        """Keep the parts; an empty part is refused."""
        if not parts or not all(parts):
            raise ValueError("a name needs at least one part and none may be empty")
        self.parts = parts

    @classmethod
    def of(cls, dotted: str) -> Name:
        """Return the name written with dots, such as `core.event`."""
        return cls(*dotted.split("."))

    def __str__(self) -> str:
        """Return the quoted form."""
        return ".".join(quote_name(part) for part in self.parts)


@dataclass(frozen=True)
class Query:
    """SQL text and the values bound to its `$name` parameters."""

    text: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the SQL text, never the values."""
        return self.text


Part = Name | Query | Iterable["Part"]


def sql(template: str, /, **arguments: Any) -> Query:
    """Compose a query.

    A `{brace}` takes a `Name`, a `Query` or an iterable of them (joined by commas);
    every other argument is bound to the `$parameter` of its name.

    >>> q = sql("select * from {table} where day >= $since", table=Name("e"), since=1)
    >>> q.text, dict(q.params)
    ('select * from "e" where day >= $since', {'since': 1})

    Raises:
        ValueError: a brace without an argument, plain text given to a brace, or two
            composed queries that bind one parameter name to different values.
    """
    text: list[str] = []
    params: dict[str, Any] = {}
    used: set[str] = set()
    for literal, brace, _, _ in _FORMATTER.parse(template):
        text.append(literal)
        if brace is None:
            continue
        if brace not in arguments:
            raise ValueError(f"the brace {{{brace}}} has no argument")
        used.add(brace)
        rendered = _render(brace, arguments[brace])
        text.append(rendered.text)
        _bind(params, rendered.params)
    _bind(params, {k: v for k, v in arguments.items() if k not in used})
    return Query("".join(text), params)


def row(**values: Any) -> Query:
    """Return the select of one row, its columns named and bound by the arguments.

    >>> row(a=1, b="x").text
    'select $a as "a", $b as "b"'
    """
    cells = ", ".join(f"${name} as {quote_name(name)}" for name in values)
    return Query(f"select {cells}", values)


def columns(**values: Sequence[Any]) -> Query:
    """Return the select of rows given column by column, each bound as one list.

    >>> columns(a=[1, 2], b=["x", None]).text
    'select unnest($a) as "a", unnest($b) as "b"'
    """
    cells = ", ".join(f"unnest(${name}) as {quote_name(name)}" for name in values)
    return Query(f"select {cells}", {name: list(values[name]) for name in values})


def join(parts: Iterable[Query | Name], separator: str = ", ") -> Query:
    """Return the parts as one query, with `separator` between them."""
    text: list[str] = []
    params: dict[str, Any] = {}
    for part in parts:
        rendered = _render("join", part)
        text.append(rendered.text)
        _bind(params, rendered.params)
    return Query(separator.join(text), params)


def _render(brace: str, part: Any) -> Query:
    if isinstance(part, Query):
        return part
    if isinstance(part, Name):
        return Query(str(part))
    if isinstance(part, str) or not isinstance(part, Iterable):
        raise ValueError(f"the brace {{{brace}}} takes a Name or a Query, not text")
    return join(part)


def _bind(params: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if name in params and params[name] is not value and params[name] != value:
            raise ValueError(f"parameter ${name} is bound to two different values")
        params[name] = value
