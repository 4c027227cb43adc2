"""How a stored value reads as text, number, boolean, list, date: row 9 of the rules.

Each reading is null exactly when the value is missing or cannot be read that way.
"""

from __future__ import annotations

from datetime import tzinfo

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.calendars import zone_of
from dmp.segments.localtime import from_local, zone_name
from dmp.segments.sources import Source, is_integer, is_zoned, type_of
from dmp.segments.trees import Tree, call, cast, text
from dmp.segments.words import (
    DayOfText,
    JsonIs,
    MomentOfText,
    NumberOfText,
    ShortestText,
    in_duckdb,
    kinds_of,
)
from dmp.segments.words import json_is as is_json

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
WHITE_SPACE += "\u2028\u2029\u202f\u205f\u3000"

_NUMBER = r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"
_SHORT = r"^(-?)(\d)(?:\.(\d+))?e([+-])0*(\d+)$"
_DATE = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
_OFFSET = r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"
_NUMBERS = ("whole", "fraction")
_JSON_TYPES = {
    "text": ("VARCHAR",),
    "boolean": ("BOOLEAN",),
    "whole": ("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT"),
    "fraction": ("DOUBLE",),
    "null": ("NULL",),
    "array": ("ARRAY",),
}


def as_present(source: Source) -> Tree:
    """Return whether the stored value is there: not null, not JSON null, not NaN."""
    if source.kind == "nothing":
        return trees.truth(False)
    if source.kind == "json":
        null = _is_json(source, "null")
        return trees.negation(trees.coalesce(null, trees.truth(True)))
    if source.kind == "number":
        return trees.is_present(as_number(source))
    return trees.is_present(source.read())


def as_blank(source: Source) -> Tree:
    """Return whether the value is missing, empty, or only white space."""
    missing = trees.negation(as_present(source))
    if source.kind == "text":
        stored = source.read()
    elif source.kind == "json":
        stored = trees.case((_is_json(source, "text"), _json_text(source)))
    else:
        return missing
    bare = trees.eq(call("trim", stored, text(WHITE_SPACE)), text(""))
    return trees.either([missing, trees.coalesce(bare, trees.truth(False))])


def as_text(source: Source) -> Tree:
    """Return the text; numbers in their shortest JSON form, booleans true/false."""
    match source.kind:
        case "text":
            return cast(source.read(), "varchar")
        case "json":
            return _text_of_json(source)
        case "number" if is_integer(source.type):
            return cast(source.read(), "varchar")
        case "number":
            return shortest(as_number(source))
        case "boolean" | "date":
            return cast(source.read(), "varchar")
        case "instant":
            return _text_of_instant(source)
    return cast(exp.Null(), "varchar")


def _text_of_json(source: Source) -> Tree:
    double = cast(_json_text(source), "double")
    return trees.case(
        (_is_json(source, "text", "boolean", "whole"), _json_text(source)),
        (_is_json(source, "fraction"), shortest(double)),
    )


def _text_of_instant(source: Source) -> Tree:
    wall = call("timezone", text("UTC"), as_instant(source))
    written = call("strftime", wall, text("%Y-%m-%dT%H:%M:%S.%f"))
    bare = call("rtrim", call("rtrim", written, text("0")), text("."))
    return trees.join_text(bare, text("Z"))


def as_number(source: Source) -> Tree:
    """Return the IEEE double; NaN counts as missing."""
    match source.kind:
        case "text":
            return number_of_text(source.read())
        case "json":
            return trees.case(
                (_is_json(source, *_NUMBERS), _json_double(source)),
                (_is_json(source, "text"), number_of_text(_json_text(source))),
            )
        case "number" if is_integer(source.type):
            return cast(source.read(), "double")
        case "number":
            double = cast(source.read(), "double")
            is_nan = call("isnan", double.copy())
            return trees.case((trees.negation(is_nan), double))
    return cast(exp.Null(), "double")


def _json_double(source: Source) -> Tree:
    return trees.try_cast(_json_text(source), "double")


def number_of_text(value: Tree) -> Tree:
    """Return the number that a text writes, or null."""
    return NumberOfText(this=value)


def _number_of_text(word: NumberOfText) -> Tree:
    value = word.this.copy()
    bare = call("trim", value, text(WHITE_SPACE))
    fits = call("regexp_full_match", bare, text(_NUMBER))
    return trees.case((fits, trees.try_cast(bare.copy(), "double")))


def as_boolean(source: Source) -> Tree:
    """Return the boolean; text true/false reads as one, a number does not."""
    match source.kind:
        case "boolean":
            return source.read()
        case "text":
            return _boolean_of_text(source.read())
        case "json":
            readable = _is_json(source, "boolean", "text")
            return trees.case((readable, _boolean_of_text(_json_text(source))))
    return cast(exp.Null(), "boolean")


def _boolean_of_text(value: Tree) -> Tree:
    return trees.case(
        (trees.eq(value, text("true")), trees.truth(True)),
        (trees.eq(value.copy(), text("false")), trees.truth(False)),
    )


def as_list(source: Source) -> Tree:
    """Return the stored list; a scalar has none."""
    if source.kind == "list":
        return source.read()
    if source.kind == "json":
        items = cast(source.read(), "json[]")
        return trees.case((_is_json(source, "array"), items))
    return cast(exp.Null(), "varchar[]")


def element_of(source: Source, tree: Tree) -> Source:
    """Return an element of the list as a source."""
    if source.kind == "list":
        return source.element(tree)
    return Source(tree, type_of("JSON" if source.kind == "json" else "VARCHAR"))


def as_day(source: Source) -> Tree | None:
    """Return the date where the value is one (also dates in text); None if never."""
    match source.kind:
        case "date":
            return source.read()
        case "text":
            return _day_of_text(source.read())
        case "json":
            readable = _is_json(source, "text")
            return trees.case((readable, _day_of_text(_json_text(source))))
    return None


def _day_of_text(value: Tree) -> Tree:
    return DayOfText(this=value)


def _day_in_duckdb(word: DayOfText) -> Tree:
    value = word.this.copy()
    fits = call("regexp_full_match", value, text(_DATE))
    return trees.case((fits, trees.try_cast(value.copy(), "date")))


def as_moment(source: Source, zone: tzinfo) -> Tree | None:
    """Return the instant where the value is one (also in text); None if never."""
    match source.kind:
        case "instant":
            return as_instant(source)
        case "text":
            return _bound_instant(source.read(), zone)
        case "json":
            readable = _is_json(source, "text")
            return trees.case((readable, _bound_instant(_json_text(source), zone)))
    return None


def _bound_instant(value: Tree, zone: tzinfo) -> Tree:
    return MomentOfText(this=value, zone=text(zone_name(zone)))


def _moment_of_text(word: MomentOfText) -> Tree:
    zone = zone_of(word.args["zone"].name)
    value = word.this.copy()
    return trees.bound("t", value, lambda bound: _instant_of_text(bound, zone))


def as_instant(source: Source) -> Tree:
    """Return an instant column in UTC microseconds; without a zone it is UTC."""
    if is_zoned(source.type):
        return source.read()
    return call("timezone", text("UTC"), cast(source.read(), "timestamp"))


def _instant_of_text(value: Tree, zone: tzinfo) -> Tree:
    pattern = f"^({_DATE}[T ]{_CLOCK}){_OFFSET}?$"
    wall = trees.try_cast(_group(value, pattern, 1), "timestamp")
    offset = _group(value, pattern, 5)
    fits = call("regexp_matches", value.copy(), text(pattern))
    utc = call("timezone", text("UTC"), wall.copy())
    return trees.case(
        (trees.negation(fits), cast(exp.Null(), "timestamptz")),
        (trees.eq(offset, text("")), from_local(wall, zone)),
        (trees.eq(offset.copy(), text("Z")), utc),
        otherwise=trees.minus(utc.copy(), _shift(offset)),
    )


def _group(value: Tree, pattern: str, n: int) -> Tree:
    return call("regexp_extract", value.copy(), text(pattern), trees.integer(n))


def _shift(offset: Tree) -> Tree:
    digits = call(
        "rpad", _group(offset, r"(\d\d):?(\d\d)?", 0), trees.integer(5), text("0")
    )
    bare = call("replace", digits, text(":"), text(""))
    hours = cast(call("substr", bare, trees.integer(1), trees.integer(2)), "bigint")
    rest = call("substr", bare.copy(), trees.integer(3), trees.integer(2))
    signed = trees.case(
        (call("starts_with", offset.copy(), text("-")), trees.integer(-1)),
        otherwise=trees.integer(1),
    )
    sixty = trees.binary(exp.Mul, hours, trees.integer(60))
    minutes = trees.plus(sixty, cast(rest, "bigint"))
    return call("to_minutes", trees.binary(exp.Mul, signed, minutes))


def shortest(double: Tree) -> Tree:
    """Return a double's shortest JSON form, as ECMAScript writes numbers.

    5.0 gives 5, 1e21 gives 1e+21, 0.000001 gives 0.000001. Infinity has none.

    Source: RFC 8785, section 3.2.2.3.
    """
    return ShortestText(this=double)


def shortest_by_digits(double: Tree) -> Tree:
    """Return that form from an engine whose text of a double has the fewest digits."""
    written = cast(double, "varchar")
    whole = call("regexp_replace", written, text(r"\.0$"), text(""))
    return trees.case(
        (trees.eq(double.copy(), cast(text("0"), "double")), text("0")),
        (call("isinf", double.copy()), cast(exp.Null(), "varchar")),
        (call("contains", written.copy(), text("e")), _expanded(written)),
        otherwise=whole,
    )


def _expanded(written: Tree) -> Tree:
    sign, lead, rest, way, power = (_group(written, _SHORT, n) for n in range(1, 6))
    n = cast(power, "integer")
    digits = trees.join_text(lead, rest)
    zeros = call("repeat", text("0"), trees.minus(n.copy(), trees.integer(1)))
    up = trees.eq(way, text("+"))
    padded = call("rpad", digits, trees.plus(n.copy(), trees.integer(1)), text("0"))
    point = trees.case((trees.eq(rest.copy(), text("")), text("")), otherwise=text("."))
    tail = trees.join_text(
        point, rest.copy(), text("e"), way.copy(), cast(n, "varchar")
    )
    big = trees.both([up, trees.lt(n.copy(), trees.integer(21))])
    small = trees.both(
        [trees.negation(up.copy()), trees.lte(n.copy(), trees.integer(6))]
    )
    return trees.case(
        (big, trees.join_text(sign, padded)),
        (small, trees.join_text(sign.copy(), text("0."), zeros, digits.copy())),
        otherwise=trees.join_text(sign.copy(), lead.copy(), tail),
    )


def _is_json(source: Source, *kinds: str) -> Tree:
    return is_json(source.read(), *kinds)


def _json_is(word: JsonIs) -> Tree:
    names = [name for kind in kinds_of(word) for name in _JSON_TYPES[kind]]
    kind = call("json_type", word.this.copy())
    return trees.one_of(kind, [text(name) for name in names])


def _json_text(source: Source) -> Tree:
    return call("json_extract_string", source.read(), text("$"))


def json_is(source: Source, kind: str) -> Tree:
    """Return whether a JSON value is a number, text or boolean; false when absent."""
    kinds = _NUMBERS if kind == "number" else (kind,)
    return trees.coalesce(_is_json(source, *kinds), trees.truth(False))


in_duckdb(ShortestText, lambda word: shortest_by_digits(word.this.copy()))
in_duckdb(NumberOfText, _number_of_text)
in_duckdb(DayOfText, _day_in_duckdb)
in_duckdb(MomentOfText, _moment_of_text)
in_duckdb(JsonIs, _json_is)
