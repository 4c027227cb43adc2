"""Clusters of subjects by evidence: correlation clustering with guard rails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.identity.clustering import Partition, partition
from dmp.identity.signed_graph import components, signed_graph

__all__ = ["Edges", "Limits", "Partition", "cluster", "components"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """Guard rails on whole clusters.

    Attributes:
        uncompared_penalty: bits that each never-compared pair of comparable nodes
            costs when two clusters join.
        max_nodes: a join that would make a larger cluster is refused.
    """

    uncompared_penalty: float = 1.0
    max_nodes: int = 200


@dataclass(frozen=True)
class Edges:
    """Signed evidence between nodes numbered from 0.

    `weight` in bits; +inf joins and -inf parts, whatever else is said. `is_compared`
    marks the pairs that the linkage model scored.
    """

    left: Ints
    right: Ints
    weight: Floats
    is_compared: Flags

    def __len__(self) -> int:
        return len(self.left)


def cluster(n_nodes: int, edges: Edges, comparable: Flags, limits: Limits) -> Partition:
    """Partition the nodes; the order of the edges makes no difference.

    A cannot-link wins over every sum of evidence, and over a must-link that came by
    way of others.
    """
    graph = signed_graph(
        comparable.astype(np.int64),
        [(edges.left, edges.right, edges.weight, edges.is_compared)],
        -limits.uncompared_penalty,
    )
    return partition(graph, most=limits.max_nodes)
