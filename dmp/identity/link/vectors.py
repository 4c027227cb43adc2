"""Comparison vectors: the level of agreement of each pair on each field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.columns import Kind
from dmp.identity.link.field import Codes, Field
from dmp.identity.link.hashing import Ints
from dmp.identity.link.levels import LEVELS, LIKE_NAMES, SWAPS, labels, level_sql
from dmp.identity.link.nodes import Nodes
from dmp.identity.nicknames import NICKNAMES

Levels = npt.NDArray[np.int8]
MISSING = -1


@dataclass(frozen=True)
class Comparison:
    """How one field is compared.

    Attributes:
        field: place of the field among the nodes' fields.
        n_levels: levels from the same (0) to all else; a swap of names comes last.
        swapped_with: place of the field it may be swapped with, for the given name
            of a pair of name fields; the other's comparison is then missing.
    """

    field: int
    name: str
    kind: Kind
    n_levels: int
    swapped_with: int | None = None

    @property
    def all_else(self) -> int:
        """The level of full disagreement."""
        return len(LEVELS[self.kind]) + 1

    @property
    def level_names(self) -> tuple[str, ...]:
        """What each level means, in order."""
        swaps = SWAPS if self.swapped_with is not None else ()
        return (*labels(self.kind), *swaps)


def comparisons(fields: Sequence[Field]) -> list[Comparison]:
    """Propose a comparison for each field; the first two names may be swapped."""
    given = _first(fields, Kind.GIVEN_NAME)
    family = _first(fields, Kind.FAMILY_NAME)
    return [
        Comparison(
            place,
            field.name,
            field.kind,
            len(LEVELS[field.kind])
            + 2
            + (2 if place == given and family is not None else 0),
            family if place == given else None,
        )
        for place, field in enumerate(fields)
    ]


def _first(fields: Sequence[Field], kind: Kind) -> int | None:
    return next((i for i, field in enumerate(fields) if field.kind == kind), None)


def vectors(
    connection: duckdb.DuckDBPyConnection,
    nodes: Nodes,
    compared: Sequence[Comparison],
    left: Ints,
    right: Ints,
) -> Levels:
    """Return one row a pair, one column a comparison: a level, or -1 where missing."""
    found = np.empty((len(left), len(compared)), dtype=np.int8, order="F")
    for place, comparison in enumerate(compared):
        field = nodes.fields[comparison.field]
        found[:, place] = field_levels(
            connection, field, field.codes[left], field.codes[right]
        )
    for place, comparison in enumerate(compared):
        if comparison.swapped_with is not None:
            other = next(
                i for i, c in enumerate(compared) if c.field == comparison.swapped_with
            )
            _mark_swaps(nodes, compared, found, (place, other), (left, right))
    _discount_mail(compared, found)
    return found


def _discount_mail(compared: Sequence[Comparison], found: Levels) -> None:
    """Let addresses that resemble each other count for nothing where the names do too.

    People of one name write it into their e-mail: the likeness says nothing new.
    """
    names = [
        i
        for i, c in enumerate(compared)
        if c.kind in (Kind.GIVEN_NAME, Kind.FAMILY_NAME)
    ]
    alike = np.zeros(len(found), dtype=bool)
    for i in names:
        alike |= (found[:, i] >= 0) & (found[:, i] < compared[i].all_else)
    for i, comparison in enumerate(compared):
        if comparison.kind == Kind.EMAIL:
            found[alike & np.isin(found[:, i], LIKE_NAMES), i] = MISSING


def field_levels(
    connection: duckdb.DuckDBPyConnection, field: Field, one: Codes, other: Codes
) -> Levels:
    """Return the level of each pair of values; each distinct pair is compared once."""
    known = (one >= 0) & (other >= 0)
    same = known & (one == other)
    found = np.where(same, 0, MISSING).astype(np.int8)
    rows = np.flatnonzero(known & ~same)
    if not len(rows):
        return found
    low = np.minimum(one[rows], other[rows]).astype(np.int64)
    high = np.maximum(one[rows], other[rows]).astype(np.int64)
    if not LEVELS[field.kind]:
        found[rows] = 1
        return found
    unique, inverse = np.unique(low * len(field.values) + high, return_inverse=True)
    found[rows] = _compare(connection, field, unique)[inverse]
    return found


_BATCH = 20_000
"""Pairs in one piece of work: DuckDB compares the pieces side by side."""


def _compare(
    connection: duckdb.DuckDBPyConnection, field: Field, pairs: Ints
) -> Levels:
    size = len(field.values)
    table = {
        "place": np.arange(len(pairs)),
        "a": field.values.take(pa.array(pairs // size)),
        "b": field.values.take(pa.array(pairs % size)),
    }
    if field.kind == Kind.GIVEN_NAME:
        full = _full_names(field.values)
        table["full_a"] = full.take(pa.array(pairs // size))
        table["full_b"] = full.take(pa.array(pairs % size))
    batches = pa.table(table).to_batches(max_chunksize=_BATCH)
    connection.register("value_pair", pa.Table.from_batches(batches))
    levels = connection.sql(level_sql(field.kind)).fetchnumpy()
    connection.unregister("value_pair")
    found = np.empty(len(pairs), dtype=np.int8)
    found[levels["place"]] = levels["level"]
    return found


def _full_names(values: pa.Array) -> pa.Array:
    """Return each name, or the one that it is short for."""
    place = pc.index_in(values, pa.array(list(NICKNAMES)))
    return pc.coalesce(pa.array(list(NICKNAMES.values())).take(place), values)


def _mark_swaps(
    nodes: Nodes,
    compared: Sequence[Comparison],
    found: Levels,
    places: tuple[int, int],
    pair: tuple[Ints, Ints],
) -> None:
    """Where both names are swapped, or one is in the other's place, say it once."""
    given, family = (nodes.fields[compared[place].field] for place in places)
    shared = _shared_codes(given, family)
    given_l, given_r, family_l, family_r = (
        shared[side][codes[nodes_of]]
        for side, codes, nodes_of in (
            (0, given.codes, pair[0]),
            (0, given.codes, pair[1]),
            (1, family.codes, pair[0]),
            (1, family.codes, pair[1]),
        )
    )
    no_exact = (found[:, places[0]] != 0) & (found[:, places[1]] != 0)
    one = (given_l == family_r) & (given_l >= 0)
    other = (family_l == given_r) & (family_l >= 0)
    last = compared[places[0]].n_levels
    for both, level in ((one & other, last - 2), ((one ^ other), last - 1)):
        rows = no_exact & both
        found[rows, places[0]] = level
        found[rows, places[1]] = MISSING


def _shared_codes(one: Field, other: Field) -> tuple[Ints, Ints]:
    """Number the values of two fields alike; the last entry, for missing, is -1."""
    both = pa.concat_arrays([one.values, other.values]).dictionary_encode()
    codes = np.asarray(both.indices).astype(np.int64)
    size = len(one.values)
    return np.append(codes[:size], -1), np.append(codes[size:], -1)
