"""Local search: records moved one by one between clusters while the value grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmp.identity.signed_graph import (
    Flags,
    Floats,
    Ints,
    SignedGraph,
    starts,
    sum_runs,
)

_SAME_BITS = 1e-9
_MOST_ROUNDS = 50


def moved(graph: SignedGraph, label: Ints, *, most: int) -> Ints:
    """Return a clustering of no less value, its nodes moved to where they gain most.

    A node moves to a neighbouring cluster or to one of its own. In a round each
    cluster takes part in one move at most, the one that gains most, so that gains add
    up; after 50 rounds what is reached stands.

    Args:
        label: each node's cluster, named by any of the nodes.
        most: no cluster grows beyond so many records.
    """
    arcs = _arcs(graph)
    label = _named_by_smallest(label)
    active = np.ones(graph.n_nodes, dtype=np.bool_)
    for _ in range(_MOST_ROUNDS):
        found = _independent(_best_moves(graph, arcs, label, active, most), label)
        if not len(found.node):
            break
        touched = np.zeros(2 * graph.n_nodes, dtype=np.bool_)
        touched[label[found.node]] = touched[found.into] = True
        label[found.node] = found.into
        active = _near(arcs, touched[label])
        label = _named_by_smallest(label)
    return label


def _named_by_smallest(label: Ints) -> Ints:
    """Name each cluster by its smallest node; numbers below 2 n come in."""
    name = np.full(2 * len(label), len(label), dtype=np.int64)
    np.minimum.at(name, label, np.arange(len(label)))
    return name[label]


@dataclass(frozen=True)
class _Arcs:
    """Every pair both ways round, sorted by `tail`."""

    tail: Ints
    head: Ints
    bits: Floats


@dataclass(frozen=True)
class _Moves:
    """At most one move a node: what it gains, and into which cluster."""

    node: Ints
    into: Ints
    bits: Floats


def _arcs(graph: SignedGraph) -> _Arcs:
    tail = np.concatenate([graph.left, graph.right])
    order = np.argsort(tail, kind="stable")
    head = np.concatenate([graph.right, graph.left])[order]
    return _Arcs(tail[order], head, np.concatenate([graph.bits, graph.bits])[order])


def _near(arcs: _Arcs, chosen: Flags) -> Flags:
    """Mark the chosen nodes and their neighbours."""
    near = chosen.copy()
    near[arcs.head[chosen[arcs.tail]]] = True
    return near


def _best_moves(
    graph: SignedGraph, arcs: _Arcs, label: Ints, active: Flags, most: int
) -> _Moves:
    n = graph.n_nodes
    size = np.bincount(label, graph.size, minlength=n)
    count = np.bincount(label, graph.count, minlength=n)
    node, into, bits = _evidence_by_cluster(arcs, label, active, n)
    is_own = into == label[node]
    bits = bits + graph.missing_bits * graph.size[node] * (
        size[into] - np.where(is_own, graph.size[node], 0)
    )
    own = graph.missing_bits * graph.size * (size[label] - graph.size)
    own[node[is_own]] = bits[is_own]
    away = np.flatnonzero(active & (count[label] > graph.count))
    empty = np.where(label[away] == away, n + away, away)
    fits = ~is_own & (count[into] + graph.count[node] <= most)
    node = np.concatenate([node[fits], away])
    into = np.concatenate([into[fits], empty])
    gained = np.concatenate([bits[fits], np.zeros(len(away))])
    with np.errstate(invalid="ignore"):
        gained = gained - own[node]
    return _best_by_node(node, into, gained)


def _evidence_by_cluster(
    arcs: _Arcs, label: Ints, active: Flags, n: int
) -> tuple[Ints, Ints, Floats]:
    """Sum the evidence between each active node and each cluster near it."""
    chosen = active[arcs.tail]
    key = arcs.tail[chosen] * n + label[arcs.head[chosen]]
    order = np.argsort(key, kind="stable")
    start = starts(key[order])
    node, into = np.divmod(key[order][start], max(n, 1))
    return node, into, sum_runs(arcs.bits[chosen][order], start)


def _best_by_node(node: Ints, into: Ints, gained: Floats) -> _Moves:
    better = gained > _SAME_BITS
    node, into, gained = node[better], into[better], gained[better]
    order = np.lexsort((into, -gained, node))
    first = order[starts(node[order])]
    return _Moves(node[first], into[first], gained[first])


def _independent(moves: _Moves, label: Ints) -> _Moves:
    """Keep the moves that are the best of both clusters they touch."""
    rank = np.empty(len(moves.node), dtype=np.int64)
    rank[np.lexsort((moves.node, -moves.bits))] = np.arange(len(moves.node))
    least = np.full(2 * len(label), len(rank), dtype=np.int64)
    np.minimum.at(least, label[moves.node], rank)
    np.minimum.at(least, moves.into, rank)
    kept = (least[label[moves.node]] == rank) & (least[moves.into] == rank)
    return _Moves(moves.node[kept], moves.into[kept], moves.bits[kept])
