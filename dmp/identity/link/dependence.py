"""Columns that follow from the address, found from pairs of different people.

A city, a district or a household's number is the same for all who live at an address.
Counted by itself it would say once more what the address has said, and glue a family
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dmp.identity.link.columns import ColumnKind, Kind

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

_ADDRESSES = (Kind.ADDRESS, Kind.STREET, Kind.POSTCODE)
_PERSONS = (Kind.GIVEN_NAME, Kind.FULL_NAME, Kind.DATE)
_DEPENDENTS = (Kind.IDENTIFIER, Kind.CATEGORY, Kind.TEXT)
_LEAST_PAIRS = 50
_LEAST_SHARE = 0.5
"""Agreement beyond chance, as a share of what is possible, of what follows."""


def with_address(
    found: Sequence[ColumnKind], codes: Mapping[str, Codes]
) -> list[ColumnKind]:
    """Call a place what neighbours share though they are different people.

    Args:
        codes: column -> number of each record's value, -1 where missing.
    """
    left, right = _neighbours(found, codes)

    def settled(column: ColumnKind) -> ColumnKind:
        if column.kind not in _DEPENDENTS or not _follows(
            codes[column.column], left, right
        ):
            return column
        why = "people of one address share it, whoever they are"
        return ColumnKind(column.column, Kind.PLACE, why, column.kind)

    return [settled(column) for column in found]


def _neighbours(
    found: Sequence[ColumnKind], codes: Mapping[str, Codes]
) -> tuple[Ints, Ints]:
    """Return pairs of records at one address that differ in all that tells a person."""
    persons = [codes[c.column] for c in found if c.kind in _PERSONS]
    none = np.zeros(0, dtype=np.int64)
    if len(persons) < 2:
        return none, none
    lefts, rights = [none], [none]
    for address in (codes[c.column] for c in found if c.kind in _ADDRESSES):
        order = np.lexsort([persons[0], address])
        one, other = order[:-1], order[1:]
        kept = (address[one] == address[other]) & (address[one] >= 0)
        for person in persons:
            kept &= (person[one] != person[other]) & (person[one] >= 0)
            kept &= person[other] >= 0
        lefts.append(one[kept])
        rights.append(other[kept])
    return np.concatenate(lefts), np.concatenate(rights)


def _follows(values: Codes, left: Ints, right: Ints) -> bool:
    known = (values[left] >= 0) & (values[right] >= 0)
    if known.sum() < _LEAST_PAIRS:
        return False
    agreed = float((values[left] == values[right])[known].mean())
    shares = np.bincount(values[values >= 0]) / max((values >= 0).sum(), 1)
    chance = float((shares**2).sum())
    return agreed - chance >= _LEAST_SHARE * (1 - chance)
