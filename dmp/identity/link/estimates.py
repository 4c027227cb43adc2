"""What can be said of a linkage without the truth, from its own probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmp.identity.link.comparing import Compared
from dmp.identity.link.hashing import Ints
from dmp.identity.link.patterns import Floats

_WIDEST = 40


@dataclass(frozen=True)
class Estimates:
    """A linkage in numbers; shares are expected values over the compared pairs.

    Attributes:
        precision: share of the joined pairs that are matches.
        recall: share of the matches among the compared pairs that are joined.
        weights: (bits, the lower edge of a bin one bit wide; pairs of records in it).
        sizes: (records in a cluster, clusters of that size).
    """

    precision: float
    recall: float
    weights: tuple[tuple[int, int], ...]
    sizes: tuple[tuple[int, int], ...]


def estimates(compared: Compared, weight: Floats, of_node: Ints) -> Estimates:
    """Estimate how good the clusters are, and count weights and sizes."""
    left, right = compared.pairs.left, compared.pairs.right
    chance = 1 / (1 + 2.0 ** -np.clip(weight, -_WIDEST, _WIDEST))
    joined = of_node[left] == of_node[right]
    found = float(chance[joined].sum())
    n_joined, n_true = int(joined.sum()), float(chance.sum())
    size = np.bincount(of_node, compared.nodes.n_records).astype(np.int64)
    return Estimates(
        found / n_joined if n_joined else 1.0,
        found / n_true if n_true else 1.0,
        _counted(np.floor(np.clip(weight, -_WIDEST, _WIDEST)).astype(np.int64)),
        _counted(size[size > 0]),
    )


def _counted(values: Ints) -> tuple[tuple[int, int], ...]:
    found, counts = np.unique(values, return_counts=True)
    return tuple(zip(found.tolist(), counts.tolist(), strict=True))
