"""Linkage of people files from reading to clusters, every choice made from the data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from dmp.core.errors import UsageError
from dmp.identity.clustering import cluster
from dmp.identity.link.atoms import Atom, atoms, chance
from dmp.identity.link.blocking import (
    BlockingRule,
    Pairs,
    all_pairs,
    block,
    find_rules,
    given_rules,
    pair_budget,
)
from dmp.identity.link.columns import Kind
from dmp.identity.link.fields import Field, Reading, read_fields
from dmp.identity.link.files import RecordFile
from dmp.identity.link.informative import Noise, noise
from dmp.identity.link.labels import Labels
from dmp.identity.link.model import (
    NEW_MODEL,
    ClusteringModel,
    Model,
    Moved,
    check_rules,
    nothing_added,
    parameters_of,
)
from dmp.identity.link.nodes import Ints, Nodes, collapse
from dmp.identity.link.patterns import Floats, aggregate
from dmp.identity.link.scoring import class_likelihoods, score, source_cells
from dmp.identity.link.training import MOVED, SAME, Evidence, Parameters, train
from dmp.identity.link.vectors import Comparison, Levels, comparisons, vectors
from dmp.identity.signed_graph import components

_LOG = logging.getLogger(__name__)
_RANDOM_PAIRS = 400_000
_TRAINING_PAIRS = 400_000
_SEED = 1
_LEAST_BITS = -12.0
"""Pairs that are less likely than this are left out; they count as not compared."""

Tell = Callable[[str], None]
"""Called with the name of each stage as it begins."""


def untold(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class NoisyField:
    """A field that is left out, its column, and why."""

    name: str
    column: str
    noise: Noise


@dataclass(frozen=True)
class Compared:
    """What is compared, on which pairs.

    Attributes:
        noisy: fields left out because they say nothing of who a record is.
        rules: blocking rules; empty where every pair is compared.
        levels: comparison vector of each pair.
        notes: what of a given model could not be used here, in words.
    """

    nodes: Nodes
    reading: Reading
    noisy: tuple[NoisyField, ...]
    comparisons: tuple[Comparison, ...]
    atoms: tuple[Atom, ...]
    rules: tuple[BlockingRule, ...]
    pairs: Pairs
    levels: Levels
    notes: tuple[str, ...] = ()

    @property
    def n_pairs(self) -> float:
        """All pairs of nodes."""
        n = float(len(self.nodes))
        return n * (n - 1) / 2


def compare(
    connection: duckdb.DuckDBPyConnection,
    records: RecordFile,
    model: Model = NEW_MODEL,
    tell: Tell = untold,
) -> Compared:
    """Read the columns, choose what to compare, and compare the blocked pairs.

    Raises:
        UsageError: no column can tell people apart, the model is of other columns, or
            one of its blocking rules gives too many pairs.
        ConfigInvalid: a blocking rule of the model is of parts that there are not.
    """
    tell("Reading columns")
    reading = _read(connection, records, model)
    fields, notes = _known_fields(reading.fields, model)
    if not fields:
        raise UsageError(
            "no column tells people apart: each is empty, the same everywhere, the "
            "record id or the source; give at least one column about the people"
        )
    check_rules(model, {field.name: field.kind for field in fields}, "model")
    tell("Finding pairs")
    nodes, parts, noisy = _nodes(connection, fields, records, model)
    proposed = tuple(comparisons(nodes.fields))
    rules, pairs, unused = _blocked(nodes, parts, model)
    _LOG.info("blocked nodes=%d pairs=%d rules=%d", len(nodes), len(pairs), len(rules))
    tell("Comparing pairs")
    levels = vectors(connection, nodes, proposed, pairs.left, pairs.right)
    told = (*notes, *unused)
    return Compared(nodes, reading, noisy, proposed, parts, rules, pairs, levels, told)


def _nodes(
    connection: duckdb.DuckDBPyConnection,
    fields: Sequence[Field],
    records: RecordFile,
    model: Model,
) -> tuple[Nodes, tuple[Atom, ...], tuple[NoisyField, ...]]:
    """Collapse the records, without the fields that say nothing of who they are."""
    nodes = collapse(fields, records.source)
    parts = tuple(atoms(connection, nodes))
    found = [] if model.columns is not None else noise(nodes, parts)
    if not found or len(found) == len(fields):
        return nodes, parts, ()
    noisy = tuple(
        NoisyField(fields[one.field].name, fields[one.field].column, one)
        for one in found
    )
    left_out = {one.field for one in found}
    kept = [field for place, field in enumerate(fields) if place not in left_out]
    nodes = collapse(kept, records.source)
    return nodes, tuple(atoms(connection, nodes)), noisy


def _read(
    connection: duckdb.DuckDBPyConnection, records: RecordFile, model: Model
) -> Reading:
    if model.columns is None:
        return read_fields(connection, records)
    used = {n: c for n, c in model.columns.items() if c.kind != Kind.UNUSED}
    missing = [name for name in used if name not in records.columns]
    if missing:
        raise UsageError(
            f"the model reads columns that are not here: {', '.join(missing)}; the "
            f"files hold {', '.join(records.columns) or 'none'}: rename them, or leave "
            "`columns`, `blocking`, `comparisons` and `shares` out of the model"
        )
    given = {name: column.kind for name, column in model.columns.items()}
    dates = {name: column.day_first for name, column in used.items()}
    return read_fields(connection, records, given=given, day_first=dates)


def _known_fields(
    fields: Sequence[Field], model: Model
) -> tuple[list[Field], tuple[str, ...]]:
    """Leave out what a trained model does not know."""
    if model.comparisons is None:
        return list(fields), ()
    known = [field for field in fields if field.name in model.comparisons]
    unknown = [f.name for f in fields if f.name not in model.comparisons]
    return known, tuple(
        f"{name}: not compared, the model knows no such field" for name in unknown
    )


def _blocked(
    nodes: Nodes, parts: Sequence[Atom], model: Model
) -> tuple[tuple[BlockingRule, ...], Pairs, tuple[str, ...]]:
    n_pairs = len(nodes) * (len(nodes) - 1) // 2
    if model.blocking is not None:
        rules, unused = given_rules(nodes, parts, model.blocking)
        if rules:
            return rules, block(nodes, parts, rules), unused
    budget = pair_budget(len(nodes))
    if n_pairs <= budget:
        return (), all_pairs(len(nodes)), ()
    rules = tuple(find_rules(nodes, parts, budget))
    if not rules:
        raise UsageError(
            "no blocking rule fits: whatever two records have in common, too many "
            f"share it ({len(nodes):,} distinct records); give a column that tells "
            "people apart"
        )
    return rules, block(nodes, parts, rules), ()


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


@dataclass(frozen=True)
class Clusters:
    """The cluster of each record and how sure it is, in the order of the files.

    Attributes:
        label: cluster of each record, numbered from 0.
        confidence: probability in (0, 1) that the record belongs where it was put.
        of_node: cluster of each node, named by its smallest node.
    """

    label: Ints
    confidence: Floats
    of_node: Ints


def decide(
    compared: Compared,
    weight: Floats,
    labels: Labels,
    how: ClusteringModel = NEW_MODEL.clustering,
) -> Clusters:
    """Cluster the nodes by their weights and give each record its node's cluster.

    Judged pairs are certain: a match is joined, a non-match kept apart.
    """
    kept = weight > _LEAST_BITS
    left, right = compared.pairs.left[kept], compared.pairs.right[kept]
    bits = weight[kept] - how.threshold_bits
    n = len(compared.nodes)
    must, cannot = labels.rows(True), labels.rows(False)
    if how.method == "connected":
        joined = np.concatenate([np.stack([left, right], axis=1)[bits > 0], must])
        label = components(n, joined[:, 0], joined[:, 1])
    else:
        label = cluster(
            n,
            left,
            right,
            bits,
            must=must,
            cannot=cannot,
            missing_bits=how.never_compared_bits,
        )
    confidence = _confidence(label, left, right, bits)
    of_record = compared.nodes.of_record
    _, number = np.unique(label[of_record], return_inverse=True)
    return Clusters(number.astype(np.int64), confidence[of_record], label)


def _confidence(label: Ints, left: Ints, right: Ints, weight: Floats) -> Floats:
    """Weigh each node's evidence for its cluster against its best other place."""
    n = len(label)
    node = np.concatenate([left, right])
    other = label[np.concatenate([right, left])]
    key, place = np.unique(node * n + other, return_inverse=True)
    total = np.bincount(place, np.concatenate([weight, weight]), minlength=len(key))
    at, where = key // n, key % n
    is_own = where == label[at]
    stay = np.zeros(n)
    stay[at[is_own]] = total[is_own]
    best = np.full(n, -np.inf)
    np.maximum.at(best, at[~is_own], total[~is_own])
    alone = np.bincount(label, minlength=n)[label] == 1
    bits = np.where(alone, -best, stay - np.maximum(best, 0.0))
    return np.asarray(1 / (1 + 2.0 ** -np.clip(bits, -10.0, 30.0)))
