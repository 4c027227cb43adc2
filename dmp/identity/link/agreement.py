"""How often pairs of records agree on one column when they agree on another.

Pairs are counted from the sizes of groups, never made: so all pairs of a file count,
and the order of its records makes no difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.hashing import Ints, mix

Codes = npt.NDArray[np.int32]

_MOST_ROWS = 60_000
_LEAST_PAIRS = 50.0
_SIGNS = r"[^\p{L}\p{N}]+"


@dataclass(frozen=True)
class Cells:
    """The columns of some records: number of each one's value, -1 where missing.

    Attributes:
        starts: the same by the first three signs of a value.
        ends: the same by its last word; by the last before a comma if there is one.
    """

    wholes: Mapping[str, Ints]
    starts: Mapping[str, Ints]
    ends: Mapping[str, Ints]

    def pairs_apart(self, same: Sequence[Ints], apart: Sequence[Ints]) -> float:
        """Count pairs that agree on all of `same` and on none of `apart`.

        Records that lack any of these values are left out.
        """
        used = [*same, *apart]
        known = np.logical_and.reduce([cells >= 0 for cells in used])
        return math.fsum(
            (-1) ** n * _agreeing([c[known] for c in (*same, *also)], int(known.sum()))
            for n in range(len(apart) + 1)
            for also in combinations(apart, n)
        )

    def lift(
        self, of: Ints, given: Ints, apart: Sequence[Ints], least: float = _LEAST_PAIRS
    ) -> float:
        """Return the agreement on `of` beyond chance among pairs that agree on `given`.

        As a share of what is possible, over pairs of different people: those that
        agree on none of `apart`. 0 where there are fewer than `least` such pairs.
        """
        known = np.logical_and.reduce([c >= 0 for c in (of, given, *apart)])
        of, given, *apart = (c[known] for c in (of, given, *apart))
        pairs = self.pairs_apart([given], apart)
        if pairs < least:
            return 0.0
        chance = self.pairs_apart([of], apart) / self.pairs_apart([], apart)
        found = self.pairs_apart([of, given], apart) / pairs
        return (found - chance) / max(1 - chance, 1e-9)


def _agreeing(columns: Sequence[Ints], n_rows: int) -> float:
    if not columns:
        return n_rows * (n_rows - 1) / 2
    ordered = np.sort(mix(columns))
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], n_rows > 0))
    counts = np.diff(ends, prepend=-1).astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


def cells(
    columns: Mapping[str, tuple[Codes, pa.Array]], by: str | None = None
) -> Cells:
    """Return the columns of all records, or of some where there are very many.

    Args:
        columns: name -> number of each record's value, and the values.
        by: the column by a hash of whose values records are chosen.
    """
    n = len(next(iter(columns.values()))[0])
    rows = np.arange(n)
    if by is not None and n > _MOST_ROWS:
        rows = _chosen(*columns[by], n // _MOST_ROWS + 1)
    numbered = {n: _numbered(codes[rows], v) for n, (codes, v) in columns.items()}
    wholes, starts, ends = (
        {name: forms[i] for name, forms in numbered.items()} for i in range(3)
    )
    return Cells(wholes, starts, ends)


def _chosen(codes: Codes, values: pa.Array, one_in: int) -> Ints:
    hashed = [crc32(str(v).encode()) % one_in == 0 for v in values.to_pylist()]
    return np.flatnonzero(np.append(np.array(hashed), False)[codes])


def _numbered(codes: Codes, values: pa.Array) -> list[Ints]:
    """Number values, their starts and their last words, whatever their case."""
    used, place = np.unique(codes, return_inverse=True)
    text = pc.utf8_lower(values.take(pa.array(used[used >= 0])).cast(pa.string()))
    plain = pc.replace_substring_regex(text, _SIGNS, "")
    last = pc.replace_substring_regex(text, r"(^[^,]+),.*$|^.* (\S+)$", r"\1\2")
    forms = plain, pc.utf8_slice_codeunits(plain, 0, 3), last
    none = np.full(int((used < 0).sum()), -1)
    return [
        np.append(none, np.asarray(form.dictionary_encode().indices))[place]
        for form in forms
    ]
