"""Reads what stands in a comparison: paths, literals, times, patterns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from dmp.segments import grammar
from dmp.segments.grammar import Faults, Field, Kind, refuse
from dmp.segments.patterns import pattern_fault
from dmp.segments.rule import Other, Property
from dmp.segments.windows import read_time


def property_kind() -> Kind[Property]:
    """Return the kind of property paths: dotted text or a list of parts."""
    whole, parts = grammar.text(), grammar.many(grammar.text(empty=True), 1)

    def read(value: object, path: str, faults: Faults) -> Property:
        if isinstance(value, list | tuple):
            return Property(parts.read(value, path, faults))
        return Property(whole.read(value, path, faults))

    return Kind(read, {"anyOf": [whole.schema, parts.schema]})


def _other(key: str) -> Kind[Other]:
    kind = property_kind() if key == "property" else _attribute_name()
    fields = {key: Field(kind, required=True)}
    return grammar.shape(fields, lambda given, path, faults: Other(given[key]))


def _attribute_name() -> Kind[Property]:
    name = grammar.text()

    def read(value: object, path: str, faults: Faults) -> Property:
        return Property((name.read(value, path, faults),))

    return Kind(read, name.schema)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def literal_kind() -> Kind[Any]:
    """Return the kind of true/false, finite numbers and text."""
    return grammar.first_of(
        [
            (lambda value: isinstance(value, bool), grammar.boolean()),
            (_is_number, grammar.number()),
            (lambda value: True, grammar.text(empty=True)),
        ]
    )


def or_other(kind: Kind[Any], key: str) -> Kind[Any]:
    """Return the kind that also takes another value of the row, `{key: name}`."""
    return grammar.first_of([(_is_mapping, _other(key)), (lambda value: True, kind)])


def time_kind() -> Kind[str]:
    """Return the kind of dates and instants, kept as text."""
    inner = grammar.text()

    def read(value: object, path: str, faults: Faults) -> str:
        before = len(faults)
        written = inner.read(value, path, faults)
        if len(faults) == before and not is_time(written):
            refuse(faults, path, "is no date or instant", "ISO 8601 as 2025-05-14")
        return written

    return Kind(read, {"type": "string"})


def is_time(written: str) -> bool:
    """Say whether a text writes a date or an instant."""
    try:
        return isinstance(read_time(written, UTC), date | datetime)
    except ValueError:
        return False


def time_field(required: bool = False) -> Field:
    """Return the field of a date or an instant, as text or as YAML's own."""
    return Field(time_kind(), required)


def pattern_kind() -> Kind[str]:
    """Return the kind of regular expressions that RE2 can take."""
    inner = grammar.text(empty=True)

    def read(value: object, path: str, faults: Faults) -> str:
        before = len(faults)
        written = inner.read(value, path, faults)
        wrong = pattern_fault(written) if len(faults) == before else ""
        if wrong:
            refuse(faults, path, wrong, "a regular expression as RE2 takes it")
        return written

    return Kind(read, {"type": "string", "format": "regex"})
