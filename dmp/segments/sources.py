"""Where a rule's names lead: a typed column, a struct field, JSON, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.rule import Computed, Property
from dmp.segments.trees import Tree

_INTEGERS = exp.DataType.INTEGER_TYPES
_REALS = exp.DataType.REAL_TYPES
_TEXTS = exp.DataType.TEXT_TYPES
_ZONED = {exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ}
_INSTANTS = exp.DataType.TEMPORAL_TYPES


@dataclass(frozen=True)
class RelatedTable:
    """A table of which a profile has any number of rows.

    Attributes:
        relation: dotted name; its key column has the population's key name.
        columns: column name -> DuckDB type, without the key.
    """

    relation: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Population:
    """Where compiled SQL reads; relations are dotted names the connection sees.

    Attributes:
        profiles: one row per profile: key, text_id, attributes as columns.
        key: the key column, of the same name and type in every relation; no nulls.
        text_id: column of profiles with the public profile_id text.
        attributes: attribute -> DuckDB type; lists as `VARCHAR[]`.
        events: one row per event: key, event_id, event, occurred_at (TIMESTAMPTZ),
            the struct `properties` where typed_properties has names, the JSON column
            where json_properties is not empty. None: rules on events are refused.
        typed_properties: declared property -> DuckDB type, a field of `properties`.
        json_properties: the JSON column of undeclared properties; "" if there is none.
        related: entity -> table.
        consent: key, purpose, status, captured_at (TIMESTAMPTZ); None: refused.
        lists: list id -> relation with the key column.
        views: published view -> relation, for `sql` nodes; each shows a column
            `profile_id` with the public text.
        ordered_ids: event ids are of a type whose order is that of their text, and
            never null.
        traits: those that operators define; their columns are among the attributes.
    """

    profiles: str
    key: str = "profile_id"
    text_id: str = "profile_id"
    attributes: Mapping[str, str] = field(default_factory=dict)
    events: str | None = None
    typed_properties: Mapping[str, str] = field(default_factory=dict)
    json_properties: str = ""
    related: Mapping[str, RelatedTable] = field(default_factory=dict)
    consent: str | None = None
    lists: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[str, str] = field(default_factory=dict)
    ordered_ids: bool = False
    traits: tuple[Computed, ...] = ()


@dataclass(frozen=True)
class Source:
    """One value of a row.

    Attributes:
        tree: reads the stored value; None when no such property exists.
        type: its DuckDB type.
    """

    tree: Tree | None
    type: exp.DataType

    def read(self) -> Tree:
        """Return a fresh copy of the tree; null when there is no value."""
        return self.tree.copy() if self.tree is not None else exp.Null()

    @property
    def kind(self) -> str:
        """One of json, text, number, boolean, date, instant, list, other, nothing."""
        return kind_of(self.type) if self.tree is not None else "nothing"

    def element(self, tree: Tree) -> Source:
        """Return an element of this list as a source."""
        return Source(tree, self.type.expressions[0])


@cache
def type_of(written: str) -> exp.DataType:
    """Return the type that a DuckDB type name means."""
    return exp.DataType.build(written, dialect="duckdb")


def kind_of(type_: exp.DataType) -> str:
    """Return how values of a type are read."""
    this = type_.this
    if this in (exp.DataType.Type.ARRAY, exp.DataType.Type.LIST):
        return "list"
    if this is exp.DataType.Type.JSON:
        return "json"
    if this is exp.DataType.Type.BOOLEAN:
        return "boolean"
    if this is exp.DataType.Type.DATE:
        return "date"
    if this in _INSTANTS and this is not exp.DataType.Type.TIME:
        return "instant"
    if this in _INTEGERS or this in _REALS:
        return "number"
    text = {*_TEXTS, exp.DataType.Type.UUID, exp.DataType.Type.ENUM}
    return "text" if this in text else "other"


def is_zoned(type_: exp.DataType) -> bool:
    """Say whether a type is an instant with a zone; without, it is UTC."""
    return type_.this in _ZONED


def is_integer(type_: exp.DataType) -> bool:
    """Say whether a type holds whole numbers only."""
    return type_.this in _INTEGERS


def attribute_source(population: Population, name: str) -> Source:
    """Return an attribute of the profile row, alias `p`."""
    written = population.attributes.get(name)
    if written is None:
        return NOTHING
    return Source(trees.column(name, "p"), type_of(written))


def event_source(population: Population, wanted: Property) -> Source:
    """Return a property of the event row, alias `e`."""
    declared = population.typed_properties
    struct = trees.column("properties", "e")
    found = _declared(declared, wanted, lambda name: _member(struct, name))
    if found is not None:
        return found
    if not population.json_properties:
        return NOTHING
    column = trees.column(population.json_properties, "e")
    return Source(_json(column, wanted.candidates()), type_of("JSON"))


def related_source(table: RelatedTable, wanted: Property) -> Source:
    """Return a property of the related row, alias `r`."""
    found = _declared(table.columns, wanted, lambda name: trees.column(name, "r"))
    return found or NOTHING


def _declared(
    types: Mapping[str, str], wanted: Property, read: Callable[[str], Tree]
) -> Source | None:
    for parts in wanted.candidates():
        if parts[0] in types:
            return _inner(Source(read(parts[0]), type_of(types[parts[0]])), parts[1:])
    return None


def _inner(source: Source, parts: Sequence[str]) -> Source:
    if not parts:
        return source
    if source.kind == "json":
        return Source(_json(source.read(), (tuple(parts),)), source.type)
    if source.type.this is not exp.DataType.Type.STRUCT:
        return NOTHING
    for member in source.type.expressions:
        if member.name == parts[0]:
            tree = _member(source.read(), parts[0])
            return _inner(Source(tree, member.args["kind"]), parts[1:])
    return NOTHING


def _member(struct: Tree, name: str) -> Tree:
    return trees.call("struct_extract", struct.copy(), trees.text(name))


def _json(column: Tree, candidates: Sequence[Sequence[str]]) -> Tree:
    found = [
        trees.call("json_extract", column.copy(), trees.text(json_path(parts)))
        for parts in candidates
    ]
    return found[0] if len(found) == 1 else trees.coalesce(found[0], *found[1:])


def json_path(parts: Sequence[str]) -> str:
    r"""Return DuckDB's path of nested keys: a quoted path, else a JSON pointer.

    >>> json_path(["a", "b.c"]), json_path(['a"', "b/c"])
    ('$."a"."b.c"', '/a"/b~1c')
    """
    if all(part and not set(part) & set('"*\\') for part in parts):
        return "$" + "".join(f'."{part}"' for part in parts)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


NOTHING = Source(None, exp.DataType.build("VARCHAR"))
