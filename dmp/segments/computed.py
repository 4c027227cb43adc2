"""Computed traits: attributes that an operator defines over events or related rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlglot import exp

from dmp.core.config import read_all, yaml_files
from dmp.core.errors import Fault, RuleInvalid, UsageError
from dmp.segments import grammar, readings, trees
from dmp.segments.behaviour import within_kind
from dmp.segments.calendars import utc, zone_of
from dmp.segments.checks import clause_faults, name_faults
from dmp.segments.compiler import compile_node, finish
from dmp.segments.conditions import clauses_kind
from dmp.segments.event_nodes import event_id
from dmp.segments.grammar import Faults, Field, Kind, refuse
from dmp.segments.literals import property_kind
from dmp.segments.parsing import ID, ID_RIGHT, zone_kind
from dmp.segments.plan import (
    Facts,
    Plan,
    Scope,
    candidate,
    clauses,
    events,
    inside,
    key_column,
    related_row,
    up_to_as_of,
)
from dmp.segments.profile_nodes import people
from dmp.segments.rule import Computed, Pattern, Property
from dmp.segments.source import load
from dmp.segments.sources import Population, Source, event_source, related_source
from dmp.segments.trees import Tree, call
from dmp.segments.windows import within_span

_ADDED = {"sum": "fsum", "avg": "favg", "min": "min", "max": "max"}
_ALONE = ("count", "time_since")
_ENDS = ("first", "last")
AGGREGATES = ("count", *_ADDED, "most_frequent", *_ENDS, "distinct", "time_since")
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {
    f"{name}": timedelta(**{f"{name}s": 1}) // _MICROSECOND
    for name in ("second", "minute", "hour", "day", "week")
}
_WHOLE = ("count", "distinct", "time_since")


def read_traits(folder: Path) -> tuple[Computed, ...]:
    """Return the traits of a folder's YAML files by name; none where it is absent.

    Raises:
        RuleInvalid: the faults of all files, a name that differs from its file's among
            them.
    """
    return tuple(read_all(folder, _read).values())


def _read(path: Path) -> Computed:
    found = parse_trait(_document(path), path.name)
    if found.name != path.stem:
        fault = Fault("trait", "differs from the file's name", path.stem)
        raise RuleInvalid(path.name, [fault])
    return found


def _document(path: Path) -> object:
    try:
        return load(path.read_text(encoding="utf-8"), path.name)
    except RuleInvalid:
        raise
    except UsageError as error:
        raise RuleInvalid(path.name, [Fault("file", str(error))]) from error


def _as_far_as_sound(folder: Path) -> Iterator[Computed]:
    """Yield the traits of a folder without what is at fault in them, where that is one.

    For faults that the data find; those of the files themselves are known already.
    """
    for path in yaml_files(folder):
        try:
            document = _document(path)
        except RuleInvalid:
            continue
        if isinstance(document, Mapping):
            faults: Faults = []
            _kind().read(document, "", faults)
            again: Faults = []
            found = _kind().read(_sound(document, faults, path.stem), "", again)
            if not again:
                yield found


def _sound(document: Mapping[Any, Any], faults: Faults, name: str) -> dict[Any, Any]:
    """Return a document without the keys at fault; the needed ones stand in for them.

    `max` and `count` need nothing of the data that another aggregate would not.
    """
    wrong = {re.split(r"[.\[]", fault.path.lstrip("."))[0] for fault in faults}
    wrong |= {"agg", "unit"} if wrong & {"agg", "unit"} else set()
    kept = {key: part for key, part in document.items() if str(key) not in wrong}
    any_agg = "max" if "property" in kept else "count"
    return {"trait": name, "agg": any_agg, **kept}


def parse_trait(document: object, where: str = "trait") -> Computed:
    """Return the trait that a document of plain data describes.

    Raises:
        RuleInvalid: the document has faults; all of them are in it, with their paths.
    """
    faults: Faults = []
    found = _kind().read(document, "", faults)
    if faults:
        raise RuleInvalid(
            where,
            [Fault(f.path.lstrip(".") or "trait", f.wrong, f.right) for f in faults],
        )
    return found


@cache
def _kind() -> Kind[Computed]:
    fields = {
        "trait": Field(grammar.text(ID, ID_RIGHT), required=True),
        "description": Field(grammar.text(empty=True), missing=""),
        "timezone": Field(zone_kind(), missing="UTC"),
        "agg": Field(grammar.choice(*AGGREGATES), required=True),
        "property": Field(property_kind()),
        "unit": Field(grammar.choice(*_UNITS), missing=""),
        "event": Field(grammar.text(empty=True)),
        "any_event": Field(grammar.boolean(), missing=False),
        "related": Field(grammar.text(), missing=""),
        "where": Field(clauses_kind(), missing=()),
        "within": Field(within_kind()),
    }
    return grammar.shape(fields, _build)


def _build(given: Mapping[str, Any], path: str, faults: Faults) -> Computed:
    rows = [given["event"] is not None, given["any_event"], bool(given["related"])]
    if sum(rows) != 1:
        wrong = "is over several things" if any(rows) else "is over nothing"
        right = "one of event: NAME, any_event: true, related: ENTITY"
        refuse(faults, path, wrong, right)
    agg, property_ = given["agg"], given["property"]
    if agg in _ALONE and property_ is not None:
        refuse(faults, f"{path}.property", f"is not for {agg}", "leave it out")
    if property_ is None and agg not in (*_ALONE, *_ENDS):
        refuse(
            faults, f"{path}.property", f"is absent, {agg} needs it", "property: NAME"
        )
    if (agg == "time_since") != bool(given["unit"]):
        right = f"unit: one of {', '.join(_UNITS)} for time_since, none for others"
        refuse(faults, f"{path}.unit", "does not fit agg", right)
    return Computed(
        name=given["trait"],
        agg=agg,
        of=Pattern(given["event"], given["where"]),
        entity=given["related"],
        within=given["within"],
        property=property_,
        unit=given["unit"],
        timezone=given["timezone"],
        description=given["description"],
    )


def with_traits_of(folder: Path, population: Population) -> Population:
    """Return a population that has the traits of a folder, as `with_traits` does.

    Raises:
        RuleInvalid: all that is wrong with the files, and with their traits beside the
            population's data.
    """
    try:
        traits = read_traits(folder)
    except RuleInvalid as error:
        beside = _all_faults(tuple(_as_far_as_sound(folder)), population)
        raise RuleInvalid(error.where, [*error.faults, *beside]) from error
    return with_traits(population, traits)


def with_traits(population: Population, traits: Sequence[Computed]) -> Population:
    """Return a population that has the traits' columns, which are yet to be staged.

    Raises:
        RuleInvalid: all that is wrong with the traits beside the population's data.
    """
    if faults := _all_faults(traits, population):
        raise RuleInvalid("config/traits", faults)
    types = {trait.name: type_of_trait(trait, population) for trait in traits}
    attributes = {**population.attributes, **types}
    return replace(population, attributes=attributes, traits=tuple(traits))


def _all_faults(traits: Sequence[Computed], population: Population) -> list[Fault]:
    return [
        Fault(f"{trait.name}: {fault.path}", fault.wrong, fault.right)
        for trait in traits
        for fault in _faults(trait, population)
    ]


def _faults(trait: Computed, population: Population) -> Iterator[Fault]:
    taken = {*population.attributes, population.key, population.text_id}
    if trait.name in taken:
        yield Fault("trait", "is an attribute already", "another name")
    if not trait.entity:
        if population.events is None:
            yield Fault("event", "needs events", "give the events data")
        else:
            yield from clause_faults(
                "where", trait.of.where, lambda p: event_source(population, p)
            )
        return
    yield from name_faults("related", "entity", trait.entity, population.related)
    table = population.related.get(trait.entity)
    if table is None:
        return
    yield from clause_faults(
        "where", trait.of.where, lambda wanted: related_source(table, wanted)
    )
    if (
        trait.property is not None
        and related_source(table, trait.property).tree is None
    ):
        yield from name_faults("property", "column", str(trait.property), table.columns)
    timed = trait.within is not None or trait.agg in (*_ENDS, "time_since")
    if timed and "occurred_at" not in table.columns:
        right = "a column occurred_at in its rows"
        yield Fault("related", f"{trait.entity} has no times", right)


def type_of_trait(trait: Computed, population: Population) -> str:
    """Return the DuckDB type of a trait's column."""
    if trait.agg in _WHOLE:
        return "BIGINT"
    if trait.agg in _ADDED:
        return "DOUBLE"
    if trait.property is None:
        return "TIMESTAMP WITH TIME ZONE"
    is_number = _source(trait, population).kind == "number"
    return "DOUBLE" if is_number and trait.agg in _ENDS else "VARCHAR"


def _source(trait: Computed, population: Population) -> Source:
    wanted = trait.property or Property(("occurred_at",))
    if trait.entity:
        return related_source(population.related[trait.entity], wanted)
    return event_source(population, wanted)


def traits_query(
    population: Population, as_of: datetime, beside: Sequence[str] = ()
) -> exp.Query:
    """Return the select of the key and each trait of everybody, at an instant.

    Args:
        population: its traits are computed.
        as_of: the instant.
        beside: other columns of the profiles that are selected too.
    """
    plan = Plan(population, utc(as_of), {})
    columns: list[Tree] = [trees.column(name, "p") for name in beside]
    for trait in population.traits:
        scope = Scope(plan, zone_of(trait.timezone), compile_node)
        columns.append(trees.named(_value(trait, scope), trait.name))
    scope = Scope(plan, zone_of("UTC"), compile_node)
    query = people([key_column(scope, "p"), *columns], trees.truth(True), scope)
    return finish(query, scope)


def _value(trait: Computed, scope: Scope) -> Tree:
    rows, condition = _rows(trait, scope)
    occurred = trees.column("occurred_at", "r" if trait.entity else "e")

    def fact(aggregate: Tree, present: Tree | None = None) -> Tree:
        chosen = trees.both([condition, *([present] if present is not None else [])])
        return scope.plan.fact(rows, aggregate, chosen)

    if trait.agg == "count":
        return trees.coalesce(fact(trees.count_rows()), trees.integer(0))
    if trait.agg == "time_since":
        return _whole_units(fact(call("max", occurred)), trait.unit, scope)
    if trait.property is None:
        return fact(call("min" if trait.agg == "first" else "max", occurred))
    source = _source(trait, scope.population)
    if trait.agg in _ADDED:
        added = fact(call(_ADDED[trait.agg], readings.as_number(source)))
        return trees.coalesce(added, trees.integer(0)) if trait.agg == "sum" else added
    text = readings.as_text(source)
    if trait.agg == "distinct":
        distinct = exp.Count(this=exp.Distinct(expressions=[text]))
        return trees.coalesce(fact(distinct), trees.integer(0))
    if trait.agg == "most_frequent":
        return _most_frequent(fact(call("histogram", text)))
    value = readings.as_number(source) if source.kind == "number" else text
    tie = text.copy() if trait.entity else event_id(scope)
    end = "arg_min" if trait.agg == "first" else "arg_max"
    return fact(call(end, value, call("row", occurred, tie)), trees.is_present(value))


def _rows(trait: Computed, scope: Scope) -> tuple[str, Tree]:
    """Open the facts about a trait's rows; return their name and which rows count."""
    if not trait.entity:
        rows, left = events(scope, trait.of)
        return rows, candidate(left, trait.within, scope)
    name = f"related_{sorted(scope.population.related).index(trait.entity)}"
    table = scope.population.related[trait.entity]
    if name not in scope.plan.facts:
        relation = trees.relation(table.relation, "r")
        scope.plan.facts[name] = Facts(relation, "r", trees.truth(True))
    tests = [clauses(trait.of.where, related_row(scope, trait.entity))]
    if "occurred_at" in table.columns:
        tests.append(up_to_as_of(scope, alias="r"))
        tests.append(inside(within_span(trait.within, scope.at), scope, alias="r"))
    return name, trees.both(tests)


def _whole_units(last: Tree, unit: str, scope: Scope) -> Tree:
    now = call("epoch_us", trees.instant(scope.plan.as_of))
    passed = exp.Paren(this=trees.minus(now, call("epoch_us", last)))
    return trees.binary(exp.IntDiv, passed, trees.integer(_UNITS[unit]))


def _most_frequent(histogram: Tree) -> Tree:
    """Return the key of the greatest count; of several the first in code points."""
    counts = call("map_values", histogram)
    place = call("list_position", counts, call("list_max", counts.copy()))
    return call("list_extract", call("map_keys", histogram.copy()), place)
