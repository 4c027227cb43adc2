"""How the columns of `typed_row` and `mapped_row` are named after the contract."""

from __future__ import annotations

from collections.abc import Iterator

from dmp.ingest.contracts import MEASURES, Contract, FieldSpec


def field_column(name: str) -> str:
    """Return the column that holds a field."""
    return f"field.{name}"


def property_column(name: str) -> str:
    """Return the column that holds an event property."""
    return f"property.{name}"


def measure_column(name: str) -> str:
    """Return the column that holds a measure of a purchase."""
    return f"transaction.{name}"


def consent_columns(number: int) -> tuple[str, str]:
    """Return the columns for status and instant of a decision."""
    return f"consent.{number}.status", f"consent.{number}.at"


def typed_columns(contract: Contract) -> Iterator[tuple[str, FieldSpec]]:
    """Yield the column of each field, property and measure, and what it holds."""
    for name, spec in contract.fields.items():
        yield field_column(name), spec
    if contract.event:
        for name, spec in contract.event.properties.items():
            yield property_column(name), spec
    for name in MEASURES if contract.transaction else ():
        measure: FieldSpec | None = getattr(contract.transaction, name)
        if measure:
            yield measure_column(name), measure
