"""Small sqlglot trees: names and values become nodes, never text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import TypeAlias

from sqlglot import exp

Tree: TypeAlias = exp.Expr

_LOOSE = (exp.Binary, exp.Not, exp.In, exp.Between, exp.Interval)


def column(name: str, table: str | None = None) -> exp.Column:
    """Return a quoted column."""
    return exp.column(
        exp.to_identifier(name, quoted=True),
        table=exp.to_identifier(table, quoted=True) if table else None,
    )


def relation(dotted: str, alias: str | None = None) -> exp.Table:
    """Return a quoted table of one to three dotted parts."""
    parts = [exp.to_identifier(part, quoted=True) for part in dotted.split(".")]
    named = dict(zip(("this", "db", "catalog"), reversed(parts), strict=False))
    table = exp.Table(**named)
    if alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return table


def call(name: str, *arguments: Tree) -> exp.Anonymous:
    """Return a call of a DuckDB function."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(value: str) -> exp.Literal:
    """Return a text literal."""
    return exp.Literal.string(value)


def integer(value: int) -> Tree:
    """Return an integer literal."""
    return exp.Literal.number(value)


def number(value: float) -> Tree:
    """Return an IEEE double, exactly."""
    return cast(text(repr(float(value))), "double")


def truth(value: bool) -> exp.Boolean:
    """Return true or false."""
    return exp.Boolean(this=value)


def instant(value: datetime) -> Tree:
    """Return an instant, whatever the session's time zone is."""
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return cast(text(utc.isoformat(" ", "microseconds") + "+00:00"), "timestamptz")


def day(value: date) -> Tree:
    """Return a date."""
    return cast(text(value.isoformat()), "date")


def cast(value: Tree, kind: str) -> Tree:
    """Return the value in another DuckDB type; fails on a value that has none."""
    return exp.Cast(this=value, to=_type(kind).copy())


def try_cast(value: Tree, kind: str) -> Tree:
    """Return the value in another DuckDB type, or null."""
    return exp.TryCast(this=value, to=_type(kind).copy())


@cache
def _type(written: str) -> exp.DataType:
    return exp.DataType.build(written, dialect="duckdb")


def _tight(value: Tree) -> Tree:
    return exp.Paren(this=value) if isinstance(value, _LOOSE) else value


def binary(kind: type[exp.Binary], left: Tree, right: Tree) -> Tree:
    """Return `left op right`, with brackets where they are needed."""
    return kind(this=_tight(left), expression=_tight(right))


def eq(left: Tree, right: Tree) -> Tree:
    """Return `left = right`."""
    return binary(exp.EQ, left, right)


def lt(left: Tree, right: Tree) -> Tree:
    """Return `left < right`."""
    return binary(exp.LT, left, right)


def lte(left: Tree, right: Tree) -> Tree:
    """Return `left <= right`."""
    return binary(exp.LTE, left, right)


def gt(left: Tree, right: Tree) -> Tree:
    """Return `left > right`."""
    return binary(exp.GT, left, right)


def gte(left: Tree, right: Tree) -> Tree:
    """Return `left >= right`."""
    return binary(exp.GTE, left, right)


def plus(left: Tree, right: Tree) -> Tree:
    """Return `left + right`."""
    return binary(exp.Add, left, right)


def minus(left: Tree, right: Tree) -> Tree:
    """Return `left - right`."""
    return binary(exp.Sub, left, right)


def join_text(left: Tree, *more: Tree) -> Tree:
    """Return the texts one after the other."""
    for part in more:
        left = binary(exp.DPipe, left, part)
    return left


def both(parts: Iterable[Tree]) -> Tree:
    """Return the conjunction; true of no parts."""
    listed = [part for part in parts if part != truth(True)]
    return _folded(exp.And, listed) if listed else truth(True)


def admitting(condition: Tree) -> Tree:
    """Return the condition as a filter takes it: there null is as good as false."""
    if isinstance(condition, exp.Paren):
        return _tight(admitting(condition.this))
    if isinstance(condition, exp.And | exp.Or):
        join = both if isinstance(condition, exp.And) else either
        return join(admitting(part) for part in condition.flatten(unnest=False))
    if isinstance(condition, exp.Coalesce) and condition.expressions == [truth(False)]:
        return admitting(condition.this)
    return condition


def either(parts: Iterable[Tree]) -> Tree:
    """Return the disjunction; false of no parts."""
    listed = list(parts)
    if any(part == truth(True) for part in listed):
        return truth(True)
    return _folded(exp.Or, listed) if listed else truth(False)


def _folded(kind: type[exp.Connector], parts: Sequence[Tree]) -> Tree:
    tree = parts[0]
    for part in parts[1:]:
        tree = kind(
            this=tree if isinstance(tree, kind) else _tight(tree),
            expression=_tight(part),
        )
    return tree


def negation(value: Tree) -> Tree:
    """Return `not value`."""
    return exp.Not(this=_tight(value))


def is_null(value: Tree) -> Tree:
    """Return `value is null`."""
    return exp.Is(this=_tight(value), expression=exp.Null())


def is_present(value: Tree) -> Tree:
    """Return `value is not null`."""
    return negation(is_null(value))


def coalesce(first: Tree, *more: Tree) -> Tree:
    """Return the first that is not null."""
    return exp.Coalesce(this=first, expressions=list(more))


def one_of(value: Tree, choices: Iterable[Tree]) -> Tree:
    """Return `value in (choices)`; choices hold no null."""
    return exp.In(this=_tight(value), expressions=list(choices))


def within_query(value: Tree, query: exp.Query) -> Tree:
    """Return `value in (query)`; the query's column holds no null."""
    return exp.In(this=_tight(value), query=exp.Subquery(this=query))


def case(*branches: tuple[Tree, Tree], otherwise: Tree | None = None) -> Tree:
    """Return the value of the first branch that holds, else otherwise or null."""
    ifs = [exp.If(this=when, true=then) for when, then in branches]
    return exp.Case(ifs=ifs, default=otherwise)


def array(items: Iterable[Tree]) -> exp.Array:
    """Return a list."""
    return exp.Array(expressions=list(items))


def function(parameter: str, body: Tree) -> exp.Lambda:
    """Return a lambda of one parameter for a list function."""
    return exp.Lambda(this=body, expressions=[exp.to_identifier(parameter)])


def bound(name: str, value: Tree, body: Callable[[Tree], Tree]) -> Tree:
    """Return the body with the value bound to a name, so that it is written once.

    The name must differ from those of the bodies around it.
    """
    made = function(name, body(exp.column(name)))
    return call(
        "list_extract", call("list_transform", array([value]), made), integer(1)
    )


def filtered(aggregate: Tree, condition: Tree) -> Tree:
    """Return the aggregate over the rows that satisfy the condition."""
    if condition == truth(True):
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition))


def count_rows() -> Tree:
    """Return `count(*)`."""
    return exp.Count(this=exp.Star(), big_int=True)


def named(value: Tree, alias: str) -> Tree:
    """Return `value as alias`."""
    return exp.Alias(this=value, alias=exp.to_identifier(alias, quoted=True))


def select(
    columns: Iterable[Tree], source: Tree, where: Tree | None = None
) -> exp.Select:
    """Return `select columns from source where …`; a true condition is left out."""
    query = exp.Select(expressions=list(columns)).from_(source, copy=False)
    if where is not None and where != truth(True):
        query = query.where(where, copy=False)
    return query


def aliased(query: exp.Query, alias: str) -> exp.Subquery:
    """Return a query in the place of a table."""
    name = exp.TableAlias(this=exp.to_identifier(alias, quoted=True))
    return exp.Subquery(this=query, alias=name)
