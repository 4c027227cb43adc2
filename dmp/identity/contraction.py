"""Greedy additive edge contraction of one large sparse graph.

The two clusters with the greatest gain between them are joined first. The gain of two
clusters is the evidence between them plus `missing_bits` for each pair of their
records; so evidence here is counted beyond `missing_bits` (weight - missing_bits).
Source: Keuper et al. 2015, "Efficient decomposition of image and mesh graphs by lifted
multicuts" (GAEC).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_INF = float("inf")


@dataclass(frozen=True)
class Growth:
    """What bounds the clusters.

    Attributes:
        missing_bits: what each pair of comparable records adds, at most 0.
        most: a join that would make a cluster of more records is refused.
    """

    missing_bits: float
    most: int


@dataclass
class Contraction:
    """Clusters of one graph while they are being joined; nodes numbered from 0.

    Attributes:
        size: comparable records of each cluster.
        count: records of each cluster.
        evidence: for each cluster its neighbours' evidence, -inf where parted.
        growth: what bounds the clusters.
    """

    size: list[int]
    count: list[int]
    evidence: list[dict[int, float]]
    growth: Growth

    def __post_init__(self) -> None:
        n = len(self.size)
        self._name = list(range(n))
        self._into = list(range(n))
        self._queue: list[tuple[float, int, int, int, int]] = []

    def run(self) -> list[int]:
        """Join while a join gains; return each node's cluster by its smallest node.

        Work grows with edges times the logarithm of nodes: the smaller neighbourhood
        is always merged into the larger, and a gain that only fell as clusters grew
        is looked at again when its turn comes.
        """
        for one, near in enumerate(self.evidence):
            for other in near:
                if one < other:
                    self._offer(one, other)
        while self._queue:
            negative, _, _, one, other = heapq.heappop(self._queue)
            if other not in self.evidence[one]:
                continue
            gain = self._gain(one, other)
            if gain == -negative:
                self._join(one, other)
            elif gain < -negative:
                self._offer(one, other)
        return [self._name[self._find(node)] for node in range(len(self.size))]

    def _gain(self, one: int, other: int) -> float:
        pairs = self.size[one] * self.size[other]
        return self.evidence[one][other] + self.growth.missing_bits * pairs

    def _offer(self, one: int, other: int) -> None:
        gain = self._gain(one, other)
        if gain > 0:
            low, high = sorted((self._name[one], self._name[other]))
            heapq.heappush(self._queue, (-gain, low, high, one, other))

    def _join(self, one: int, other: int) -> None:
        if self.count[one] + self.count[other] > self.growth.most:
            return
        keep, gone = self._by_degree(one, other)
        self._into[gone] = keep
        self._name[keep] = min(self._name[keep], self._name[gone])
        self.size[keep] += self.size[gone]
        self.count[keep] += self.count[gone]
        self._move_evidence(keep, gone)

    def _by_degree(self, one: int, other: int) -> tuple[int, int]:
        def order(cluster: int) -> tuple[int, int]:
            return -len(self.evidence[cluster]), self._name[cluster]

        return (one, other) if order(one) < order(other) else (other, one)

    def _move_evidence(self, keep: int, gone: int) -> None:
        near, others = self.evidence[keep], self.evidence[gone]
        self.evidence[gone] = {}
        del near[gone], others[keep]
        for other, bits in others.items():
            del self.evidence[other][gone]
            total = added(near.get(other, 0.0), bits)
            near[other] = self.evidence[other][keep] = total
            self._offer(keep, other)

    def _find(self, node: int) -> int:
        path = []
        while self._into[node] != node:
            path.append(node)
            node = self._into[node]
        for step in path:
            self._into[step] = node
        return node


def added(one: float, other: float) -> float:
    """Add evidence; what parts absorbs everything, then what joins does."""
    return -_INF if -_INF in (one, other) else one + other


def contraction(
    size: Sequence[int],
    count: Sequence[int],
    edges: Iterable[tuple[int, int, float]],
    growth: Growth,
) -> Contraction:
    """Set up a contraction; each unordered pair of nodes at most once in `edges`."""
    evidence: list[dict[int, float]] = [{} for _ in size]
    for left, right, bits in edges:
        evidence[left][right] = evidence[right][left] = bits
    return Contraction(list(size), list(count), evidence, growth)
