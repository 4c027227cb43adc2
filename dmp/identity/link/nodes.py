"""Nodes: the distinct records of each source, in an order that only values decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.identity.link.field import Codes, Field
from dmp.identity.link.hashing import Ints, mix


@dataclass(frozen=True)
class Nodes:
    """Distinct records.

    Attributes:
        fields: what is known of each node; `codes` has one entry a node.
        source: source number of each node.
        n_records: how many records each node stands for.
        of_record: node of each record, in the order of the files.
    """

    fields: tuple[Field, ...]
    source: Codes
    n_records: Ints
    of_record: Ints

    def __len__(self) -> int:
        return len(self.source)


def collapse(fields: Sequence[Field], source: Codes) -> Nodes:
    """Make one node of all records of a source with the same values.

    Nodes are ordered by a hash of their values, so neither the order of the records
    nor their ids make a difference.
    """
    columns = [source, *(field.codes for field in fields)]
    order, is_first = _grouped(columns)
    of_sorted = np.cumsum(is_first) - 1
    of_record = np.empty(len(source), dtype=np.int64)
    of_record[order] = of_sorted
    first = order[is_first]
    return Nodes(
        tuple(
            Field(f.name, f.column, f.kind, f.codes[first], f.values) for f in fields
        ),
        source[first],
        np.bincount(of_record, minlength=len(first)),
        of_record,
    )


def _grouped(
    columns: Sequence[npt.NDArray[np.integer]],
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return an order that puts equal rows together, and where each group begins."""
    hashed = mix(columns)
    order = np.argsort(hashed, kind="stable")
    ordered = hashed[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    if any(((c[order][1:] != c[order][:-1]) & ~is_first[1:]).any() for c in columns):
        order = np.lexsort([*reversed(columns), hashed])
        is_first[1:] = np.any([c[order][1:] != c[order][:-1] for c in columns], axis=0)
    return order.astype(np.int64), is_first
