"""What an input holds that its contract does not declare, by names fit to be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from dmp.ingest.field_names import shown_columns, shown_key
from dmp.storage.lake import Lake

_MOST_UNDECLARED = 500


def undeclared_columns(columns: Sequence[str], places: Sequence[str]) -> list[str]:
    """Return the columns that are not among `places`, sorted."""
    shown = dict(zip(columns, shown_columns(columns), strict=True))
    return sorted(shown[name] for name in set(columns) - set(places))


_GROUPED = """
select json_group_structure(structure::json) from (
    select distinct json_structure(body)::varchar as structure from ({bodies})
    limit 20000
)
"""
"""Grouped are the different structures alone: grouping holds what it is given."""


def undeclared_keys(lake: Lake, bodies: str, places: Sequence[str]) -> list[str]:
    """Return the fields of JSON objects, a select of `body`, not among `places`."""
    shape = lake.value(_GROUPED.format(bodies=bodies))
    found = set(_leaves(json.loads(shape or "{}"))) - set(places)
    return sorted({shown_key(name) for name in found})[:_MOST_UNDECLARED]


def _leaves(shape: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted paths of a structure that hold a value or a list."""
    if not isinstance(shape, dict):
        yield path
        return
    for name, inner in shape.items():
        yield from _leaves(inner, f"{path}.{name}" if path else name)
