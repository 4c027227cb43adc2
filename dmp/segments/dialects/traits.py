"""Rules with the computed traits that they read, in one statement.

A warehouse's `profiles` lack what operators here define, so the statement computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlglot import exp

from dmp.segments.calendars import utc
from dmp.segments.checks import reachable
from dmp.segments.compiler import compile_segment
from dmp.segments.computed import traits_query
from dmp.segments.graph import columns_read
from dmp.segments.rule import Computed, Segment
from dmp.segments.sources import Population

_PEOPLE = "profiles_with_traits"


def compiled(
    segment: Segment,
    population: Population,
    as_of: datetime,
    segments: Mapping[str, Segment],
) -> exp.Query:
    """Return what `compile_segment` does over profiles that lack the computed traits.

    Those that the rule reads, or one that it refers to, are the first parts of the
    statement; the others are not computed.
    """
    traits = _read(segment, population, segments)
    staged = replace(population, profiles=_PEOPLE) if traits else population
    query = compile_segment(segment, staged, utc(as_of), segments=segments)
    if traits:
        _put_first(query, _with_traits(population, traits, utc(as_of)))
    return query


def _read(
    segment: Segment, population: Population, segments: Mapping[str, Segment]
) -> tuple[Computed, ...]:
    known = {**segments, segment.id: segment}
    reached = [known[id_] for id_ in reachable(segment, known) if id_ in known]
    read = columns_read(reached, population.traits)
    return tuple(t for t in population.traits if read is None or t.name in read)


def _with_traits(
    population: Population, traits: tuple[Computed, ...], as_of: datetime
) -> exp.Query:
    """Return the select of people with their attributes and some traits."""
    lacking = {population.key, *(trait.name for trait in population.traits)}
    columns = dict.fromkeys([population.text_id, *population.attributes])
    beside = [name for name in columns if name not in lacking]
    chosen = replace(population, traits=traits)
    return _renamed(traits_query(chosen, as_of, beside))


def _renamed(query: exp.Query) -> exp.Query:
    """Give the parts of a statement names that no part of a rule has."""
    names = {part.alias for part in query.ctes}
    places = {exp.Table: "this", exp.Column: "table", exp.CTE: "alias"}
    for found in query.find_all(*places):
        place = places[type(found)]
        name = found.args.get(place)
        if name is not None and name.name in names:
            identifier = exp.to_identifier(f"trait_{name.name}", quoted=True)
            found.set(place, identifier)
    return query


def _put_first(query: exp.Query, people: exp.Query) -> None:
    """Put the people and their parts before the parts of a rule."""
    first = people.args.pop("with_", None)
    listed = first.expressions if first else []
    name = exp.to_identifier(_PEOPLE, quoted=True)
    own = [part.copy() for part in query.ctes]
    parts = [*listed, exp.CTE(this=people, alias=name), *own]
    query.set("with_", exp.With(expressions=parts))
