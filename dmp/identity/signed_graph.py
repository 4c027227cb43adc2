"""Signed graphs: evidence for and against each pair of records or of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SignedGraph:
    """Nodes numbered from 0, each standing for records; one row an unordered pair.

    Attributes:
        size: for each node how many comparable records it stands for.
        count: for each node how many records it stands for.
        left: the pair's smaller node.
        right: the pair's greater node.
        bits: evidence, summed over the compared pairs of records, of each pair's
            weight less `missing_bits`; +inf joins, -inf parts.
        missing_bits: what each pair of comparable records counts if nothing is known
            of it, at most 0.
    """

    size: Ints
    count: Ints
    left: Ints
    right: Ints
    bits: Floats
    missing_bits: float

    @property
    def n_nodes(self) -> int:
        """How many nodes there are, with or without evidence."""
        return len(self.size)

    @property
    def gain(self) -> Floats:
        """What joining the two nodes of each pair gains, in bits."""
        pairs = self.size[self.left] * self.size[self.right]
        return np.asarray(self.bits + self.missing_bits * pairs, dtype=np.float64)


def signed_graph(
    size: Ints,
    pairs: Sequence[tuple[Ints, Ints, Floats, bool | Flags]],
    missing_bits: float,
) -> SignedGraph:
    """Gather rows of (left, right, weight in bits, was it compared) into a graph.

    Rows of the same pair are added up, whichever way round and in whatever order they
    come; a row of a node with itself is left out. A pair that any row calls compared
    does not count as missing.
    """
    n = len(size)
    left = np.concatenate([np.minimum(one, other) for one, other, _, _ in pairs])
    right = np.concatenate([np.maximum(one, other) for one, other, _, _ in pairs])
    bits = np.concatenate([weight for _, _, weight, _ in pairs]).astype(np.float64)
    compared = np.concatenate([np.broadcast_to(c, len(w)) for _, _, w, c in pairs])
    key = left.astype(np.int64) * n + right
    order = np.flatnonzero(left != right)
    order = order[np.lexsort((bits[order], key[order]))]
    start = starts(key[order])
    left, right = np.divmod(key[order][start], max(n, 1))
    known = or_runs(compared[order], start) & (size[left] > 0) & (size[right] > 0)
    return SignedGraph(
        size=size,
        count=np.ones(n, dtype=np.int64),
        left=left,
        right=right,
        bits=sum_runs(bits[order], start) - missing_bits * known,
        missing_bits=missing_bits,
    )


def merged(graph: SignedGraph, node: Ints, n_nodes: int) -> SignedGraph:
    """Return the graph whose nodes are clusters: old node i is now `node[i]`.

    Evidence inside a new node is dropped.
    """
    one, other = node[graph.left], node[graph.right]
    key = np.minimum(one, other) * n_nodes + np.maximum(one, other)
    order = np.flatnonzero(one != other)
    order = order[np.argsort(key[order], kind="stable")]
    start = starts(key[order])
    left, right = np.divmod(key[order][start], max(n_nodes, 1))
    return SignedGraph(
        size=np.bincount(node, graph.size, minlength=n_nodes).astype(np.int64),
        count=np.bincount(node, graph.count, minlength=n_nodes).astype(np.int64),
        left=left,
        right=right,
        bits=sum_runs(graph.bits[order], start),
        missing_bits=graph.missing_bits,
    )


def restricted(graph: SignedGraph, kept: Flags) -> SignedGraph:
    """Return the graph of the kept nodes alone, numbered anew in the same order."""
    place = np.cumsum(kept) - 1
    inner = kept[graph.left] & kept[graph.right]
    return SignedGraph(
        size=graph.size[kept],
        count=graph.count[kept],
        left=place[graph.left[inner]],
        right=place[graph.right[inner]],
        bits=graph.bits[inner],
        missing_bits=graph.missing_bits,
    )


def components(n_nodes: int, left: Ints, right: Ints) -> Ints:
    """Return for each node the smallest node of its connected component."""
    ones = np.ones(len(left), dtype=np.int8)
    matrix = coo_matrix((ones, (left, right)), shape=(n_nodes, n_nodes))
    _, label = connected_components(matrix, directed=False)
    smallest = np.full(label.max(initial=-1) + 1, n_nodes, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(n_nodes))
    return np.asarray(smallest[label], dtype=np.int64)


def starts(key: Ints) -> Ints:
    """Where each run of equal keys starts, in sorted keys from 0 upwards."""
    return np.flatnonzero(np.diff(key, prepend=-1))


def sum_runs(bits: Floats, start: Ints) -> Floats:
    """Add up each run; -inf absorbs everything, then +inf does."""
    if len(start) == len(bits):
        return bits
    with np.errstate(invalid="ignore"):
        total = np.add.reduceat(bits, start)
    return np.where(or_runs(np.isneginf(bits), start), -np.inf, total)


def or_runs(flags: Flags, start: Ints) -> Flags:
    """Say of each run whether any of it is true."""
    if len(start) == len(flags):
        return flags
    return np.asarray(np.logical_or.reduceat(flags, start), dtype=np.bool_)
