"""What a rule can be about in one workspace: names, types, counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dmp.segments.sources import Population, kind_of, type_of
from dmp.storage.lake import Lake

Kinds = Mapping[str, str]


@dataclass(frozen=True)
class Catalog:
    """The names a rule can use.

    Attributes:
        attributes: attribute to kind: text, number, boolean, date, instant, list, json.
        events: event to how often it stands in the lake, the most frequent first.
        properties: property of events to kind.
        entities: related table to its columns and their kinds.
        segments: id to name of the other segments.
        purposes: purposes that people decided about.
    """

    attributes: Kinds = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    properties: Kinds = field(default_factory=dict)
    entities: Mapping[str, Kinds] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    purposes: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


def catalog(lake: Lake, population: Population, segments: Mapping[str, str]) -> Catalog:
    """Return what rules over this population can name."""
    events = lake.rows(
        "select event, count(*) as n from core.event group by event order by n desc, 1"
    )
    purposes = lake.rows("select distinct purpose from privacy.consent order by 1")
    return Catalog(
        attributes=_kinds(population.attributes),
        events=dict(events),
        properties=_kinds(population.typed_properties),
        entities={
            name: _kinds(table.columns) for name, table in population.related.items()
        },
        segments=segments,
        purposes=tuple(purpose for (purpose,) in purposes),
        lists=tuple(sorted(population.lists)),
    )


def _kinds(types: Mapping[str, str]) -> Kinds:
    return {name: kind_of(type_of(type_)) for name, type_ in sorted(types.items())}
