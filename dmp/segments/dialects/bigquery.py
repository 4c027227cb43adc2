"""BigQuery (GoogleSQL). Instants are TIMESTAMP; its regular expressions are RE2.

Never run there; the page of the dialects tells what was looked up.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.dialects.rewriting import Dialect, NotPortable, Rewrite, whole_total
from dmp.segments.dialects.spread import spread_eq, spread_in
from dmp.segments.dialects.warehouse import (
    cast_said,
    endmost,
    filtered,
    member,
    rows_window,
    same,
)
from dmp.segments.readings import WHITE_SPACE
from dmp.segments.trees import Tree, call, cast, integer, text
from dmp.segments.words import Bucket


def _listed(value: Tree, by: list[Tree]) -> Tree:
    """Return the first of `array_agg(value ignore nulls order by … limit 1)`."""
    order = exp.Order(this=exp.IgnoreNulls(this=value), expressions=by)
    limited = exp.Limit(this=order, expression=integer(1))
    listed = call("array_agg", limited)
    return exp.Bracket(this=listed, expressions=[integer(0)], offset=0, safe=True)


def _bucket(word: Bucket, go: Rewrite) -> Tree:
    salted = trees.join_text(text(f"{word.args['salt'].name}:"), go(word.this))
    digest = exp.LowerHex(this=exp.MD5Digest(this=salted))
    head = call("substr", digest, integer(1), integer(8))
    whole = cast(cast(trees.join_text(text("0x"), head), "bigint"), "double")
    share = exp.Div(this=whole, expression=trees.number(2.0**32), typed=True)
    return trees.binary(exp.Mul, exp.Paren(this=share), trees.number(100.0))


def _matches(value: Tree, pattern: Tree) -> Tree:
    if not isinstance(pattern, exp.Literal):
        raise NotPortable("case: ignore folds letters by DuckDB's table")
    return call("regexp_contains", value, pattern)


def _contains(value: Tree, part: Tree) -> Tree:
    empty = trees.case((trees.is_present(value), trees.eq(part, text(""))))
    found = trees.gt(call("strpos", value.copy(), part.copy()), integer(0))
    return trees.either([found, empty])


def _added(node: exp.Add, go: Rewrite) -> Tree:
    """Return an instant some seconds later; other sums as they are."""
    length = node.expression
    if isinstance(length, exp.Anonymous) and length.this == "to_seconds":
        seconds = go(length.expressions[0])
        later = exp.Interval(this=seconds, unit=exp.Var(this="SECOND"))
        return call("timestamp_add", go(node.this), later)
    return exp.Add(this=go(node.this), expression=go(length))


def _ordered(node: exp.Ordered, go: Rewrite) -> Tree:
    """Return an order with nulls where BigQuery has them: there never are any."""
    desc = bool(node.args.get("desc"))
    return exp.Ordered(this=go(node.this), desc=desc, nulls_first=not desc)


def _part_of(unit: str) -> Any:
    return lambda value: exp.Extract(this=exp.Var(this=unit), expression=value)


_CALLS: dict[str, Any] = {
    **{name: same(name) for name in ("min", "max", "lag", "row_number")},
    "starts_with": same("starts_with"),
    "suffix": same("ends_with"),
    "contains": _contains,
    "regexp_matches": _matches,
    "trim": lambda value, _: call("trim", value, text(WHITE_SPACE)),
    "isnan": same("is_nan"),
    "month": _part_of("MONTH"),
    "day": _part_of("DAY"),
    "struct_extract": member,
    "fsum": whole_total("sum"),
    "favg": whole_total("avg"),
}
BIGQUERY = Dialect(
    "bigquery",
    endmost(_listed),
    _CALLS,
    {
        exp.EQ: spread_eq,
        exp.In: spread_in,
        exp.Cast: cast_said,
        exp.Add: _added,
        exp.Ordered: _ordered,
        exp.WindowSpec: rows_window,
        Bucket: _bucket,
    },
    filtered=filtered,
)
