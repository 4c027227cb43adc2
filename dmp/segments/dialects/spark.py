"""Spark 4 and Databricks. Properties are a VARIANT, or a struct of typed fields.

The session's time zone has to be UTC, and text to be compared by its bytes (the
default collation UTF8_BINARY).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.dialects.patterns import portable_pattern
from dmp.segments.dialects.rewriting import (
    Dialect,
    NotPortable,
    Rewrite,
    cast_of,
    utc_only,
    whole_total,
)
from dmp.segments.dialects.spread import spread_eq, spread_in
from dmp.segments.readings import WHITE_SPACE
from dmp.segments.trees import Tree, call, cast, integer, text
from dmp.segments.words import Bucket, JsonIs, NumberOfText, kinds_of

_JSON_TYPES = {
    "text": "STRING",
    "boolean": "BOOLEAN",
    "whole": "BIGINT",
    "fraction": "DECIMAL|DOUBLE|FLOAT",
    "null": "VOID",
    "array": "ARRAY",
}
_PATH = re.compile(r'\."([^"]*)"')
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\z"
_LATEST = "9999-12-31 00:00:00+00:00"


def _endmost(node: exp.Anonymous, go: Rewrite, condition: Tree) -> Tree:
    value, row = node.expressions
    name = "max_by" if node.this == "arg_max" else "min_by"
    found = go(value)
    order = call("struct", *(go(part) for part in row.expressions))
    kept = trees.both([condition, trees.is_present(found.copy())])
    return trees.filtered(call(name, found, order), kept)


def _json_at(column: Tree, path: Tree) -> Tree:
    parts = _PATH.findall(path.name)
    if path.name != "$" + "".join(f'."{part}"' for part in parts):
        raise NotPortable('a property name holds ", * or a back slash')
    if any(re.search(r"[\[\]']", part) for part in parts):
        raise NotPortable("a property name holds a bracket or an apostrophe")
    written = "$" + "".join(f'["{part}"]' for part in parts)
    return call("try_variant_get", column, text(written), text("variant"))


def _json_is(word: JsonIs, go: Rewrite) -> Tree:
    names = "|".join(_JSON_TYPES[kind] for kind in kinds_of(word))
    kind = call("schema_of_variant", go(word.this))
    return call("rlike", kind, text(f"^({names})"))


def _number_of_text(word: NumberOfText, go: Rewrite) -> Tree:
    bare = call("btrim", go(word.this), text(WHITE_SPACE))
    fits = call("rlike", bare, text(_NUMBER))
    return trees.case((fits, trees.try_cast(bare.copy(), "double")))


def _bucket(word: Bucket, go: Rewrite) -> Tree:
    salted = trees.join_text(text(f"{word.args['salt'].name}:"), go(word.this))
    head = call("substr", call("md5", salted), integer(1), integer(8))
    whole = cast(call("conv", head, integer(16), integer(10)), "double")
    share = exp.Div(this=whole, expression=trees.number(2.0**32), typed=True)
    return trees.binary(exp.Mul, exp.Paren(this=share), trees.number(100.0))


def _matches(value: Tree, pattern: Tree) -> Tree:
    if not isinstance(pattern, exp.Literal):
        raise NotPortable("case: ignore folds letters by DuckDB's table")
    return call("rlike", value, text(portable_pattern(pattern.name, end=r"\z")))


def _cast(node: exp.Cast, go: Rewrite) -> Tree:
    if node.this.name == "infinity":
        return cast(text(_LATEST), "timestamptz")
    return cast_of(node, go)


def _try_cast(node: exp.TryCast, go: Rewrite) -> Tree:
    if node.to.this is not exp.DataType.Type.DOUBLE:
        raise NotPortable("a text would have to be read")
    return exp.TryCast(this=go(node.this), to=node.to.copy())


def _window(node: exp.WindowSpec, go: Rewrite) -> Tree:
    """Return the rows of all later instants as a range: Spark has no GROUPS."""
    made = exp.WindowSpec(**node.args)
    if node.args["kind"] == "GROUPS":
        step = exp.Interval(this=text("1"), unit=exp.Var(this="MICROSECOND"))
        made = exp.WindowSpec(**{**node.args, "kind": "RANGE", "start": step})
    return made


def _any_of(left: Tree, right: Tree) -> Tree:
    found = trees.coalesce(call("arrays_overlap", left, right), trees.truth(False))
    return trees.case((trees.is_present(left.copy()), found))


def _all_of(left: Tree, right: Tree) -> Tree:
    lacking = call("array_size", call("array_except", right, left))
    return trees.case((trees.is_present(left.copy()), trees.eq(lacking, integer(0))))


def _field(struct: Tree, name: Tree) -> Tree:
    return exp.Dot(this=struct, expression=exp.to_identifier(name.name, quoted=True))


def _same(name: str) -> Any:
    return lambda *parts: call(name, *parts)


_CALLS: dict[str, Any] = {
    **{name: _same(name) for name in ("min", "max", "lag", "row_number", "isnan")},
    **{name: _same(name) for name in ("month", "day", "contains")},
    "trim": _same("btrim"),
    "starts_with": _same("startswith"),
    "suffix": _same("endswith"),
    "regexp_matches": _matches,
    "json_extract": _json_at,
    "json_extract_string": lambda value, _: cast(value, "varchar"),
    "timezone": utc_only(lambda value: cast(value, "timestamptz")),
    "to_seconds": lambda n: call(
        "make_dt_interval", integer(0), integer(0), integer(0), n
    ),
    "to_months": lambda n: call("make_ym_interval", integer(0), n),
    "epoch_us": _same("unix_micros"),
    "struct_extract": _field,
    "list_transform": _same("transform"),
    "list_has_any": _any_of,
    "list_has_all": _all_of,
    "len": _same("array_size"),
    "fsum": whole_total("sum"),
    "favg": whole_total("avg"),
}
SPARK = Dialect(
    "spark",
    _endmost,
    _CALLS,
    {
        exp.EQ: spread_eq,
        exp.In: spread_in,
        exp.Cast: _cast,
        exp.TryCast: _try_cast,
        exp.WindowSpec: _window,
        JsonIs: _json_is,
        NumberOfText: _number_of_text,
        Bucket: _bucket,
    },
)
DATABRICKS = replace(SPARK, name="databricks")
