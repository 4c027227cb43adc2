"""How many nodes share each key: counted exactly, nearly, or in a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.identity.link.hashing import Ints

Flags = npt.NDArray[np.bool_]

SAMPLED = 100_000
"""Nodes whose blocks are counted to estimate how many pairs they give."""


@dataclass(frozen=True)
class BlockSizes:
    """The distinct keys in order, and how many nodes hold each; none is missing."""

    keys: Ints
    counts: Ints

    @classmethod
    def of(cls, keys: Ints) -> BlockSizes:
        """Count the keys of nodes; -1 is missing."""
        ordered = np.sort(keys[keys >= 0])
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        return cls(ordered[ends[: len(ordered)]], np.diff(ends, prepend=-1))

    def pairs(self, sizes: Sequence[int]) -> list[float]:
        """Return the pairs of the blocks up to each size."""
        return _pairs_up_to(self.counts, sizes)

    def at(self, keys: Ints) -> Ints:
        """Return the size of the block of each key, 0 where there is none."""
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.counts[place], 0)


@dataclass(frozen=True)
class NearBlockSizes:
    """Block sizes where keys are told apart by their last bits alone.

    To count so takes a quarter of the time that sorting takes, and some blocks seem a
    little larger than they are.

    Attributes:
        chance: pairs of different keys whose last bits are the same, about.
    """

    counts: Ints
    chance: float

    @classmethod
    def of(cls, keys: Ints) -> NearBlockSizes:
        """Count the keys of nodes; -1 is missing."""
        known = keys[keys >= 0]
        n = 1 << max(len(keys).bit_length() + 2, 10)
        counts = np.bincount(known & (n - 1), minlength=n)
        is_exact = bool(known.max(initial=0) < n)
        return cls(counts, 0.0 if is_exact else len(known) * (len(known) - 1) / 2 / n)

    def pairs(self, sizes: Sequence[int]) -> list[float]:
        """Return about how many pairs the blocks up to each size give."""
        made = _pairs_up_to(self.counts, sizes)
        return [max(pairs - self.chance, 1.0) for pairs in made]

    def at(self, keys: Ints) -> Ints:
        """Return the size of the block of each key that some node holds."""
        return np.asarray(self.counts[keys & (len(self.counts) - 1)])


@dataclass(frozen=True)
class SampledBlockSizes:
    """Block sizes among a sample, at most `SAMPLED` of `n_nodes` nodes.

    Blocks are as much smaller there; what `pairs` is asked and answers is of all nodes.
    """

    sample: BlockSizes
    share: float

    @classmethod
    def of(cls, keys: Ints, n_nodes: int) -> SampledBlockSizes:
        """Count the keys of the sample; -1 is missing."""
        return cls(BlockSizes.of(keys), n_nodes / max(len(keys), 1))

    def pairs(self, sizes: Sequence[int]) -> list[float]:
        """Return about how many pairs the blocks up to each size give."""
        smaller = [self.smaller(size) for size in sizes]
        return [pairs * self.share**2 for pairs in self.sample.pairs(smaller)]

    def smaller(self, size: int) -> int:
        """Return about how much of a block of a size is in the sample."""
        return max(round(size / self.share), 2)


def _pairs_up_to(counts: Ints, sizes: Sequence[int]) -> list[float]:
    """Return the pairs of blocks of these counts, of those up to each size."""
    blocks = np.bincount(counts)
    n = np.arange(len(blocks), dtype=np.float64)
    made = np.append(0.0, np.cumsum(blocks * n * (n - 1) / 2))
    return [float(made[min(size + 1, len(blocks))]) for size in sizes]
