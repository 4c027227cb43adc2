"""Snowflake. Instants are TIMESTAMP_TZ, text has the default collation (UTF-8 bytes).

Never run there; the page of the dialects tells what was looked up.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.dialects.rewriting import Dialect, Rewrite, whole_total
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
    """Return the first of `array_agg(value) within group (order by …)`."""
    order = exp.Order(expressions=by)
    listed = exp.WithinGroup(this=call("array_agg", value), expression=order)
    first = exp.Bracket(
        this=exp.Paren(this=listed), expressions=[integer(0)], offset=0, safe=True
    )
    read = value.args["ifs"][0].args["true"]
    return cast(first, "varchar" if isinstance(read, exp.Column) else "boolean")


def _bucket(word: Bucket, go: Rewrite) -> Tree:
    salted = trees.join_text(text(f"{word.args['salt'].name}:"), go(word.this))
    head = call("substr", call("md5", salted), integer(1), integer(8))
    # X is Snowflake's format for one hexadecimal digit.
    whole = cast(call("to_number", head, text("XXXXXXXX")), "double")
    share = exp.Div(this=whole, expression=trees.number(2.0**32), typed=True)
    return trees.binary(exp.Mul, exp.Paren(this=share), trees.number(100.0))


def _added(node: exp.Add, go: Rewrite) -> Tree:
    """Return an instant some seconds later; other sums as they are."""
    length = node.expression
    if isinstance(length, exp.Anonymous) and length.this == "to_seconds":
        unit = exp.Var(this="second")
        return call("timestampadd", unit, go(length.expressions[0]), go(node.this))
    return exp.Add(this=go(node.this), expression=go(length))


_CALLS: dict[str, Any] = {
    **{name: same(name) for name in ("min", "max", "lag", "row_number", "contains")},
    **{name: same(name) for name in ("month", "day")},
    "starts_with": same("startswith"),
    "suffix": same("endswith"),
    "trim": lambda value, _: call("trim", value, text(WHITE_SPACE)),
    "isnan": lambda value: trees.eq(value, cast(text("NaN"), "double")),
    "struct_extract": member,
    "fsum": whole_total("sum"),
    "favg": whole_total("avg"),
}
SNOWFLAKE = Dialect(
    "snowflake",
    endmost(_listed),
    _CALLS,
    {
        exp.EQ: spread_eq,
        exp.In: spread_in,
        exp.Cast: cast_said,
        exp.Add: _added,
        exp.WindowSpec: rows_window,
        Bucket: _bucket,
    },
    reasons={"regexp_matches": "patterns match the whole text there, by other rules"},
    filtered=filtered,
)
