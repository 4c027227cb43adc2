"""Writes a compiled rule anew for another engine; what it lacks is refused.

Only nodes, functions and words that are listed pass. So nothing reaches an engine that
nobody has compared with DuckDB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.trees import Tree

Rewrite: TypeAlias = Callable[[Tree], Tree]
Said: TypeAlias = Callable[..., Tree]

_PLAIN: tuple[type[exp.Expr], ...] = (
    *(exp.Not, exp.Paren, exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Is),
    *(exp.Null, exp.Boolean, exp.Literal, exp.Column, exp.Identifier, exp.Star),
    *(exp.Table, exp.TableAlias, exp.Select, exp.From, exp.Where, exp.Join, exp.Group),
    *(exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.With, exp.CTE, exp.Subquery),
    *(exp.Alias, exp.Count, exp.Distinct, exp.Case, exp.If, exp.Coalesce, exp.Cast),
    *(
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Div,
        exp.IntDiv,
        exp.DPipe,
        exp.Window,
        exp.WindowSpec,
    ),
    *(exp.Values, exp.Tuple, exp.Array, exp.Lambda),
)


class NotPortable(Exception):
    """A dialect cannot say this exactly; the message is the reason."""


@dataclass(frozen=True)
class Dialect:
    """How one engine says what compiled rules are made of.

    Attributes:
        name: sqlglot's name of the engine's SQL.
        endmost: says arg_max or arg_min, of the node and the condition on its rows.
        filtered: says an aggregate over the rows that satisfy a condition.
        calls: DuckDB's function -> what is said, of the arguments already rewritten.
        nodes: kinds of nodes and words -> what is said, of the node as it was.
        reasons: function or word -> why it is not said; beside the common ones.
    """

    name: str
    endmost: Callable[[exp.Anonymous, Rewrite, Tree], Tree]
    calls: Mapping[str, Said]
    nodes: Mapping[type, Callable[[Any, Rewrite], Tree]]
    reasons: Mapping[str, str] = field(default_factory=dict)
    filtered: Callable[[Tree, Tree], Tree] = trees.filtered


REASONS: Mapping[str, str] = {
    "lower": "case: ignore folds letters by DuckDB's table, engines differ in theirs",
    "fsum": "sums of fractions depend on the order in which an engine adds them; "
    "declare the property as a whole number (cents)",
    "shortesttext": "a number would have to read as text; declare the property as text",
    "numberoftext": "text would have to read as a number; declare it as a number",
    "dayoftext": "dates are read from text; declare the property as a date or instant",
    "momentoftext": "dates are read from text; declare the property as a date or "
    "instant",
    "fromlocal": "moves the local time of a column by months, in a zone other than UTC",
    "localday": "takes the local date of a column, in a zone other than UTC",
    "timezone": "takes the local time of a column, in a zone other than UTC",
    "json": "JSON is read; declare the property with its type",
    "histogram": "the most frequent value is counted in a map of DuckDB",
    "epoch_us": "whole units of time since an event are counted in microseconds",
    "strftime": "an instant would have to read as text",
    "list": "looks into a list",
}
_SAME_REASON = {
    **dict.fromkeys(("map_keys", "map_values", "list_extract"), "histogram"),
    "favg": "fsum",
    "json_extract": "json",
    "json_extract_string": "json",
    "jsonis": "json",
    "list_transform": "list",
    "list_has_any": "list",
    "list_has_all": "list",
    "len": "list",
}


def reason(dialect: Dialect, name: str) -> str:
    """Return why a dialect does not say a function or word."""
    common = REASONS.get(_SAME_REASON.get(name, name), f"{name} is not translated")
    return dialect.reasons.get(name, common)


def rewrite(node: Tree, dialect: Dialect) -> Tree:
    """Return the tree as the dialect says it.

    Raises:
        NotPortable: some part cannot be said exactly.
    """

    def go(part: Tree) -> Tree:
        return rewrite(part, dialect)

    if type(node) in dialect.nodes:
        return dialect.nodes[type(node)](node, go)
    if isinstance(node, exp.Filter):
        condition = go(node.expression.this)
        if is_arg(node.this):
            return dialect.endmost(node.this, go, condition)
        return dialect.filtered(go(node.this), condition)
    if isinstance(node, exp.Anonymous):
        name = str(node.this).lower()
        if is_arg(node):
            return dialect.endmost(node, go, trees.truth(True))
        if name not in dialect.calls:
            raise NotPortable(reason(dialect, name))
        return dialect.calls[name](*(go(part) for part in node.expressions))
    if isinstance(node, exp.And | exp.Or):
        parts = [go(part) for part in node.flatten(unnest=False)]
        return trees.both(parts) if isinstance(node, exp.And) else trees.either(parts)
    if isinstance(node, exp.DataType):
        return node.copy()
    if type(node) not in _PLAIN:
        raise NotPortable(reason(dialect, node.key))
    return type(node)(**{key: _part(value, go) for key, value in node.args.items()})


def _part(value: Any, go: Rewrite) -> Any:
    if isinstance(value, list):
        return [_part(one, go) for one in value]
    return go(value) if isinstance(value, exp.Expr) else value


def cast_of(node: exp.Cast, go: Rewrite) -> Tree:
    """Return a cast as it is, but for JSON lists, which no other engine reads so."""
    if node.to.sql("duckdb").upper() == "JSON[]":
        raise NotPortable("looks into a JSON list; declare the property as a list")
    return exp.Cast(this=go(node.this), to=node.to.copy())


def is_text(value: Tree) -> bool:
    """Say whether a part of a compiled tree is text."""
    if isinstance(value, exp.Literal):
        return value.is_string
    if isinstance(value, exp.Cast):
        return bool(value.to.this in exp.DataType.TEXT_TYPES)
    if isinstance(value, exp.Case):
        return any(is_text(branch.args["true"]) for branch in value.args["ifs"])
    if isinstance(value, exp.Paren | exp.Coalesce):
        return is_text(value.this)
    if isinstance(value, exp.Anonymous):
        return str(value.this).lower() == "json_extract_string"
    return value.key == "shortesttext"


def utc_only(said: Callable[[Tree], Tree]) -> Said:
    """Return what `timezone` becomes: only UTC is said, as `said` of the value."""

    def timezone(zone: Tree, value: Tree) -> Tree:
        if zone.name != "UTC":
            raise NotPortable(REASONS["timezone"])
        return said(value)

    return timezone


def whole_total(function: str) -> Said:
    """Return what sums become: of whole numbers alone, which add in any order."""

    def total(value: Tree) -> Tree:
        if not isinstance(value, exp.Cast):
            raise NotPortable(REASONS["fsum"])
        return trees.call(function, value)

    return total


def is_arg(node: Tree) -> bool:
    """Say whether a node is arg_max or arg_min."""
    named = isinstance(node, exp.Anonymous) and str(node.this)
    return named in ("arg_max", "arg_min")
