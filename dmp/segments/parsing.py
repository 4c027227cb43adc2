"""Reads a segment from plain data and reports every fault at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from dmp.core.errors import RuleInvalid
from dmp.segments import grammar
from dmp.segments.behaviour import BEHAVIOUR
from dmp.segments.calendars import zone_of
from dmp.segments.conditions import attribute_kind, clauses_kind, mapped
from dmp.segments.grammar import Faults, Field, Kind, Schema, refuse
from dmp.segments.rule import (
    All,
    AnyOf,
    Attribute,
    Consent,
    InList,
    InSegment,
    Node,
    Not,
    Related,
    Sample,
    Segment,
    Sql,
    Top,
)

ID = "[a-z][a-z0-9_]*"
ID_RIGHT = "lower case letters, digits and _, beginning with a letter"
_LIST_ID = "[A-Za-z0-9][A-Za-z0-9_-]*"
_COUNTED = ("at_least", "at_most", "exactly")
_GROUPS = {"all", "any", "not"}
MAX_DEPTH = 60
MAX_CONDITIONS = 10_000
"""Conditions and steps of a rule, whether it is YAML, JSON or plain data."""
FEWER = (
    f"at most {MAX_CONDITIONS:,}; many values of one attribute are one condition with "
    "op: in, many people a list (list: {in: ID})"
)


def parse(document: object, where: str = "rule") -> Segment:
    """Return the segment that a document of plain data describes.

    Args:
        document: what YAML or JSON gives: mappings, lists, text, numbers, dates.
        where: what the error calls the document, such as its file name.

    Raises:
        RuleInvalid: the document has faults; all of them are in it, with their paths.
    """
    faults: Faults = []
    if _depth(document) > MAX_DEPTH:
        refuse(faults, "rule", "is nested too deeply", f"at most {MAX_DEPTH} levels")
        raise RuleInvalid(where, faults)
    found = _conditions(document)
    if found > MAX_CONDITIONS:
        refuse(faults, "rule", f"holds {found:,} conditions", FEWER)
        raise RuleInvalid(where, faults)
    segment = _segment().read(document, "", faults)
    if faults:
        raise RuleInvalid(where, [_tidy(fault) for fault in faults])
    return segment


def _tidy(fault: Any) -> Any:
    return type(fault)(fault.path.lstrip(".") or "segment", fault.wrong, fault.right)


def _depth(value: object, level: int = 0) -> int:
    if level > MAX_DEPTH or not isinstance(value, Mapping | list | tuple):
        return level
    parts = value.values() if isinstance(value, Mapping) else value
    return max((_depth(part, level + 1) for part in parts), default=level)


def _conditions(value: object, listed: bool = False) -> int:
    """Count what stands in lists: conditions and steps, but no groups of them."""
    if isinstance(value, list | tuple):
        return sum(_conditions(part, True) for part in value)
    if not isinstance(value, Mapping):
        return 0
    inner = sum(_conditions(part) for part in value.values())
    return inner + (listed and not _GROUPS.issuperset(value))


@cache
def _segment() -> Kind[Segment]:
    note = Field(grammar.text(empty=True), missing="")
    fields = {
        "segment": Field(grammar.text(ID, ID_RIGHT), required=True),
        "rule": Field(node_kind(), required=True),
        "name": note,
        "description": note,
        "owner": note,
        "purpose": note,
        "tags": Field(grammar.many(grammar.text()), missing=()),
        "timezone": Field(zone_kind(), missing="UTC"),
        "folder": note,
        "archived": Field(grammar.boolean(), missing=False),
    }

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Segment:
        others = {k: v for k, v in given.items() if k != "segment"}
        return Segment(id=given["segment"], **others)

    return grammar.shape(fields, build)


def zone_kind() -> Kind[str]:
    """Return the kind of time zone names."""
    inner = grammar.text()

    def read(value: object, path: str, faults: Faults) -> str:
        before = len(faults)
        name = inner.read(value, path, faults)
        if len(faults) == before:
            try:
                zone_of(name)
            except ValueError:
                right = "an IANA name as Europe/London"
                refuse(faults, path, f"no time zone {name!r}", right)
        return name

    return Kind(read, inner.schema)


def node_kind() -> Kind[Node]:
    """Return the kind of one node."""
    return grammar.lazily(_node, "node")


@cache
def _node() -> Kind[Node]:
    kinds = _node_kinds()

    def read(value: object, path: str, faults: Faults) -> Node:
        if isinstance(value, Mapping) and "attribute" in value:
            before = len(faults)
            found = attribute_kind().read(value, path, faults)
            return Attribute(*found) if len(faults) == before else cast(Node, None)
        key = grammar.one_key(value, {**kinds, "attribute": 0}, "node", path, faults)
        if key is None:
            return cast(Node, None)
        inner = cast(Mapping[str, object], value)[key]
        return cast(Node, kinds[key].read(inner, f"{path}.{key}", faults))

    schemas = [grammar.keyed_schema(key, kind) for key, kind in kinds.items()]
    return Kind(read, {"anyOf": [attribute_kind().schema, *schemas]})


def _node_kinds() -> Mapping[str, Kind[Any]]:
    return {
        "all": mapped(grammar.many(node_kind()), All),
        "any": mapped(grammar.many(node_kind()), AnyOf),
        "not": mapped(node_kind(), Not),
        **BEHAVIOUR,
        "related": _related(),
        "segment": _in_segment(),
        "consent": _consent(),
        "list": _plain(InList, id=("in", grammar.text(_LIST_ID, "a list id"))),
        "sample": _sample(),
        "top": _top(),
        "sql": _plain(Sql, select=("select", grammar.text())),
    }


def _plain(make: Any, **fields: tuple[str, Kind[Any]]) -> Kind[Any]:
    """Return the kind whose keys, all required, are the arguments of `make`."""
    keys = {key: Field(kind, required=True) for key, kind in fields.values()}

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Any:
        return make(**{name: given[key] for name, (key, _) in fields.items()})

    return grammar.shape(keys, build)


def _consent() -> Kind[Consent]:
    status = grammar.choice("granted", "denied", "unknown")
    return _plain(
        Consent, purpose=("purpose", grammar.text()), status=("status", status)
    )


def _in_segment() -> Kind[InSegment]:
    id_kind = grammar.text(ID, ID_RIGHT)
    return grammar.keyed(
        {
            "in": mapped(id_kind, lambda found: InSegment(found, negated=False)),
            "not_in": mapped(id_kind, lambda found: InSegment(found, negated=True)),
        },
        "segment reference",
    )


def _quantifier() -> Kind[tuple[str, int | None]]:
    word = mapped(grammar.choice("any", "all", "none"), lambda name: (name, None))
    count = grammar.keyed(
        {
            name: mapped(grammar.integer(0), lambda n, name=name: (name, n))
            for name in _COUNTED
        },
        "quantifier",
    )
    return grammar.first_of(
        [(lambda value: isinstance(value, str), word), (lambda value: True, count)]
    )


def _related() -> Kind[Related]:
    fields = {
        "entity": Field(grammar.text(), required=True),
        "quantifier": Field(_quantifier(), required=True),
        "where": Field(clauses_kind(), missing=()),
    }

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Related:
        name, n = given["quantifier"]
        return Related(given["entity"], name, n, given["where"])

    return grammar.shape(fields, build)


def _sample() -> Kind[Sample]:
    fields = {
        "percent": Field(grammar.number(), required=True),
        "salt": Field(grammar.text(empty=True), required=True),
        "from": Field(grammar.number(), missing=0.0),
    }

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Sample:
        percent, start = float(given["percent"]), float(given["from"])
        for name, value in (("percent", percent), ("from", start)):
            if not 0 <= value <= 100:
                refuse(faults, f"{path}.{name}", "is not a share", "a number in 0…100")
        if start + percent > 100 + 1e-9:
            right = "from + percent <= 100"
            refuse(faults, f"{path}.percent", "reaches beyond 100", right)
        return Sample(percent, given["salt"], start)

    return grammar.shape(fields, build)


def _top() -> Kind[Top]:
    fields = {
        "n": Field(grammar.integer(1), required=True),
        "by": Field(grammar.text(), required=True),
        "order": Field(grammar.choice("desc", "asc"), missing="desc"),
        "of": Field(node_kind()),
    }

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Top:
        return Top(given["n"], given["by"], given["order"] == "desc", given["of"])

    return grammar.shape(fields, build)


def node_schema() -> Schema:
    """Return the JSON Schema of one node, for `$defs`."""
    return _node().schema


def segment_schema() -> Schema:
    """Return the JSON Schema of a segment file."""
    return _segment().schema
