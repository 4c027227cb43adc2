"""A comparison of a source as a SQL condition that is true or false, never null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from dmp.segments import readings, trees
from dmp.segments.dates import date_test, is_date_comparison
from dmp.segments.operators import LIST_OPS, OPERATORS, Takes
from dmp.segments.patterns import pieces
from dmp.segments.rule import Comparison, Other, Property, Scalar
from dmp.segments.sources import Source
from dmp.segments.trees import Tree, call, text
from dmp.segments.windows import Moment

_ORDER: dict[str, type[exp.Binary]] = {
    "eq": exp.EQ,
    "gt": exp.GT,
    "gte": exp.GTE,
    "lt": exp.LT,
    "lte": exp.LTE,
}
_TEXT_CALLS = {
    "contains": "contains",
    "starts_with": "starts_with",
    "ends_with": "suffix",
}
_READERS: dict[str, Callable[[Source], Tree]] = {
    "text": readings.as_text,
    "number": readings.as_number,
    "boolean": readings.as_boolean,
}


@dataclass(frozen=True)
class Row:
    """The row a comparison is about.

    Attributes:
        find: leads a property or attribute of the same row to its source.
        at: as_of and the zone that dates are compared in.
    """

    find: Callable[[Property], Source]
    at: Moment


def holds(wanted: Property, comparison: Comparison, row: Row) -> Tree:
    """Return the condition that a value of the row satisfies a comparison."""
    source = row.find(wanted)
    op = OPERATORS[comparison.op]
    if op.takes is Takes.SIZE:
        return _size(source, comparison)
    if comparison.op in ("is_missing", "is_present", "is_blank"):
        return _presence(source, comparison.op)
    positive = replace(comparison, op=op.twin or op.name)
    return answer(_test(source, positive, row), comparison)


def answer(test: Tree, comparison: Comparison) -> Tree:
    """Return the test, or its complement, with the answer on missing filled in.

    `test` is null exactly when the value is missing.
    """
    negative = OPERATORS[comparison.op].negative
    on_missing = comparison.include_missing
    filled = negative if on_missing is None else on_missing
    result = trees.negation(test) if negative else test
    return trees.coalesce(result, trees.truth(filled))


def _presence(source: Source, op: str) -> Tree:
    if op == "is_blank":
        return readings.as_blank(source)
    present = readings.as_present(source)
    return present if op == "is_present" else trees.negation(present)


def _test(source: Source, comparison: Comparison, row: Row) -> Tree:
    op = comparison.op
    if op in ("is_true", "is_false"):
        wanted = trees.truth(op == "is_true")
        return trees.eq(readings.as_boolean(source), wanted)
    if op in LIST_OPS:
        return _list_test(source, comparison)
    others = [row.find(v.property) for v in _others(comparison)]
    if others and op == "between":
        return _both_ends(source, comparison, row)
    if is_date_comparison(source, comparison, others):
        return date_test(source, comparison, row.find, row.at)
    if isinstance(comparison.value, Other):
        return _against(source, comparison, others[0])
    if op == "in":
        return _in(source, comparison)
    return _plain(source, comparison)


def _others(comparison: Comparison) -> list[Other]:
    return [v for v in (comparison.value, comparison.to) if isinstance(v, Other)]


def literal_kind(value: object) -> str:
    """Return text, number or boolean: how a property is read for a literal."""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def literal(value: Scalar) -> Tree:
    """Return a literal of a rule."""
    if isinstance(value, bool):
        return trees.truth(value)
    return text(value) if isinstance(value, str) else trees.number(value)


def _folded(value: Tree, kind: str, ignore_case: bool) -> Tree:
    return call("lower", value) if ignore_case and kind == "text" else value


def _read(source: Source, kind: str, ignore_case: bool) -> Tree:
    return _folded(_READERS[kind](source), kind, ignore_case)


def _operand(value: Scalar, ignore_case: bool) -> Tree:
    return _folded(literal(value), literal_kind(value), ignore_case)


def _plain(source: Source, comparison: Comparison) -> Tree:
    op, value, blind = comparison.op, comparison.value, comparison.ignore_case
    if isinstance(value, tuple):
        read = readings.as_text(source)
        found = [
            call("contains", _folded(read.copy(), "text", blind), _operand(v, blind))
            for v in value
        ]
        return trees.either(found)
    if op == "matches":
        return _matches(source, str(value), blind)
    assert isinstance(value, str | int | float)
    kind = literal_kind(value)
    read = _read(source, kind, blind)
    if op == "between":
        assert isinstance(comparison.to, str | int | float)
        low = trees.gte(read, _operand(value, blind))
        return trees.both([low, trees.lt(read.copy(), _operand(comparison.to, blind))])
    return compare(op, read, _operand(value, blind))


def compare(op: str, left: Tree, right: Tree) -> Tree:
    """Return a positive operator between two values of one type."""
    if op in _ORDER:
        return trees.binary(_ORDER[op], left, right)
    return call(_TEXT_CALLS[op], left, right)


def _matches(source: Source, pattern: str, ignore_case: bool) -> Tree:
    read = _read(source, "text", ignore_case)
    if not ignore_case or not pattern:
        return call("regexp_matches", read, text(pattern))
    parts = [call("lower", text(p)) if free else text(p) for p, free in pieces(pattern)]
    return call("regexp_matches", read, trees.join_text(parts[0], *parts[1:]))


def _grouped(values: Sequence[Scalar]) -> dict[str, list[Scalar]]:
    groups: dict[str, list[Scalar]] = {}
    for value in values:
        groups.setdefault(literal_kind(value), []).append(value)
    return groups


def _items(comparison: Comparison) -> tuple[Scalar, ...]:
    assert isinstance(comparison.value, tuple)
    return comparison.value


def _in(source: Source, comparison: Comparison) -> Tree:
    blind = comparison.ignore_case
    tests, reads = [], []
    for kind, values in _grouped(_items(comparison)).items():
        read = _read(source, kind, blind)
        tests.append(trees.one_of(read, [_operand(v, blind) for v in values]))
        reads.append(read)
    if len(tests) == 1:
        return tests[0]
    readable = trees.either(trees.is_present(read.copy()) for read in reads)
    found = trees.either(trees.coalesce(test, trees.truth(False)) for test in tests)
    return trees.case((readable, found))


def _list_test(source: Source, comparison: Comparison) -> Tree:
    blind, every = comparison.ignore_case, comparison.op == "has_all"
    name = "list_has_all" if every else "list_has_any"
    tests = []
    for kind, values in _grouped(_items(comparison)).items():
        element = readings.element_of(source, trees.column("x"))
        body = trees.function("x", _read(element, kind, blind))
        read = call("list_transform", readings.as_list(source), body)
        wanted = trees.array(_operand(value, blind) for value in values)
        tests.append(call(name, read, wanted))
    return trees.both(tests) if every else trees.either(tests)


def _size(source: Source, comparison: Comparison) -> Tree:
    inner = comparison.value
    assert isinstance(inner, Comparison)
    size = trees.cast(call("len", readings.as_list(source)), "double")
    asked = replace(inner, include_missing=comparison.include_missing)
    return number_holds(size, asked)


def number_holds(value: Tree, comparison: Comparison) -> Tree:
    """Return the condition that a number satisfies a comparison with literals.

    Null is missing: the operator's answer on missing, or `include_missing`.
    """
    op = OPERATORS[comparison.op].twin or comparison.op
    match comparison.value:
        case tuple() as values:
            test = trees.one_of(value, [literal(v) for v in values])
        case int() | float() as low if op == "between":
            assert isinstance(comparison.to, int | float)
            above = trees.gte(value, literal(low))
            test = trees.both([above, trees.lt(value.copy(), literal(comparison.to))])
        case int() | float() as number:
            test = compare(op, value, literal(number))
        case _:
            raise TypeError("a number is compared with numbers")
    return answer(test, comparison)


def _both_ends(source: Source, comparison: Comparison, row: Row) -> Tree:
    """Return between as its two ends, each compared by what stands there."""
    low = replace(comparison, op="gte", to=None)
    high = replace(comparison, op="lt", value=comparison.to, to=None)
    tests = [_test(source, end, row) for end in (low, high)]
    needed = trees.both(trees.is_present(test.copy()) for test in tests)
    return trees.case((needed, trees.both(tests)))


def _against(source: Source, comparison: Comparison, other: Source) -> Tree:
    """Return the comparison with another value, which stands for the literal."""
    op, blind = comparison.op, comparison.ignore_case
    if op in _TEXT_CALLS:
        return _read_both(source, other, "text", op, blind)
    if other.kind == "json":
        return _by_json_type(source, other, op, blind)
    kind = other.kind if other.kind in ("number", "boolean") else "text"
    return _read_both(source, other, kind, op, blind)


def _by_json_type(source: Source, other: Source, op: str, ignore_case: bool) -> Tree:
    branches = [
        (
            readings.json_is(other, kind),
            _read_both(source, other, kind, op, ignore_case),
        )
        for kind in ("number", "text", "boolean")
    ]
    return trees.case(*branches)


def _read_both(
    source: Source, other: Source, kind: str, op: str, ignore_case: bool
) -> Tree:
    left = _read(source, kind, ignore_case)
    return compare(op, left, _read(other, kind, ignore_case))
