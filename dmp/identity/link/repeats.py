"""Fields that are one thing written in two columns, made one.

Two columns repeat each other if they mostly hold the same values; they complete each
other if hardly any record fills both, as where one source writes whole names and
another has a column for each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.columns import Kind
from dmp.identity.link.field import Field, numbered

_REPEATS = 0.8
"""Share of equal values at which two fields of one kind are the same field twice."""
_NAME_REPEATS = 0.5
"""The same for names: hardly anybody has the same name twice by chance."""
_BOTH = 0.02
"""Share of the records of the rarer field that may fill both of two that complete."""
_COMPLETING = frozenset(
    {
        Kind.GIVEN_NAME,
        Kind.FAMILY_NAME,
        Kind.GENERATION,
        Kind.STREET,
        Kind.HOUSE_NUMBER,
        Kind.EMAIL,
        Kind.PHONE,
    }
)
"""Kinds of which the values tell the meaning, whatever the column is for."""


def merge_repeats(fields: Sequence[Field]) -> tuple[list[Field], dict[str, str]]:
    """Merge fields of one kind that repeat or complete each other.

    Returns the fields left and, for each one merged, the name of what it repeats.
    """
    kept: list[Field] = []
    merged: dict[str, str] = {}
    for field in fields:
        twin = next(
            (
                i
                for i, other in enumerate(kept)
                if _repeats(other, field) or _completes(other, field)
            ),
            None,
        )
        if twin is None:
            kept.append(field)
        else:
            merged[field.name] = kept[twin].name
            kept[twin] = _filled_by(kept[twin], field)
    return kept, merged


def _repeats(one: Field, other: Field) -> bool:
    if one.kind != other.kind:
        return False
    both = np.flatnonzero((one.codes >= 0) & (other.codes >= 0))[:200_000]
    if len(both) < 2:
        return False
    left = one.values.take(pa.array(one.codes[both]))
    right = other.values.take(pa.array(other.codes[both]))
    is_name = one.kind in (Kind.GIVEN_NAME, Kind.FAMILY_NAME)
    least = _NAME_REPEATS if is_name else _REPEATS
    return bool(pc.mean(pc.equal(left, right)).as_py() >= least)


def _completes(one: Field, other: Field) -> bool:
    if one.kind != other.kind or one.kind not in _COMPLETING:
        return False
    first, second = one.codes >= 0, other.codes >= 0
    rarer = min(int(first.sum()), int(second.sum()))
    return one.column != other.column and int((first & second).sum()) <= _BOTH * rarer


def _filled_by(one: Field, other: Field) -> Field:
    values = pa.concat_arrays([one.values, other.values])
    codes = np.where(
        one.codes >= 0,
        one.codes,
        np.where(other.codes >= 0, other.codes + len(one.values), -1),
    )
    made = numbered(one.name, one.column, one.kind, codes, pa.chunked_array([values]))
    return _used_only(made)


def _used_only(field: Field) -> Field:
    """Drop the values that no record holds."""
    counts = np.bincount(field.codes[field.codes >= 0], minlength=len(field.values))
    used = np.flatnonzero(counts)
    place = np.full(len(field.values) + 1, -1, dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    return replace(
        field, codes=place[field.codes], values=field.values.take(pa.array(used))
    )
