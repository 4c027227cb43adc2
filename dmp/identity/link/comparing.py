"""What is compared, on which pairs: every choice is made from the data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb

from dmp.core.errors import UsageError
from dmp.identity.link.atoms import Atom, atoms
from dmp.identity.link.blocking import (
    BlockingRule,
    Pairs,
    all_pairs,
    block,
    pair_budget,
)
from dmp.identity.link.columns import Kind
from dmp.identity.link.field import Field
from dmp.identity.link.fields import Reading, read_fields
from dmp.identity.link.files import RecordFile
from dmp.identity.link.informative import Noise, noise
from dmp.identity.link.model import NEW_MODEL, Model, check_rules
from dmp.identity.link.nodes import Nodes, collapse
from dmp.identity.link.rules import find_rules, given_rules
from dmp.identity.link.vectors import Comparison, Levels, comparisons, vectors

_LOG = logging.getLogger(__name__)

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
