"""What a statement reads, told by DuckDB's own parser before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dmp.core.errors import QueryFailed, UsageError
from dmp.storage.lake import CATALOG, Lake

_TABLE, _FUNCTION = "BASE_TABLE", "TABLE_FUNCTION"


@dataclass(frozen=True)
class Statement:
    """The sources of a reading statement, in lower case.

    Attributes:
        tables: tables and views, `schema.name` or `name`; parts of the statement's own
            `with` are none. A file that is named like a table is one.
        functions: functions that stand where a table could.
        schema_listings: whether it asks for the names of tables (`show`).
    """

    tables: frozenset[str]
    functions: frozenset[str]
    schema_listings: bool = False


def read_statement(lake: Lake, text: str) -> Statement:
    """Return what a statement reads; nothing of it is run and no file is touched.

    Raises:
        QueryFailed: the text is no SQL; says where.
        UsageError: it is not one statement, or it does anything else than read.
    """
    tree = json.loads(lake.value("select json_serialize_sql($text)", text=text))
    if tree["error"]:
        raise _unread(tree, text)
    if len(tree["statements"]) != 1:
        raise UsageError(
            f"there are {len(tree['statements'])} statements; give one at a time"
        )
    found = list(_sources(tree["statements"], frozenset()))
    return Statement(
        tables=frozenset(name for kind, name in found if kind == _TABLE),
        functions=frozenset(name for kind, name in found if kind == _FUNCTION),
        schema_listings=any(kind == "SHOW_REF" for kind, _ in found),
    )


def _unread(tree: dict[str, Any], text: str) -> QueryFailed | UsageError:
    if tree["error_type"] == "not implemented":
        return UsageError(
            "the statement does something else than read; right is one that begins "
            "with select, from, with, values or describe. Data changes by commands: "
            "dmp --help"
        )
    where = int(tree.get("position") or 0)
    line = text.count("\n", 0, where) + 1
    column = where - (text.rfind("\n", 0, where) + 1) + 1
    return QueryFailed(
        f"the statement is no SQL: DuckDB stops at line {line}, column {column}"
    )


def _sources(node: Any, named: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Give (kind, name) of each source below a node of the parsed statement.

    Args:
        named: the parts of enclosing `with` clauses, which are no tables.
    """
    if isinstance(node, list):
        for member in node:
            yield from _sources(member, named)
    elif isinstance(node, dict):
        for part in node.get("cte_map", {}).get("map", ()):
            yield from _sources(part["value"], named | _own_name(part))
            named |= {part["key"].lower()}
        yield from _source(node, named)
        for key, member in node.items():
            if key != "cte_map":
                yield from _sources(member, named)


def _own_name(part: dict[str, Any]) -> frozenset[str]:
    """Return what a part of `with` may call itself: its name, if it is recursive."""
    is_recursive = part["value"]["query"]["node"]["type"] == "RECURSIVE_CTE_NODE"
    return frozenset({part["key"].lower()} if is_recursive else ())


def _source(node: dict[str, Any], named: frozenset[str]) -> Iterator[tuple[str, str]]:
    kind = node.get("type")
    if kind == _FUNCTION:
        yield _FUNCTION, str(node["function"]["function_name"]).lower()
    elif kind == "SHOW_REF" and node.get("query") is None:
        yield "SHOW_REF", ""
    elif kind == _TABLE:
        catalog, schema, table = (
            str(node[f"{part}_name"]).lower() for part in ("catalog", "schema", "table")
        )
        parts = [part for part in (catalog, schema, table) if part]
        if len(parts) == 3 and catalog == CATALOG:
            parts = parts[1:]
        if len(parts) > 1 or table not in named:
            yield _TABLE, ".".join(parts)
