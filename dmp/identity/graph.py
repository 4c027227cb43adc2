"""Clusters by evidence: correlation clustering over signed match weights.

Greedy additive edge contraction: the two clusters with the greatest summed weight
between them are joined first, and their weights to all others are added up, so that
evidence against counts as much as evidence for. Connected components would join two
households over one wrong edge.
Source: Keuper et al. 2015, "Efficient decomposition of image and mesh graphs by lifted
multicuts" (GAEC); docs/adr/0004-clustering.md.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

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
    """Signed evidence between nodes numbered from 0; at most one row a pair.

    `weight` in bits; +inf joins and -inf parts, whatever else is said. `is_compared`
    marks the pairs that the linkage model scored.
    """

    left: Ints
    right: Ints
    weight: Floats
    is_compared: Flags

    def __len__(self) -> int:
        return len(self.left)


@dataclass
class Clustering:
    """The cluster of each node, named by its smallest node, and what was held back.

    `refused` holds the pairs of clusters (by smallest node) whose join a guard rail
    refused though the evidence was for it.
    """

    label: Ints
    refused: list[tuple[int, int]] = field(default_factory=list)


def cluster(
    n_nodes: int, edges: Edges, comparable: Flags, limits: Limits
) -> Clustering:
    """Partition the nodes; the order of the edges makes no difference.

    Only nodes joined by positive edges can meet, so each of their components is done
    on its own. Ties are broken by the smaller nodes. A cannot-link wins over every
    sum of evidence, and over a must-link that came by way of others.
    """
    component = _components(n_nodes, edges)
    result = Clustering(np.arange(n_nodes, dtype=np.int64))
    for nodes, rows in _by_component(component, edges):
        if len(nodes) > 1:
            _contract(nodes, rows, edges, comparable, limits, result)
    return result


def components(n_nodes: int, left: Ints, right: Ints) -> Ints:
    """Return for each node the smallest node of its connected component."""
    ones = np.ones(len(left), dtype=np.int8)
    matrix = coo_matrix((ones, (left, right)), shape=(n_nodes, n_nodes))
    _, label = connected_components(matrix, directed=False)
    smallest = np.full(label.max(initial=-1) + 1, n_nodes, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(n_nodes))
    return np.asarray(smallest[label], dtype=np.int64)


def _components(n_nodes: int, edges: Edges) -> Ints:
    positive = edges.weight > 0
    return components(n_nodes, edges.left[positive], edges.right[positive])


def _by_component(component: Ints, edges: Edges) -> Iterator[tuple[Ints, Ints]]:
    """Yield the nodes and the inner edge rows of each component with an edge."""
    inner = np.flatnonzero(component[edges.left] == component[edges.right])
    if not len(inner):
        return
    order = inner[np.argsort(component[edges.left[inner]], kind="stable")]
    roots, starts = np.unique(component[edges.left[order]], return_index=True)
    nodes = np.argsort(component, kind="stable")
    bounds = np.searchsorted(component[nodes], roots)
    ends = np.searchsorted(component[nodes], roots, side="right")
    stops = np.append(starts[1:], len(order))
    for begin, end, start, stop in zip(bounds, ends, starts, stops, strict=True):
        yield nodes[begin:end], order[start:stop]


def _contract(
    nodes: Ints,
    rows: Ints,
    edges: Edges,
    comparable: Flags,
    limits: Limits,
    result: Clustering,
) -> None:
    graph = _Contraction(nodes.tolist(), comparable, limits)
    for left, right, weight, compared in zip(
        edges.left[rows].tolist(),
        edges.right[rows].tolist(),
        edges.weight[rows].tolist(),
        edges.is_compared[rows].tolist(),
        strict=True,
    ):
        graph.add(left, right, weight, compared)
    graph.run()
    for root, members in graph.members.items():
        result.label[members] = root
    result.refused.extend(graph.refused)


class _Contraction:
    """One component while its clusters are being joined."""

    def __init__(self, nodes: Sequence[int], comparable: Flags, limits: Limits) -> None:
        self.members: dict[int, list[int]] = {node: [node] for node in nodes}
        self.refused: list[tuple[int, int]] = []
        self._limits = limits
        self._records = {node: int(comparable[node]) for node in nodes}
        self._near: dict[int, dict[int, tuple[float, int]]] = {n: {} for n in nodes}
        self._queue: list[tuple[float, int, int]] = []

    def add(self, left: int, right: int, weight: float, compared: bool) -> None:
        self._near[left][right] = self._near[right][left] = (weight, int(compared))

    def run(self) -> None:
        for left, near in self._near.items():
            for right in near:
                if left < right:
                    self._offer(left, right)
        heapq.heapify(self._queue)
        while self._queue:
            negative, left, right = heapq.heappop(self._queue)
            if self._is_current(left, right, -negative):
                self._join(left, right)

    def _gain(self, left: int, right: int) -> float:
        weight, compared = self._near[left][right]
        pairs = self._records[left] * self._records[right]
        return weight - self._limits.uncompared_penalty * max(pairs - compared, 0)

    def _offer(self, left: int, right: int) -> None:
        gain = self._gain(left, right)
        if gain > 0:
            heapq.heappush(self._queue, (-gain, min(left, right), max(left, right)))

    def _is_current(self, left: int, right: int, gain: float) -> bool:
        return right in self._near.get(left, {}) and self._gain(left, right) == gain

    def _join(self, left: int, right: int) -> None:
        if len(self.members[left]) + len(self.members[right]) > self._limits.max_nodes:
            self.refused.append((left, right))
            return
        keep, gone = min(left, right), max(left, right)
        self.members[keep] += self.members.pop(gone)
        self._records[keep] += self._records.pop(gone)
        near, others = self._near[keep], self._near.pop(gone)
        del near[gone]
        for other, (weight, compared) in others.items():
            if other == keep:
                continue
            before, n_before = near.get(other, (0.0, 0))
            total = (_sum(before, weight), n_before + compared)
            near[other] = self._near[other][keep] = total
            del self._near[other][gone]
        for other in near:
            self._offer(keep, other)


def _sum(one: float, other: float) -> float:
    """Add two weights; a cannot-link absorbs everything, then a must-link does."""
    return -np.inf if -np.inf in (one, other) else one + other
