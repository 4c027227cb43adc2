"""Postgres 15 and later. Properties are `jsonb`, or fields of a composite type."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.dialects.patterns import portable_pattern
from dmp.segments.dialects.rewriting import (
    Dialect,
    NotPortable,
    Rewrite,
    cast_of,
    is_text,
    whole_total,
)
from dmp.segments.readings import WHITE_SPACE, shortest_by_digits
from dmp.segments.trees import Tree, call, cast, integer, text
from dmp.segments.words import Bucket, JsonIs, NumberOfText, ShortestText, kinds_of

_JSON_TYPES = {
    "text": "string",
    "boolean": "boolean",
    "whole": "number",
    "fraction": "number",
    "null": "null",
    "array": "array",
}
_PATH = re.compile(r'\."([^"]*)"')
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_NUMERIC = exp.DataType.build("numeric", dialect="postgres")


def _collated(value: Tree) -> Tree:
    """Return text that is compared by code points."""
    return exp.Collate(
        this=exp.Paren(this=value), expression=exp.to_identifier("C", quoted=True)
    )


def _ordering(node: exp.Binary, go: Rewrite) -> Tree:
    left, right = go(node.this), go(node.expression)
    if is_text(node.this) or is_text(node.expression):
        left = _collated(left)
    return type(node)(this=left, expression=right)


def _ordered(node: exp.Ordered, go: Rewrite) -> Tree:
    value = _collated(go(node.this)) if is_text(node.this) else go(node.this)
    return exp.Ordered(this=value, desc=node.args.get("desc"))


def _endmost(node: exp.Anonymous, go: Rewrite, condition: Tree) -> Tree:
    """Return the first of an ordered array, nulls left out as arg_max does."""
    value, order = go(node.expressions[0]), node.expressions[1].expressions
    latest = node.this == "arg_max"
    by = [
        exp.Ordered(this=_collated(go(p)) if is_text(p) else go(p), desc=latest)
        for p in order
    ]
    listed = call("array_agg", exp.Order(this=value, expressions=by))
    kept = trees.both([condition, trees.is_present(value.copy())])
    first = trees.filtered(listed, kept)
    return exp.Bracket(
        this=exp.Paren(this=first), expressions=[integer(1)], offset=1, safe=True
    )


def _json_at(column: Tree, path: Tree) -> Tree:
    parts = _PATH.findall(path.name)
    if path.name != "$" + "".join(f'."{part}"' for part in parts):
        raise NotPortable('a property name holds ", * or a back slash')
    if any(re.fullmatch(r"[+-]?\d+", part.strip()) for part in parts):
        raise NotPortable("a property is named by a number, which finds list elements")
    return call("jsonb_extract_path", column, *(text(part) for part in parts))


def _json_text(value: Tree, _: Tree) -> Tree:
    path = cast(text("{}"), "varchar[]")
    return exp.JSONBExtractScalar(this=exp.Paren(this=value), expression=path)


def _json_is(word: JsonIs, go: Rewrite) -> Tree:
    names = dict.fromkeys(_JSON_TYPES[kind] for kind in kinds_of(word))
    if "whole" in kinds_of(word) and "fraction" not in kinds_of(word):
        names.pop("number")
    kind = call("jsonb_typeof", go(word.this))
    return trees.one_of(kind, [text(name) for name in names])


def _shortest(word: ShortestText, go: Rewrite) -> Tree:
    return go(shortest_by_digits(word.this.copy()))


def _number_of_text(word: NumberOfText, go: Rewrite) -> Tree:
    """Return the double; out of its range infinity or 0, where Postgres would fail."""
    bare = call("btrim", go(word.this), text(WHITE_SPACE))
    fits = exp.RegexpLike(this=bare, expression=text(_NUMBER))
    far = exp.RegexpLike(this=bare.copy(), expression=text("[eE][+-]?0*[0-9]{4,}$"))
    exact = exp.Cast(this=bare.copy(), to=_NUMERIC.copy())
    size = call("abs", exact.copy())
    most = exp.Cast(this=text("1.7976931348623158e308"), to=_NUMERIC.copy())
    least = exp.Cast(this=text("2.4703282292062328e-324"), to=_NUMERIC.copy())
    return trees.case(
        (trees.negation(fits), cast(exp.Null(), "double")),
        (far, _past(bare)),
        (trees.gte(size, most), _past(bare)),
        (trees.lte(size.copy(), least), trees.number(0.0)),
        otherwise=cast(bare.copy(), "double"),
    )


def _past(bare: Tree) -> Tree:
    """Return what a number beyond the range of doubles reads as."""
    zero = exp.RegexpLike(this=bare.copy(), expression=text(r"^[+-]?[0.]+([eE]|$)"))
    tiny = exp.RegexpLike(this=bare.copy(), expression=text("[eE]-"))
    minus = exp.RegexpLike(this=bare.copy(), expression=text("^-"))
    return trees.case(
        (trees.either([zero, tiny]), trees.number(0.0)),
        (minus, cast(text("-Infinity"), "double")),
        otherwise=cast(text("Infinity"), "double"),
    )


def _bucket(word: Bucket, go: Rewrite) -> Tree:
    salted = trees.join_text(text(f"{word.args['salt'].name}:"), go(word.this))
    head = call("substr", call("md5", salted), integer(1), integer(8))
    bits = exp.Cast(
        this=exp.Paren(this=trees.join_text(text("x"), head)),
        to=exp.DataType.build("bit(32)", dialect="postgres", udt=True),
    )
    share = exp.Div(
        this=cast(cast(bits, "bigint"), "double"),
        expression=trees.number(2.0**32),
        typed=True,
    )
    return trees.binary(exp.Mul, exp.Paren(this=share), trees.number(100.0))


def _try_cast(node: exp.TryCast, go: Rewrite) -> Tree:
    if node.to.this is not exp.DataType.Type.DOUBLE:
        raise NotPortable("a text would have to be read")
    return exp.Cast(this=go(node.this), to=node.to.copy())


def _transform(items: Tree, made: Tree) -> Tree:
    """Return the list with each element read; null for a list that is null."""
    assert isinstance(made, exp.Lambda)
    name = made.expressions[0].name
    rows = call("unnest", items)
    alias = exp.Alias(this=rows, alias=exp.to_identifier(name, quoted=True))
    listed = call("array", exp.Select(expressions=[made.this]).from_(alias))
    return trees.case((trees.is_present(items.copy()), listed))


def _extracted(value: Tree, pattern: Tree, group: Tree) -> Tree:
    """Return a group of the first match; empty where there is none."""
    found = call("regexp_match", value, pattern)
    nth = exp.Bracket(
        this=exp.Paren(this=found), expressions=[group], offset=1, safe=True
    )
    return trees.coalesce(nth, text(""))


def _contains(value: Tree, part: Tree) -> Tree:
    return trees.gt(call("strpos", value, part), integer(0))


def _suffix(value: Tree, part: Tree) -> Tree:
    tail = call("right", value, call("length", part))
    return trees.eq(tail, part.copy())


def _matches(value: Tree, pattern: Tree) -> Tree:
    if not isinstance(pattern, exp.Literal):
        raise NotPortable("case: ignore folds letters by DuckDB's table")
    said = portable_pattern(pattern.name, end="$")
    return exp.RegexpLike(this=exp.Paren(this=value), expression=text(said))


def _seconds(n: Tree) -> Tree:
    return trees.binary(exp.Mul, n, exp.cast(text("1 second"), "interval"))


def _months(n: Tree) -> Tree:
    return trees.binary(exp.Mul, n, exp.cast(text("1 month"), "interval"))


def _microseconds(value: Tree) -> Tree:
    """Return the microseconds since 1970; the seconds are exact decimals."""
    seconds = exp.Extract(this=exp.Var(this="epoch"), expression=value)
    return cast(trees.binary(exp.Mul, seconds, integer(1_000_000)), "bigint")


def _whole_part(node: exp.IntDiv, go: Rewrite) -> Tree:
    return exp.Div(this=go(node.this), expression=go(node.expression), typed=True)


def _field(struct: Tree, name: Tree) -> Tree:
    return exp.Dot(
        this=exp.Paren(this=struct),
        expression=exp.to_identifier(name.name, quoted=True),
    )


def _same(name: str) -> Any:
    return lambda *parts: call(name, *parts)


def _part_of(unit: str) -> Any:
    return lambda value: cast(
        exp.Extract(this=exp.Var(this=unit), expression=value), "integer"
    )


_CALLS: dict[str, Any] = {
    **{name: _same(name) for name in ("min", "max", "starts_with", "timezone", "lag")},
    **{name: _same(name) for name in ("row_number", "repeat", "rpad", "md5")},
    "trim": _same("btrim"),
    "rtrim": _same("rtrim"),
    "contains": _contains,
    "suffix": _suffix,
    "regexp_matches": _matches,
    "regexp_extract": _extracted,
    "regexp_replace": _same("regexp_replace"),
    "json_extract": _json_at,
    "json_extract_string": _json_text,
    "isnan": lambda value: trees.eq(value, cast(text("NaN"), "double")),
    "isinf": lambda value: trees.one_of(
        value, [cast(text(t), "double") for t in ("Infinity", "-Infinity")]
    ),
    "to_seconds": _seconds,
    "to_months": _months,
    "epoch_us": _microseconds,
    "month": _part_of("month"),
    "day": _part_of("day"),
    "struct_extract": _field,
    "list_transform": _transform,
    "list_has_any": lambda a, b: exp.ArrayOverlaps(this=a, expression=b),
    "list_has_all": lambda a, b: exp.ArrayContainsAll(this=a, expression=b),
    "len": _same("cardinality"),
    "fsum": whole_total("sum"),
    "favg": whole_total("avg"),
}
POSTGRES = Dialect(
    "postgres",
    _endmost,
    _CALLS,
    {
        exp.Ordered: _ordered,
        exp.Cast: cast_of,
        exp.TryCast: _try_cast,
        exp.IntDiv: _whole_part,
        **dict.fromkeys((exp.GT, exp.GTE, exp.LT, exp.LTE), _ordering),
        JsonIs: _json_is,
        ShortestText: _shortest,
        NumberOfText: _number_of_text,
        Bucket: _bucket,
    },
)
