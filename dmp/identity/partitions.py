"""The best partitions of many small graphs at once, each given as a dense matrix.

A graph of `k` nodes is a symmetric `k x k` matrix of what joining each pair gains, in
bits; -inf parts a pair for good; the diagonal is ignored. The value of a partition is
the sum over the pairs that it puts together.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_ENUMERATED = 7
_SAME_BITS = 1e-9


def best_partitions(gains: Floats) -> Ints:
    """Return the partition of greatest value, by trying all of them.

    Of partitions within 1e-9 bits of each other the finest, then the first, is taken.

    Args:
        gains: `n x k x k` for n graphs of k nodes, k from 1 to 7 (877 partitions).

    Returns:
        `n x k`: for each node the smallest node of its cluster.
    """
    labels, together = _all_partitions(gains.shape[1])
    left, right = np.triu_indices(gains.shape[1], 1)
    pairs = gains[:, left, right]
    parted = np.isneginf(pairs)
    values = np.where(parted, 0.0, pairs) @ together
    values[(parted.astype(np.float64) @ together) > 0] = -np.inf
    best = values.max(axis=1, keepdims=True)
    found: Ints = labels[np.argmax(values >= best - _SAME_BITS, axis=1)]
    return found


def improved_partitions(gains: Floats) -> Ints:
    """Return a partition that no move of a node and no join of clusters makes better.

    Greedy contraction first, then the best single change again and again.

    Args:
        gains: `n x k x k` for n graphs of k nodes.

    Returns:
        `n x k`: for each node the smallest node of its cluster.
    Source: Keuper et al. 2015 (greedy additive edge contraction, then moves).
    """
    label = contracted_partitions(gains)
    active = np.arange(len(gains))
    while len(active):
        moved, changed = _best_change(gains[active], label[active])
        label[active] = moved
        active = active[changed]
    return _named_by_smallest(label)


def contracted_partitions(gains: Floats) -> Ints:
    """Join the two clusters of greatest summed gain while any gain is positive.

    Ties go to the smaller nodes. Shapes are those of `best_partitions`.
    """
    n, k = gains.shape[:2]
    label = np.tile(np.arange(k), (n, 1))
    work = gains.copy()
    work[:, np.arange(k), np.arange(k)] = -np.inf
    active = np.arange(n)
    while len(active):
        flat = work.reshape(len(work), -1)
        first = flat.argmax(axis=1)
        going = flat[np.arange(len(flat)), first] > 0
        active, work, first = active[going], work[going], first[going]
        keep, gone = np.divmod(first, k)
        _join(work, keep, gone)
        rows = label[active]
        label[active] = np.where(rows == gone[:, None], keep[:, None], rows)
    return label


def _join(work: Floats, keep: Ints, gone: Ints) -> None:
    """Add each graph's row and column `gone` to `keep`, then close `gone`."""
    at = np.arange(len(work))
    total = work[at, keep] + work[at, gone]
    total[at, keep] = -np.inf
    work[at, keep] = total
    work[at, :, keep] = total
    work[at, gone] = -np.inf
    work[at, :, gone] = -np.inf


def _best_change(gains: Floats, label: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Apply to each graph the one change that gains most; say which were changed."""
    n, k = label.shape
    at = np.arange(n)
    finite, parted = _finite(gains)
    member = (label[:, :, None] == np.arange(k)).astype(np.float64)
    to_cluster = finite @ member
    own = to_cluster[at[:, None], np.arange(k), label]
    move = to_cluster - own[:, :, None]
    move[(parted @ member) > 0] = -np.inf
    join = np.swapaxes(member, 1, 2) @ to_cluster
    join[(np.swapaxes(member, 1, 2) @ parted @ member) > 0] = -np.inf
    join[:, np.arange(k), np.arange(k)] = -np.inf
    both = np.concatenate([move.reshape(n, -1), join.reshape(n, -1)], axis=1)
    best = both.max(axis=1)
    choice = np.argmax(both >= best[:, None] - _SAME_BITS, axis=1)
    changed = best > _SAME_BITS
    one, other = np.divmod(choice % (k * k), k)
    is_join = choice >= k * k
    leaves = np.where(
        is_join[:, None], label == one[:, None], np.arange(k) == one[:, None]
    )
    return np.where(leaves & changed[:, None], other[:, None], label), changed


def _finite(gains: Floats) -> tuple[Floats, Floats]:
    """Split into finite gains with a zero diagonal and a mask of parted pairs."""
    k = gains.shape[1]
    parted = np.isneginf(gains)
    finite = np.where(parted, 0.0, gains)
    parted[:, np.arange(k), np.arange(k)] = False
    finite[:, np.arange(k), np.arange(k)] = 0.0
    return finite, parted.astype(np.float64)


def _named_by_smallest(label: Ints) -> Ints:
    """Name each cluster of each row by its smallest node."""
    same = label[:, :, None] == label[:, None, :]
    return np.asarray(np.argmax(same, axis=2), dtype=np.int64)


@cache
def _all_partitions(k: int) -> tuple[Ints, Floats]:
    """All partitions of k nodes, finest first, and which pairs each puts together."""
    found = [[0]]
    for node in range(1, k):
        found = [[*labels, name] for labels in found for name in {*labels, node}]
    found.sort(key=lambda labels: (-len(set(labels)), labels))
    labels = np.array(found, dtype=np.int64)
    left, right = np.triu_indices(k, 1)
    together = (labels[:, left] == labels[:, right]).T.astype(np.float64)
    return labels, np.ascontiguousarray(together)
