"""Pairwise scores of clusters over all true pairs, with intervals by entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

N_RESAMPLES = 300
_SEED = 7


@dataclass(frozen=True)
class PairCounts:
    """Pairs by entity, so that entities can be resampled.

    Attributes:
        true: pairs of one entity's records.
        found: those of them that share a cluster.
        joined: pairs that share a cluster; one of two entities counts half for each.
    """

    true: Floats
    found: Floats
    joined: Floats

    def of(self, entities: Flags) -> PairCounts:
        """Return the counts of some entities."""
        parts = (self.true, self.found, self.joined)
        return PairCounts(*(part[entities] for part in parts))

    def f1(self, weight: Floats) -> float:
        """Return F1 with each entity counted as often as its weight says."""
        whole = float((self.true + self.joined) @ weight)
        return 2 * float(self.found @ weight) / whole if whole else 1.0

    @property
    def precision(self) -> float:
        """Share of joined pairs that are true; 1 where none are joined."""
        return float(self.found.sum() / self.joined.sum()) if self.joined.any() else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that are joined; 1 where none are true."""
        return float(self.found.sum() / self.true.sum()) if self.true.any() else 1.0

    @property
    def cluster_f1(self) -> float:
        """Pairwise F1 of the final clusters over all true pairs."""
        return self.f1(np.ones(len(self.true)))


def pair_counts(cluster: Ints, entity: Ints) -> PairCounts:
    """Count pairs by entity; both name a record's group by numbers from 0."""
    n = int(entity.max(initial=-1)) + 1
    n_clusters = int(cluster.max(initial=-1)) + 1
    size_e = np.bincount(entity, minlength=n).astype(np.float64)
    size_c = np.bincount(cluster, minlength=n_clusters).astype(np.float64)
    cells, both = np.unique(entity * n_clusters + cluster, return_counts=True)
    owner, group = np.divmod(cells, n_clusters)
    found = np.bincount(owner, both * (both - 1) / 2, minlength=n)
    across = np.bincount(owner, both * (size_c[group] - both) / 2, minlength=n)
    true = size_e * (size_e - 1) / 2
    return PairCounts(true, found.astype(np.float64), found + across)


def interval(counts: PairCounts) -> tuple[float, float]:
    """Return the 95 % interval of cluster F1, by resampling entities."""
    values = [counts.f1(weight) for weight in _resamples(len(counts.true))]
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def least_gain(ours: PairCounts, theirs: PairCounts) -> float:
    """Return the 2.5 % quantile of ours less theirs over the same resamples."""
    gains = [
        ours.f1(weight) - theirs.f1(weight) for weight in _resamples(len(ours.true))
    ]
    return float(np.quantile(gains, 0.025))


def _resamples(n: int) -> Sequence[Floats]:
    chance = np.random.default_rng(_SEED)
    return [
        np.bincount(chance.integers(0, n, n), minlength=n).astype(np.float64)
        for _ in range(N_RESAMPLES)
    ]
