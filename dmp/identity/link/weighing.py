"""Match weights of the compared pairs: learned from them, or taken from a model."""

from __future__ import annotations

import duckdb
import numpy as np

from dmp.identity.link.atoms import chance
from dmp.identity.link.classes import MOVED, SAME
from dmp.identity.link.comparing import Compared
from dmp.identity.link.hashing import Ints
from dmp.identity.link.model import (
    NEW_MODEL,
    Model,
    Moved,
    nothing_added,
    parameters_of,
)
from dmp.identity.link.patterns import Floats, aggregate
from dmp.identity.link.scoring import class_likelihoods, score, source_cells
from dmp.identity.link.training import Evidence, Parameters, train
from dmp.identity.link.vectors import vectors

_RANDOM_PAIRS = 200_000
_TRAINING_PAIRS = 400_000
_SEED = 1


def learn(
    connection: duckdb.DuckDBPyConnection, compared: Compared, model: Model = NEW_MODEL
) -> Moved:
    """Take the model's parameters, or train on the pairs and on pairs at random."""
    known = parameters_of(model, compared.comparisons)
    if known is not None:
        return known
    found = train(_evidence(connection, compared), compared.comparisons)
    return Moved(found, nothing_added(compared.comparisons))


def _evidence(connection: duckdb.DuckDBPyConnection, compared: Compared) -> Evidence:
    nodes, pairs = compared.nodes, compared.pairs
    chosen = _spread(len(pairs), _TRAINING_PAIRS)
    blocked = aggregate(
        compared.levels[chosen], compared.comparisons, pairs.rules[chosen]
    )
    random = blocked
    if compared.rules:
        draw = np.random.default_rng(_SEED).integers(0, len(nodes), (2, _RANDOM_PAIRS))
        left, right = draw[:, draw[0] != draw[1]]
        drawn = vectors(connection, nodes, compared.comparisons, left, right)
        none = np.zeros(len(drawn), dtype=np.int64)
        random = aggregate(drawn, compared.comparisons, none)
    agree = np.array(
        [chance(nodes.fields[c.field].codes) for c in compared.comparisons]
    )
    return Evidence(
        random,
        blocked,
        _blocks_on(compared),
        agree,
        compared.n_pairs,
        len(pairs) / max(len(chosen), 1),
    )


def _spread(n: int, most: int) -> Ints:
    """Return at most about `most` places, evenly spread over n."""
    return np.arange(0, n, max(n // most, 1))


def _blocks_on(compared: Compared) -> tuple[frozenset[int], ...]:
    if not compared.rules:
        return (frozenset(),)
    return tuple(
        frozenset(field for i in rule.atoms for field in compared.atoms[i].fields)
        for rule in compared.rules
    )


def weigh(compared: Compared, moved: Moved) -> Floats:
    """Return the match weight of each compared pair in bits, prior included."""
    nodes, pairs, parameters = compared.nodes, compared.pairs, moved.parameters
    likelihood = class_likelihoods(
        nodes,
        compared.comparisons,
        parameters,
        pairs,
        compared.levels,
        _own(compared, parameters),
    )
    cells, n_pairs = source_cells(nodes, pairs.left, pairs.right)
    weight = score(likelihood, parameters.shares, cells, n_pairs).weight
    for place, bits in enumerate(moved.added):
        if bits.any():
            weight = weight + bits[compared.levels[:, place]]
    return weight


def _own(compared: Compared, parameters: Parameters) -> Floats:
    """Return how many other records of its person share a record's value, by field."""
    matches = parameters.shares[[SAME, MOVED]].sum() * compared.n_pairs
    agree = np.array([table[SAME, 0] for table in parameters.levels])
    return np.asarray(2 * matches / len(compared.nodes) * agree)
