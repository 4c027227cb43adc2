"""What Snowflake and BigQuery share: no FILTER, no arg_max over rows, no JSON.

Declared properties stand as columns of the events table, named as the property is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.dialects.rewriting import NotPortable, Rewrite, cast_of
from dmp.segments.trees import Tree, call, cast, text

LATEST = "9999-12-31 00:00:00+00:00"


def filtered(aggregate: Tree, condition: Tree) -> Tree:
    """Return the aggregate over case expressions that are null on other rows."""
    if condition == trees.truth(True):
        return aggregate
    if isinstance(aggregate, exp.Count):
        inner = aggregate.this
        if isinstance(inner, exp.Distinct):
            kept = trees.case((condition, inner.expressions[0]))
            return exp.Count(this=exp.Distinct(expressions=[kept]))
        one = trees.case((condition, trees.integer(1)))
        return exp.Count(this=one, big_int=True)
    assert isinstance(aggregate, exp.Anonymous)
    (value,) = aggregate.expressions
    return call(str(aggregate.this), trees.case((condition, value)))


def endmost(
    listed: Callable[[Tree, list[Tree]], Tree],
) -> Callable[[exp.Anonymous, Rewrite, Tree], Tree]:
    """Return what arg_max becomes: the first of an ordered array without nulls."""

    def said(node: exp.Anonymous, go: Rewrite, condition: Tree) -> Tree:
        value = trees.case((condition, go(node.expressions[0])))
        by: list[Tree] = [
            exp.Ordered(
                this=go(part),
                desc=node.this == "arg_max",
                nulls_first=node.this != "arg_max",
            )
            for part in node.expressions[1].expressions
        ]
        return listed(value, by)

    return said


def cast_said(node: exp.Cast, go: Rewrite) -> Tree:
    """Return a cast; the end of time is the last day that the engine knows."""
    if node.this.name == "infinity":
        return cast(text(LATEST), "timestamptz")
    return cast_of(node, go)


def rows_window(node: exp.WindowSpec, go: Rewrite) -> Tree:
    """Return a window of rows; groups of one instant are not said."""
    if node.args["kind"] == "GROUPS":
        raise NotPortable("absent needs a window of all later instants (GROUPS)")
    return exp.WindowSpec(**node.args)


def member(struct: Tree, name: Tree) -> Tree:
    """Return a declared property, a column of the events table."""
    assert isinstance(struct, exp.Column)
    return exp.column(
        exp.to_identifier(name.name, quoted=True), table=struct.args["table"].copy()
    )


def same(name: str) -> Any:
    """Return what says a function by a name."""
    return lambda *parts: call(name, *parts)
