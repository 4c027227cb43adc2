"""Atoms: what two records may have in common, from which blocking rules are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.columns import Kind
from dmp.identity.link.field import Field
from dmp.identity.link.hashing import Hashes, Ints, mix
from dmp.identity.link.nodes import Nodes
from dmp.identity.link.parallel import side_by_side

_SOUND = (
    "regexp_replace(regexp_replace(regexp_replace(replace(replace(replace(a, 'ph', "
    "'f'), 'ck', 'k'), 'z', 's'), '[cq]', 'k', 'g'), '(.)[aeiouyhw ]+', '\\1', 'g'), "
    "'([a-z])[0-9]*$', '\\1')"
)
_FIRST = "case when length(a) > {0} then left(a, {0}) end"
_LAST = "case when length(a) > {0} then right(a, {0}) end"
_NAME_FORMS = {
    "sound": _SOUND,
    "first 3": _FIRST.format(3),
    "last 3": _LAST.format(3),
    "first letter": "left(a, 1)",
}
_FORMS: dict[Kind, dict[str, str]] = {
    Kind.GIVEN_NAME: _NAME_FORMS,
    Kind.FAMILY_NAME: _NAME_FORMS,
    Kind.DATE: {
        "year": "a[1:4]",
        "month and day": "a[5:8]",
        "year and month": "a[1:6]",
        "year and day": "a[1:4] || a[7:8]",
    },
    Kind.EMAIL: {
        "before the @": "split_part(a, '@', 1)",
        "first 5": "left(a, 5)",
        "after the @": "split_part(a, '@', 2)",
    },
    Kind.PHONE: {"last 6": _LAST.format(6), "first 5": _FIRST.format(5)},
    Kind.IDENTIFIER: {"first 4": _FIRST.format(4), "last 4": _LAST.format(4)},
    Kind.STREET: {"first 5": _FIRST.format(5), "last 6": _LAST.format(6)},
    Kind.PLACE: {"first 4": _FIRST.format(4), "last 4": _LAST.format(4)},
    Kind.TEXT: {"first 5": _FIRST.format(5), "last 5": _LAST.format(5)},
    Kind.POSTCODE: {"first 3": _FIRST.format(3)},
    Kind.HOUSE_NUMBER: {},
    Kind.INITIAL: {},
    Kind.GENERATION: {},
    Kind.SEX: {},
    Kind.YEAR: {},
    Kind.MONTH: {},
    Kind.DAY: {},
    Kind.CATEGORY: {},
}
WHOLE = "whole"
EITHER_ORDER = "with the family name, in either order"


def form_names(kind: Kind) -> tuple[str, ...]:
    """Return the parts of a field of a kind that blocking rules may use."""
    both = (EITHER_ORDER,) if kind == Kind.GIVEN_NAME else ()
    return (WHOLE, *_FORMS[kind], *both)


@dataclass(frozen=True)
class Atom:
    """One thing that two nodes may have in common.

    Attributes:
        fields: places of the fields it is made from.
        form: `whole`, or the part of the value.
        keys: for each node a number, -1 where missing; equal keys agree.
        chance: probability that two nodes that both have it agree on it.
    """

    name: str
    fields: tuple[int, ...]
    form: str
    keys: Ints
    chance: float

    @cached_property
    def hashes(self) -> Hashes:
        """A hash of each node's key, unlike that of the same key of another atom."""
        salt = np.full(len(self.keys), crc32(repr((self.fields, self.form)).encode()))
        return mix([salt, self.keys])

    @cached_property
    def is_missing(self) -> npt.NDArray[np.bool_]:
        """Whether each node lacks it."""
        return np.asarray(self.keys < 0)

    def part_of(self, fields: Sequence[Field]) -> tuple[str, str]:
        """Return the name of its field and the part, as a model names them."""
        return fields[self.fields[0]].name, self.form


def atoms(connection: duckdb.DuckDBPyConnection, nodes: Nodes) -> list[Atom]:
    """Make the atoms of all fields, but those that hardly tell records apart."""
    found = [
        atom
        for place, field in enumerate(nodes.fields)
        for atom in _of_field(connection, place, field)
    ]
    names = _both_names(nodes.fields)
    if names is not None:
        found.append(names)
    return [atom for atom in found if 0 < atom.chance < 0.6]


def _of_field(
    connection: duckdb.DuckDBPyConnection, place: int, field: Field
) -> list[Atom]:
    forms = _FORMS[field.kind]
    made = [_atom(field.name, (place,), WHOLE, field.codes.astype(np.int64))]
    if not forms:
        return made
    connection.register(
        "form_value",
        pa.table({"code": np.arange(len(field.values)), "a": field.values}),
    )
    cells = ", ".join(f"{sql} as f{i}" for i, sql in enumerate(forms.values()))
    table = connection.sql(
        f"select {cells} from form_value order by code"
    ).to_arrow_table()
    connection.unregister("form_value")

    def shortened(numbered: tuple[int, str]) -> Atom:
        i, form = numbered
        encoded = table.column(f"f{i}").combine_chunks().dictionary_encode()
        codes = np.append(np.asarray(pc.fill_null(encoded.indices, -1)), -1)
        keys = codes[field.codes].astype(np.int64)
        return _atom(f"{field.name} {form}", (place,), form, keys)

    return made + side_by_side(shortened, enumerate(forms))


def chance(codes: npt.NDArray[np.integer]) -> float:
    """Return the probability that two different nodes that have a value agree."""
    counts = np.bincount(codes[codes >= 0]).astype(np.float64)
    total = float(counts.sum())
    return float((counts * (counts - 1)).sum()) / max(total * (total - 1), 1.0)


def _atom(name: str, fields: tuple[int, ...], form: str, keys: Ints) -> Atom:
    return Atom(name, fields, form, keys, chance(keys))


def _both_names(fields: Sequence[Field]) -> Atom | None:
    """Return the atom of given and family name in either order."""
    first = {
        kind: next((i for i, f in enumerate(fields) if f.kind == kind), None)
        for kind in (Kind.GIVEN_NAME, Kind.FAMILY_NAME)
    }
    given, family = first[Kind.GIVEN_NAME], first[Kind.FAMILY_NAME]
    if given is None or family is None:
        return None
    one, other = fields[given], fields[family]
    encoded = pa.concat_arrays([one.values, other.values]).dictionary_encode()
    shared = np.asarray(encoded.indices).astype(np.int64)
    left = np.append(shared[: len(one.values)], -1)[one.codes]
    right = np.append(shared[len(one.values) :], -1)[other.codes]
    size = len(encoded.dictionary)
    keys = np.minimum(left, right) * size + np.maximum(left, right)
    keys = np.where((left >= 0) & (right >= 0), keys, -1)
    _, dense = np.unique(keys, return_inverse=True)
    dense = dense - int((keys < 0).any())
    name = f"{one.name} and {other.name} in either order"
    return _atom(name, (given, family), EITHER_ORDER, dense.astype(np.int64))


def combined(parts: Sequence[Atom], chosen: slice | Ints = slice(None)) -> Ints:
    """Return one key a node for several atoms, -1 where any is missing.

    Args:
        chosen: which nodes. They are in the order of a hash, so the first are as good
            as a sample.
    """
    if len(parts) == 1:
        return parts[0].keys[chosen]
    missing = parts[0].is_missing[chosen].copy()
    hashes = parts[0].hashes[chosen].copy()
    for part in parts[1:]:
        missing |= part.is_missing[chosen]
        hashes += part.hashes[chosen]
    hashes >>= np.uint64(1)
    keys = hashes.view(np.int64)
    keys[missing] = -1
    return keys
