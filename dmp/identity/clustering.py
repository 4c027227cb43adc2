"""Correlation clustering: records joined by the sum of evidence for and against.

The value of a clustering is the summed weight of the pairs that it puts together,
where a pair never compared counts `missing_bits`. Finding the greatest is NP-hard.
Only records joined by positive evidence can meet, so each of their components is done
on its own: the smallest by trying every partition, middling ones by greedy contraction
and the best single changes after it, large ones by rounds of contraction until they
fall into smaller ones, and by moves of single records after that.
Source: Bansal, Blum, Chawla 2004; Keuper et al. 2015; docs/adr/0004-clustering.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmp.identity.components import contracted
from dmp.identity.moves import moved
from dmp.identity.signed_graph import (
    Floats,
    Ints,
    SignedGraph,
    components,
    merged,
    restricted,
    signed_graph,
)

NO_LIMIT = 2**62
_MOST_PASSES = 5


@dataclass(frozen=True)
class Partition:
    """The cluster of each node, named by its smallest node.

    `refused` holds the pairs of clusters (by smallest node) that the evidence would
    join, into one of more records than were allowed.
    """

    label: Ints
    refused: list[tuple[int, int]]


def cluster(
    n_records: int,
    left: Ints,
    right: Ints,
    weight_bits: Floats,
    *,
    must: Ints | None = None,
    cannot: Ints | None = None,
    missing_bits: float = -1.0,
) -> Ints:
    """Return each record's cluster, named by its smallest record.

    The order and orientation of the pairs make no difference; ties go to finer
    clusters, then to smaller records. Rows of the same pair are added up, a pair of a
    record with itself is left out. A must-link that a cannot-link contradicts
    (`contradictions` names those) yields to it.

    Args:
        n_records: records are numbered from 0 to n_records - 1.
        left: one record of each compared pair.
        right: the other record of each compared pair.
        weight_bits: match weight (log2 odds, prior included); +inf is a must-link, -inf
            a cannot-link.
        must: pairs that belong together, `m x 2`.
        cannot: pairs that do not, `m x 2`.
        missing_bits: weight of a pair that was never compared, at most 0.
    """
    pairs = [(left, right, weight_bits, True)]
    for given, bits in ((must, np.inf), (cannot, -np.inf)):
        if given is not None and len(given):
            rows = np.asarray(given, dtype=np.int64).reshape(-1, 2)
            pairs.append((rows[:, 0], rows[:, 1], np.full(len(rows), bits), False))
    ones = np.ones(n_records, dtype=np.int64)
    return partition(signed_graph(ones, pairs, missing_bits)).label


def contradictions(n_records: int, must: Ints, cannot: Ints) -> Ints:
    """Return the rows of `cannot` whose two records must-links join, `m x 2`."""
    joined = components(n_records, must[:, 0], must[:, 1])
    return np.asarray(cannot[joined[cannot[:, 0]] == joined[cannot[:, 1]]])


def partition(graph: SignedGraph, *, most: int = NO_LIMIT) -> Partition:
    """Partition the nodes of a graph; no cluster has more than `most` records."""
    node, names, joined = _joined_by_must(graph, most)
    label = _partition(joined, most)
    clusters, place = np.unique(label, return_inverse=True)
    final = merged(joined, place, len(clusters))
    held = final.gain > 0
    refused = zip(
        names[clusters[final.left[held]]].tolist(),
        names[clusters[final.right[held]]].tolist(),
        strict=True,
    )
    return Partition(names[label[node]], list(refused))


def _joined_by_must(graph: SignedGraph, most: int) -> tuple[Ints, Ints, SignedGraph]:
    """Make one node of those that +inf joins, where no -inf parts any of them.

    Returns each node's new node, each new node's smallest old one, and the new graph.
    """
    must = np.isposinf(graph.bits)
    n = graph.n_nodes
    label = components(n, graph.left[must], graph.right[must])
    inner = label[graph.left] == label[graph.right]
    broken = label[graph.left[inner & np.isneginf(graph.bits)]]
    n_records = np.bincount(label, graph.count, minlength=n)
    keep_apart = np.isin(label, broken) | (n_records[label] > most)
    label = np.where(keep_apart, np.arange(n), label)
    names, node = np.unique(label, return_inverse=True)
    return node, names, merged(graph, node, len(names))


def _partition(graph: SignedGraph, most: int) -> Ints:
    """Contract; then move single nodes of large components and contract again."""
    label, is_large = contracted(graph, most)
    if not is_large.any():
        return label
    large = restricted(graph, is_large)
    nodes = np.flatnonzero(is_large)
    found = np.searchsorted(nodes, label[nodes])
    label[nodes] = nodes[_improved(large, found, most)]
    return label


def _improved(graph: SignedGraph, label: Ints, most: int) -> Ints:
    """Move and join in turn, each component until no clusters of it are joined more.

    What one component takes makes no difference to the others.
    """
    positive = graph.gain > 0
    part = components(graph.n_nodes, graph.left[positive], graph.right[positive])
    inside = np.arange(graph.n_nodes)
    for _ in range(_MOST_PASSES):
        chosen = np.isin(np.arange(graph.n_nodes), inside)
        local = restricted(graph, chosen)
        found = moved(local, np.searchsorted(inside, label[inside]), most=most)
        names, place = np.unique(found, return_inverse=True)
        joined, _ = contracted(merged(local, place, len(names)), most)
        label[inside] = inside[names[joined[place]]]
        inside = np.flatnonzero(np.isin(part, part[inside[joined[place] != place]]))
        if not len(inside):
            break
    return label
