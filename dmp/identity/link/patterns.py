"""Patterns: the distinct comparison vectors, each with how many pairs show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.identity.link.hashing import Ints
from dmp.identity.link.vectors import Comparison, Levels

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Patterns:
    """Distinct rows of levels and of a few further numbers.

    Attributes:
        levels: one row a pattern, one column a comparison.
        extra: what else tells patterns apart, such as the rules that gave the pair.
        counts: pairs of each pattern.
        of_pair: pattern of each pair.
    """

    levels: Levels
    extra: Ints
    counts: Floats
    of_pair: Ints


def aggregate(levels: Levels, compared: Sequence[Comparison], extra: Ints) -> Patterns:
    """Count the pairs of each distinct vector; `extra` is told apart as well."""
    code = np.unique(extra, return_inverse=True)[1].astype(np.int64)
    size = int(code.max(initial=0)) + 1
    for place, comparison in enumerate(compared):
        base = comparison.n_levels + 1
        if size > 2**62 // base:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
            size = int(code.max(initial=0)) + 1
        code = code * base + (levels[:, place].astype(np.int64) + 1)
        size *= base
    _, first, inverse, counts = np.unique(
        code, return_index=True, return_inverse=True, return_counts=True
    )
    return Patterns(
        np.asfortranarray(levels[first]),
        extra[first],
        counts.astype(np.float64),
        inverse,
    )
