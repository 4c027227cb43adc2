"""A hash of rows of whole numbers, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def mix(columns: Sequence[npt.NDArray[np.integer]]) -> Hashes:
    """Hash rows of whole numbers to 64 bits.

    Source: Steele, Lea & Flood 2014, the finaliser of SplitMix64.
    """
    state = np.full(len(columns[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for column in columns:
        state = state + column.astype(np.int64).view(np.uint64)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state
