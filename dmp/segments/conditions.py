"""Reads comparisons and the conditions made of them from plain data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from dmp.segments import grammar
from dmp.segments.calendars import CALENDAR_UNITS, UNITS
from dmp.segments.grammar import Faults, Field, Kind, Schema, refuse
from dmp.segments.literals import (
    literal_kind,
    or_other,
    pattern_kind,
    property_kind,
    time_kind,
)
from dmp.segments.operators import (
    CASE_TAKES,
    NUMBER_OPS,
    OPERATORS,
    PRESENCE_OPS,
    Operator,
    Takes,
)
from dmp.segments.rule import (
    All,
    AnyOf,
    Clause,
    Comparison,
    Condition,
    Not,
    Other,
)

_FLAG = Field(grammar.boolean(), missing=None)
_UNIT = Field(grammar.choice(*UNITS), required=True)
_PERIOD_UNIT = Field(grammar.choice(*CALENDAR_UNITS), required=True)
_COUNT = grammar.integer(1)


def _numeric(op: Operator) -> Mapping[str, Field]:
    value: Kind[Any] = grammar.number()
    if op.takes is Takes.ITEMS:
        value = grammar.many(value, 1)
    fields = {"value": Field(value, required=True)}
    return fields | ({"to": fields["value"]} if op.takes is Takes.RANGE else {})


def numeric(extra: Mapping[str, Field] | None = None) -> Kind[Any]:
    """Return the kind `{op, value, to?}` over numbers; with other keys, a mapping.

    Args:
        extra: further keys; then the value read is (comparison, those keys).
    """
    base = dict(extra or {})

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Any:
        made = Comparison(given["op"], given["value"], given.get("to"))
        return (made, {name: given[name] for name in base}) if base else made

    kinds = {}
    for name in NUMBER_OPS:
        op = {"op": Field(grammar.choice(name), required=True)}
        kinds[name] = grammar.shape({**base, **op, **_numeric(OPERATORS[name])}, build)
    return _by_op(kinds)


def _by_op(kinds: Mapping[str, Kind[Any]]) -> Kind[Any]:
    def read(value: object, path: str, faults: Faults) -> Any:
        if not isinstance(value, Mapping):
            return refuse(faults, path, f"is {grammar.shown(value)}", "a mapping")
        if "op" not in value:
            right = grammar.near("", kinds)
            return refuse(faults, f"{path}.op", "is absent", right)
        before = len(faults)
        op = grammar.choice(*kinds).read(value["op"], f"{path}.op", faults)
        if len(faults) > before:
            return None
        return kinds[op].read({**value, "op": op}, path, faults)

    schemas: list[Schema] = []
    for kind in kinds.values():
        _merge(schemas, kind.schema)
    return Kind(read, {"oneOf": schemas})


def _merge(schemas: list[Schema], more: Schema) -> None:
    """Add a schema, or its op to one that is otherwise the same."""
    for known in schemas:
        same = {**known["properties"], "op": None} == {**more["properties"], "op": None}
        if same:
            known["properties"]["op"]["enum"].extend(more["properties"]["op"]["enum"])
            return
    schemas.append(more)


def _operands(op: Operator, key: str) -> Mapping[str, Field]:
    literal = or_other(literal_kind(), key)
    texts = grammar.many(grammar.text(), 1)
    n = Field(_COUNT, required=True)
    kinds: Mapping[Takes, Mapping[str, Field]] = {
        Takes.NOTHING: {},
        Takes.SCALAR: _needed(value=literal),
        Takes.RANGE: _needed(value=literal, to=literal),
        Takes.TEXT: _needed(value=or_other(grammar.text(empty=True), key)),
        Takes.PATTERN: _needed(value=pattern_kind()),
        Takes.TEXTS: _needed(value=texts),
        Takes.ITEMS: _needed(value=grammar.many(literal_kind(), 1)),
        Takes.SIZE: _needed(value=numeric()),
        Takes.TIME: _needed(value=or_other(time_kind(), key)),
        Takes.COUNT: {"value": n, "unit": _UNIT},
        Takes.AGO: {"from": n, **_needed(to=grammar.integer(0)), "unit": _UNIT},
        Takes.PERIOD: {"unit": _PERIOD_UNIT},
        Takes.ANNIVERSARY: {
            "value": n,
            "unit": Field(grammar.choice("day"), required=True),
            "include_today": Field(grammar.boolean(), missing=False),
        },
    }
    return kinds[op.takes]


def _needed(**kinds: Kind[Any]) -> Mapping[str, Field]:
    return {name: Field(kind, required=True) for name, kind in kinds.items()}


def _fields(op: Operator, key: str) -> Mapping[str, Field]:
    fields = {"op": Field(grammar.choice(op.name), required=True)}
    fields |= _operands(op, key)
    if op.name not in PRESENCE_OPS:
        fields["include_missing"] = _FLAG
    if op.takes in CASE_TAKES:
        fields["case"] = Field(grammar.choice("sensitive", "ignore"))
    return fields


def _comparison(given: Mapping[str, Any], path: str, faults: Faults) -> Comparison:
    made = Comparison(
        op=given["op"],
        value=given.get("value"),
        to=given.get("to"),
        unit=given.get("unit"),
        start=given.get("from"),
        include_missing=given.get("include_missing"),
        ignore_case=given.get("case") == "ignore",
        include_today=bool(given.get("include_today")),
    )
    _check_operands(made, path, faults)
    return made


def _check_operands(made: Comparison, path: str, faults: Faults) -> None:
    takes = OPERATORS[made.op].takes
    if takes is Takes.AGO and made.start is not None and isinstance(made.to, int):
        if made.start <= made.to:
            refuse(faults, f"{path}.from", "is not greater than to", "from > to >= 0")
    if takes is Takes.RANGE and _kinds_differ(made.value, made.to):
        refuse(faults, f"{path}.to", "is of another type than value", "one type")
    ordered = made.op not in ("eq", "neq") and takes in (Takes.SCALAR, Takes.RANGE)
    if ordered and isinstance(made.value, bool):
        refuse(faults, f"{path}.value", "true/false has no order", "text or a number")


def _kinds_differ(value: object, to: object) -> bool:
    if isinstance(value, Other) or isinstance(to, Other):
        return False
    return isinstance(value, str) != isinstance(to, str)


@cache
def attribute_kind() -> Kind[tuple[str, Comparison]]:
    """Return the kind `{attribute, op, …}`; reads to (name, comparison)."""
    return _with_subject("attribute", grammar.text())


def _with_subject(key: str, subject: Kind[Any]) -> Kind[Any]:
    base = {key: Field(subject, required=True)}

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Any:
        return given[key], _comparison(given, path, faults)

    kinds = {
        name: grammar.shape({**base, **_fields(op, key)}, build)
        for name, op in OPERATORS.items()
    }
    by_op = _by_op(kinds)

    def read(value: object, path: str, faults: Faults) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get(key), Mapping):
            right = f"write its keys beside it: {_BESIDE[key]}"
            refuse(faults, f"{path}.{key}", "is a mapping", right)
            value, path = _beside(value, key), f"{path}.{key}"
            if "op" not in value:  # the form shows it
                return None
        return by_op.read(value, path, faults)

    return Kind(read, by_op.schema)


_BESIDE = {
    "attribute": "{attribute: country, op: eq, value: DE}",
    "property": "{property: amount, op: gt, value: 10}",
}


def _beside(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a condition as it was meant, so that its other faults are told too."""
    inner = {name: part for name, part in value[key].items() if name != "name"}
    return {**value, key: "meant", **inner}


@cache
def clauses_kind() -> Kind[tuple[Clause, ...]]:
    """Return the kind of `where` and `has`: a list of which all must hold."""
    return grammar.many(grammar.lazily(_clause, "condition"))


@cache
def _clause() -> Kind[Clause]:
    leaf = _with_subject("property", property_kind())
    logic = _logic()

    def read(value: object, path: str, faults: Faults) -> Clause:
        if isinstance(value, Mapping) and "property" in value:
            before = len(faults)
            found = leaf.read(value, path, faults)
            return Condition(*found) if len(faults) == before else cast(Clause, None)
        return logic.read(value, path, faults)

    return Kind(read, {"anyOf": [leaf.schema, logic.schema]})


def _logic() -> Kind[Clause]:
    nested = grammar.lazily(_clause, "condition")
    return grammar.keyed(
        {
            "all": mapped(grammar.many(nested), All),
            "any": mapped(grammar.many(nested), AnyOf),
            "not": mapped(nested, Not),
        },
        "condition",
    )


def mapped(kind: Kind[Any], make: Any) -> Kind[Any]:
    """Return the kind whose value is made from that of another."""
    return Kind(lambda value, path, f: make(kind.read(value, path, f)), kind.schema)


def clause_schema() -> Schema:
    """Return the JSON Schema of one condition, for `$defs`."""
    return _clause().schema
