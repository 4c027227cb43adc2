"""Match weights of pairs: levels, frequencies of the values, and a prior by source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.identity.link.blocking import Pairs
from dmp.identity.link.classes import (
    AREA,
    AT_HOME,
    LIKE_ONE,
    MATCHES,
    MOST_LIKE_ONE,
    N_CLASSES,
    RANDOM,
    SAME,
    is_own,
)
from dmp.identity.link.columns import Kind
from dmp.identity.link.field import Field
from dmp.identity.link.hashing import Ints
from dmp.identity.link.nodes import Nodes
from dmp.identity.link.patterns import Floats
from dmp.identity.link.training import Parameters
from dmp.identity.link.vectors import Comparison, Levels

_ROUNDS = 15
_LEAST_COUNT = 0.5
"""Other holders of a value that only one person is known to have."""
_UNSEEN = dict.fromkeys((Kind.IDENTIFIER, Kind.EMAIL, Kind.PHONE), 500)
"""Holders of other values that a file of few records would have, were it longer."""
_PRIOR_MATCHES = 2.0


@dataclass(frozen=True)
class Scored:
    """Match weights in bits (log2 of the odds that a pair is a match)."""

    weight: Floats
    shares: Floats


def class_likelihoods(
    nodes: Nodes,
    compared: Sequence[Comparison],
    parameters: Parameters,
    pairs: Pairs,
    levels: Levels,
    own: Floats,
) -> Floats:
    """Return log P(vector | class) of each pair, by classes.

    Agreement on a value counts by how rare that value is, wherever a class agrees by
    chance. `own` is, by comparison, how many other records of the same person hold a
    value, on average: they do not make it common.
    """
    found = parameters.log_likelihood(levels)
    for place, comparison in enumerate(compared):
        field = nodes.fields[comparison.field]
        rows = np.flatnonzero(levels[:, place] == 0)
        agreed = field.codes[pairs.left[rows]]
        chance = _chance(field, comparison.kind, own[place])
        table = parameters.levels[place]
        for c in range(N_CLASSES):
            found[rows, c] += _by_value(comparison, table, c, chance)[agreed]
    return found


def _chance(field: Field, kind: Kind, own: float) -> Floats:
    """Return the probability that a stranger holds a value, by value."""
    counts = np.bincount(field.codes[field.codes >= 0], minlength=len(field.values))
    others = np.maximum(counts - 1 - own, 0)
    total = counts.sum()
    unseen = _UNSEEN.get(kind, 0)
    by_value = others / total + _LEAST_COUNT / (total + unseen)
    return np.asarray(np.minimum(by_value, 0.9))


def _by_value(comparison: Comparison, table: Floats, c: int, chance: Floats) -> Floats:
    """Return what to add to a class's log P(same value), by value.

    Of a class that agrees beyond chance, the part that does so agrees whatever the
    value; the rest by chance. A field on which matches agree no more than strangers
    says nothing, however rare the value.
    """
    if not is_own(comparison, c):
        return np.asarray(np.log(chance) - np.log(table[c, 0]))
    by_chance = table[RANDOM, 0]
    beyond = max((table[c, 0] - by_chance) / (1 - by_chance), 0.0)
    return np.asarray(np.log(beyond + (1 - beyond) * chance) - np.log(table[c, 0]))


def score(likelihood: Floats, shares: Floats, cells: Ints, n_pairs: Floats) -> Scored:
    """Weigh each pair; how frequent matches are is learned for each pair of sources.

    Args:
        cells: number of the pair of sources that each pair belongs to.
        n_pairs: all pairs of nodes of each pair of sources.
    """
    by_cell = np.tile(shares, (len(n_pairs), 1))
    learned = (*AT_HOME, *MATCHES)
    start = shares[list(learned)]
    relative = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    for _ in range(_ROUNDS):
        found = relative * np.maximum(by_cell, 1e-300)[cells]
        whole = found.sum(axis=1)
        for place, c in enumerate(learned):
            total = np.bincount(cells, found[:, c] / whole, minlength=len(n_pairs))
            by_cell[:, c] = (total + _PRIOR_MATCHES * start[place] / start.sum()) / (
                n_pairs + _PRIOR_MATCHES / start.sum()
            )
        most = MOST_LIKE_ONE * np.maximum(by_cell[:, SAME], shares[SAME])
        for c in LIKE_ONE:
            by_cell[:, c] = np.minimum(by_cell[:, c], most)
    logs = likelihood + np.log(np.maximum(by_cell, 1e-300))[cells]
    match = np.logaddexp.reduce(logs[:, MATCHES], axis=1)
    other = np.logaddexp.reduce(logs[:, [RANDOM, AREA, *AT_HOME]], axis=1)
    return Scored((match - other) / np.log(2), by_cell)


def source_cells(
    nodes: Nodes, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> tuple[Ints, Floats]:
    """Number the pairs of sources; return that of each pair, and all pairs of each."""
    sizes = np.bincount(nodes.source).astype(np.float64)
    n = len(sizes)
    low = np.minimum(nodes.source[left], nodes.source[right]).astype(np.int64)
    high = np.maximum(nodes.source[left], nodes.source[right]).astype(np.int64)
    if n > 30:
        same = sizes @ (sizes - 1) / 2
        cross = (sizes.sum() ** 2 - (sizes**2).sum()) / 2
        return (low != high).astype(np.int64), np.array([same, cross])
    totals = np.outer(sizes, sizes)
    totals[np.diag_indices(n)] = sizes * (sizes - 1) / 2
    return low * n + high, totals.ravel() + 1.0
