"""A field: one thing known of each record, as numbers into a sorted list of values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.columns import Kind

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Field:
    """One thing known of each record.

    Attributes:
        name: the column's name, with the part taken from it after a colon.
        codes: for each record the place of its value in `values`, -1 where missing.
        values: the distinct normal forms, sorted.
    """

    name: str
    column: str
    kind: Kind
    codes: Codes
    values: pa.Array


def numbered(
    name: str, column: str, kind: Kind, codes: Codes, normal: pa.ChunkedArray
) -> Field:
    """Number the normal forms in sorted order and translate the codes of the raw."""
    encoded = normal.combine_chunks().dictionary_encode()
    order = np.asarray(pc.sort_indices(encoded.dictionary))
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    forms = rank[np.asarray(pc.fill_null(encoded.indices, -1))]
    translated = np.where(codes >= 0, forms[codes], -1).astype(np.int32)
    return Field(name, column, kind, translated, encoded.dictionary.take(order))
