"""Components of a signed graph, each contracted in the way that its size allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dmp.identity.contraction import Growth, contraction
from dmp.identity.partitions import (
    MOST_ENUMERATED,
    best_partitions,
    improved_partitions,
)
from dmp.identity.signed_graph import (
    Flags,
    Floats,
    Ints,
    SignedGraph,
    components,
    merged,
    restricted,
    starts,
)

MOST_DENSE = 64
_DENSE_CELLS = 4_000_000
_LEAST_JOINED = 0.05


def contracted(graph: SignedGraph, most: int) -> tuple[Ints, Flags]:
    """Join clusters until no two of them gain by it.

    A component of more than 64 nodes is contracted in rounds, in each of which every
    two clusters that are each other's best join, until it falls into smaller ones;
    once a round joins fewer than one node in twenty, greedily in exact order.

    Returns:
        For each node the smallest node of its cluster; and whether it was in a
        component too large for the thorough ways.
    """
    label = np.arange(graph.n_nodes)
    inside, place, name = label.copy(), label.copy(), label.copy()
    is_large = np.zeros(graph.n_nodes, dtype=np.bool_)
    while graph.n_nodes:
        cut = _cut(graph)
        found, is_done = _one_round(graph, cut, most)
        label[inside] = name[found[place]]
        is_large[inside] |= ~_is_small(graph, cut, most)[cut.part[place]]
        going = ~is_done[cut.part]
        names, node = np.unique(found[going], return_inverse=True)
        kept = going[place]
        position = np.cumsum(going) - 1
        inside, place = inside[kept], node[position[place[kept]]]
        graph = merged(restricted(graph, going), node, len(names))
        name = name[names]
    return label, is_large


@dataclass(frozen=True)
class _Cut:
    """A graph cut into the components of its positive gains.

    Attributes:
        gain: of each row of the graph.
        node: the nodes, component after component, ascending in each.
        start: where each component starts in `node`.
        k: nodes of each component.
        part: the component of each node.
        place: each node's place within its component.
        row: rows of evidence inside a component, component after component.
        row_start: where each component starts in `row`, and where the last ends.
    """

    gain: Floats
    node: Ints
    start: Ints
    k: Ints
    part: Ints
    place: Ints
    row: Ints
    row_start: Ints


def _cut(graph: SignedGraph) -> _Cut:
    n, gain = graph.n_nodes, graph.gain
    root = components(n, graph.left[gain > 0], graph.right[gain > 0])
    node = np.argsort(root, kind="stable")
    start = starts(root[node])
    k = np.diff(start, append=n)
    part, place = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    part[node] = np.repeat(np.arange(len(k)), k)
    place[node] = np.arange(n) - np.repeat(start, k)
    inner = np.flatnonzero(part[graph.left] == part[graph.right])
    row = inner[np.argsort(part[graph.left[inner]], kind="stable")]
    row_start = np.searchsorted(part[graph.left[row]], np.arange(len(k) + 1))
    return _Cut(gain, node, start, k, part, place, row, row_start)


def _is_small(graph: SignedGraph, cut: _Cut, most: int) -> Flags:
    """Say which components are joined whole, or small enough for the thorough ways."""
    return _is_whole(graph, cut, most) | _is_dense(graph, cut, most)


def _is_whole(graph: SignedGraph, cut: _Cut, most: int) -> Flags:
    """Say in which components every pair gains, and all records fit one cluster."""
    part = cut.part[graph.left[cut.row]]
    n_gains = np.bincount(part[cut.gain[cut.row] > 0], minlength=len(cut.k))
    n_records = np.bincount(cut.part, graph.count, minlength=len(cut.k))
    n_pairs = cut.k * (cut.k - 1) // 2
    return np.asarray((n_gains == n_pairs) & (n_records <= most))


def _is_dense(graph: SignedGraph, cut: _Cut, most: int) -> Flags:
    is_dense = cut.k <= MOST_DENSE
    is_dense &= np.bincount(cut.part, graph.count, minlength=len(cut.k)) <= most
    infinite = cut.row[np.isposinf(graph.bits[cut.row])]
    is_dense[cut.part[graph.left[infinite]]] = False
    return is_dense


def _one_round(graph: SignedGraph, cut: _Cut, most: int) -> tuple[Ints, Flags]:
    """Label each node after one step of each component; say which are done."""
    is_whole = _is_whole(graph, cut, most)
    is_dense = ~is_whole & _is_dense(graph, cut, most)
    label = np.where(is_whole[cut.part], cut.node[cut.start[cut.part]], 0)
    label = np.where(is_whole[cut.part], label, np.arange(graph.n_nodes))
    for chosen in _batches(cut, is_dense):
        _partition_dense(graph, cut, chosen, label)
    is_done = is_whole | is_dense
    if is_done.all():
        return label, is_done
    keep, gone = _mutually_best(graph, cut, ~is_done, most)
    n_joined = np.bincount(cut.part[gone], minlength=len(cut.k))
    is_slow = ~is_done & ((n_joined < _LEAST_JOINED * cut.k) | (cut.k <= MOST_DENSE))
    fast = ~is_slow[cut.part[gone]]
    label[gone[fast]] = keep[fast]
    for one in np.flatnonzero(is_slow):
        _contract(graph, cut, int(one), most, label)
    return label, is_done | is_slow


def _mutually_best(
    graph: SignedGraph, cut: _Cut, chosen: Flags, most: int
) -> tuple[Ints, Ints]:
    """Return the pairs of nodes that are each other's best, in the chosen components.

    Of equal gains the smaller neighbour is the better.
    """
    n = graph.n_nodes
    row = cut.row[cut.gain[cut.row] > 0]
    row = row[chosen[cut.part[graph.left[row]]]]
    row = row[graph.count[graph.left[row]] + graph.count[graph.right[row]] <= most]
    left, right, gain = graph.left[row], graph.right[row], cut.gain[row]
    best, near = np.zeros(n), np.full(n, n)
    for one in (left, right):
        np.maximum.at(best, one, gain)
    for one, other in ((left, right), (right, left)):
        is_best = gain == best[one]
        np.minimum.at(near, one[is_best], other[is_best])
    mutual = (near[left] == right) & (near[right] == left)
    return left[mutual], right[mutual]


def _batches(cut: _Cut, is_dense: Flags) -> Iterator[Ints]:
    """Yield components of one size, as many at once as the memory bound allows."""
    for k in np.unique(cut.k[is_dense]):
        chosen = np.flatnonzero(is_dense & (cut.k == k))
        each = int(k * k) if k > MOST_ENUMERATED else 1000
        step = max(1, _DENSE_CELLS // each)
        for begin in range(0, len(chosen), step):
            yield chosen[begin : begin + step]


def _partition_dense(graph: SignedGraph, cut: _Cut, chosen: Ints, label: Ints) -> None:
    """Label the nodes of components that are all of one size."""
    k = int(cut.k[chosen[0]])
    nodes = cut.node[cut.start[chosen][:, None] + np.arange(k)]
    size = graph.size[nodes]
    gains = graph.missing_bits * (size[:, :, None] * size[:, None, :])
    n_rows = cut.row_start[chosen + 1] - cut.row_start[chosen]
    which = np.repeat(np.arange(len(chosen)), n_rows)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
    row = cut.row[cut.row_start[chosen][which] + offset]
    left, right = cut.place[graph.left[row]], cut.place[graph.right[row]]
    gains[which, left, right] = gains[which, right, left] = cut.gain[row]
    best = best_partitions if k <= MOST_ENUMERATED else improved_partitions
    label[nodes] = np.take_along_axis(nodes, best(gains), axis=1)


def _contract(graph: SignedGraph, cut: _Cut, one: int, most: int, label: Ints) -> None:
    """Label the nodes of one component by contraction in exact order."""
    nodes = cut.node[cut.start[one] : cut.start[one] + cut.k[one]]
    row = cut.row[cut.row_start[one] : cut.row_start[one + 1]]
    edges = zip(
        cut.place[graph.left[row]].tolist(),
        cut.place[graph.right[row]].tolist(),
        graph.bits[row].tolist(),
        strict=True,
    )
    size, count = graph.size[nodes].tolist(), graph.count[nodes].tolist()
    growth = Growth(graph.missing_bits, most)
    label[nodes] = nodes[contraction(size, count, edges, growth).run()]
