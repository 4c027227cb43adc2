"""Bridges: pairs whose evidence alone holds two parts of a cluster together."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order

from dmp.identity.signed_graph import Ints, components

_SEED = 1


def held_alone(n_nodes: int, left: Ints, right: Ints) -> Ints:
    """Return for each pair how many nodes its loss alone would part from the rest.

    Those of the smaller part; 0 where other pairs would still connect them. Each
    unordered pair stands once. Every pair that is not in a spanning tree gets a random
    number; a step of the tree is a bridge if the numbers of all pairs that leave its
    far side cancel out. That they do by chance has a probability of 2**-64.
    Source: Pritchard & Thurimella 2011, "Fast computation of small cuts via cycle
    space sampling".
    """
    part = components(n_nodes, left, right)
    parent, depth = _tree(n_nodes, left, right, part)
    is_step = (parent[left] == right) | (parent[right] == left)
    leaving = np.zeros(n_nodes + 1, dtype=np.uint64)
    marks = np.random.default_rng(_SEED).integers(0, 2**64, len(left), np.uint64)
    for side in (left, right):
        np.bitwise_xor.at(leaving, side[~is_step], marks[~is_step])
    size = np.ones(n_nodes + 1, dtype=np.int64)
    by_depth = np.argsort(depth, kind="stable")
    ends = np.searchsorted(depth[by_depth], np.arange(depth.max(initial=0) + 2))
    for level in range(len(ends) - 2, 1, -1):
        nodes = by_depth[ends[level] : ends[level + 1]]
        np.bitwise_xor.at(leaving, parent[nodes], leaving[nodes])
        np.add.at(size, parent[nodes], size[nodes])
    below = np.where(parent[left] == right, left, right)
    whole = np.bincount(part, minlength=n_nodes)[part[below]]
    smaller = np.minimum(size[below], whole - size[below])
    return np.where(is_step & (leaving[below] == 0), smaller, 0)


def _tree(n_nodes: int, left: Ints, right: Ints, part: Ints) -> tuple[Ints, Ints]:
    """Return each node's parent in a spanning tree, and its depth; roots have depth 1.

    A node more, numbered `n_nodes`, is the parent of the smallest of each component.
    """
    roots = np.unique(part)
    one = np.concatenate([left, np.full(len(roots), n_nodes)])
    other = np.concatenate([right, roots])
    shape = (n_nodes + 1, n_nodes + 1)
    matrix = coo_matrix((np.ones(len(one), dtype=np.int8), (one, other)), shape=shape)
    _, found = breadth_first_order(matrix.tocsr(), n_nodes, directed=False)
    parent = found.astype(np.int64)
    parent[n_nodes] = n_nodes
    depth = np.zeros(n_nodes + 1, dtype=np.int64)
    above = np.arange(n_nodes + 1)
    while (above != n_nodes).any():
        depth[above != n_nodes] += 1
        above = parent[above]
    return parent, depth
