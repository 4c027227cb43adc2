"""Faults that show only beside the data: names, references, types of columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments.calendars import CALENDAR_UNITS
from dmp.segments.grammar import near
from dmp.segments.literals import is_time
from dmp.segments.operators import NUMBER_OPS, OPERATORS, Takes
from dmp.segments.rule import All as Every
from dmp.segments.rule import (
    AnyOf,
    Attribute,
    Clause,
    Comparison,
    Condition,
    Consent,
    Did,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Leaf,
    Node,
    Not,
    Other,
    Property,
    Regularly,
    Related,
    Restarted,
    Segment,
    Sequence,
    Sql,
    Stopped,
    Top,
    deep_leaves,
)
from dmp.segments.sandbox import checked_select
from dmp.segments.sources import (
    Population,
    Source,
    attribute_source,
    event_source,
    related_source,
)

_ABOUT_EVENTS = (Did, Endmost, Sequence, FirstTime, Regularly, Stopped, Restarted)
Find = Callable[[Property], Source]


def faults_of(
    segment: Segment, population: Population, segments: Mapping[str, Segment]
) -> list[Fault]:
    """Return what is wrong with a rule beside this population; none if it compiles.

    Faults of segments it refers to come with that segment's id before their path.
    """
    known = {**segments, segment.id: segment}
    faults = [*cycle_faults(segment, known), *_faults(segment.rule, population, known)]
    for other in sorted(reachable(segment, known) - {segment.id}):
        for fault in _faults(known[other].rule, population, known):
            place = f"segment {other}: {fault.path}"
            faults.append(Fault(place, fault.wrong, fault.right))
    return faults


def references(segment: Segment) -> dict[str, str]:
    """Return the segments that a rule refers to, and the first place of each."""
    found: dict[str, str] = {}
    for path, leaf in deep_leaves(segment.rule):
        if isinstance(leaf, InSegment):
            found.setdefault(leaf.id, path)
    return found


def reachable(segment: Segment, known: Mapping[str, Segment]) -> set[str]:
    """Return the ids of a segment and of all that it refers to, however far."""
    seen, waiting = {segment.id}, [segment.id]
    while waiting:
        for id_ in references(known[waiting.pop()]):
            if id_ in known and id_ not in seen:
                seen.add(id_)
                waiting.append(id_)
    return seen


def cycle_faults(segment: Segment, known: Mapping[str, Segment]) -> Iterator[Fault]:
    """Yield one fault when any reference path leads back to where it was."""
    done: set[str] = set()
    places = references(segment)

    def walk(id_: str, trail: tuple[str, ...]) -> tuple[str, ...] | None:
        if id_ in trail:
            return (*trail[trail.index(id_) :], id_)
        if id_ in done or id_ not in known:
            return None
        for other in references(known[id_]):
            found = walk(other, (*trail, id_))
            if found:
                return found
        done.add(id_)
        return None

    for id_, place in places.items():
        circle = walk(id_, (segment.id,))
        if circle:
            wrong = f"refers back to itself: {' → '.join(circle)}"
            yield Fault(place, wrong, "take one of these references out")
            return


def _faults(
    node: Node, population: Population, known: Mapping[str, Segment]
) -> Iterator[Fault]:
    for path, leaf in deep_leaves(node):
        yield from _leaf(path, leaf, population, known)


def _leaf(
    path: str, leaf: Leaf, population: Population, known: Mapping[str, Segment]
) -> Iterator[Fault]:
    match leaf:
        case Attribute():
            yield from _attribute(path, leaf, population)
        case Top():
            yield from _top(path, leaf, population)
        case InSegment(id_):
            yield from name_faults(path, "segment", id_, known)
        case InList(id_):
            yield from name_faults(path, "list", id_, population.lists)
        case Consent() if population.consent is None:
            yield Fault(path, "needs consent decisions", "give the consent data")
        case Related():
            yield from _related(path, leaf, population)
        case Sql(select):
            yield from _sql(path, select, population)
        case _ if isinstance(leaf, _ABOUT_EVENTS):
            yield from _events(path, leaf, population)


def name_faults(
    path: str, what: str, name: str, known: Mapping[str, object]
) -> Iterator[Fault]:
    """Yield a fault where a name is not among those known."""
    if name not in known:
        right = near(name, known) if known else f"there is no {what} yet"
        yield Fault(path, f"no {what} {name!r}", right)


def _sql(path: str, select: str, population: Population) -> Iterator[Fault]:
    try:
        checked_select(select, population.views, path)
    except RuleInvalid as error:
        yield from error.faults


def _attribute(path: str, leaf: Attribute, population: Population) -> Iterator[Fault]:
    place = path.removesuffix(".attribute")
    others = [str(other.property) for other in _others(leaf.comparison)]
    for name in (leaf.name, *others):
        yield from name_faults(path, "attribute", name, population.attributes)

    def find(wanted: Property) -> Source:
        return attribute_source(population, str(wanted))

    yield from _comparison(place, find(Property((leaf.name,))), leaf.comparison)


def _others(comparison: Comparison) -> list[Other]:
    return [v for v in (comparison.value, comparison.to) if isinstance(v, Other)]


def _top(path: str, leaf: Top, population: Population) -> Iterator[Fault]:
    yield from name_faults(f"{path}.by", "attribute", leaf.by, population.attributes)
    source = attribute_source(population, leaf.by)
    if source.kind in ("list", "json", "other"):
        yield Fault(f"{path}.by", "has no order", "a number, text or date attribute")


def _related(path: str, leaf: Related, population: Population) -> Iterator[Fault]:
    yield from name_faults(f"{path}.entity", "entity", leaf.entity, population.related)
    table = population.related.get(leaf.entity)
    if table is not None:
        yield from clause_faults(
            f"{path}.where", leaf.where, lambda wanted: related_source(table, wanted)
        )


def _events(path: str, leaf: Leaf, population: Population) -> Iterator[Fault]:
    if population.events is None:
        yield Fault(path, "needs events", "give the events data")
        return

    def find(wanted: Property) -> Source:
        return event_source(population, wanted)

    for place, parts in wheres(path, leaf):
        yield from clause_faults(place, parts, find)


def wheres(path: str, leaf: Leaf) -> Iterator[tuple[str, tuple[Clause, ...]]]:
    """Yield the lists of conditions on events that a node holds, with their paths."""
    if isinstance(leaf, Sequence):
        for i, step in enumerate(leaf.steps):
            yield f"{path}.steps[{i}].where", step.pattern.where
    elif isinstance(leaf, _ABOUT_EVENTS):
        yield f"{path}.where", leaf.pattern.where
    if isinstance(leaf, Endmost):
        yield f"{path}.has", leaf.has


def clause_faults(path: str, parts: tuple[Clause, ...], find: Find) -> Iterator[Fault]:
    """Yield what is wrong with conditions on rows beside their columns."""
    for i, part in enumerate(parts):
        for place, condition in conditions(part, f"{path}[{i}]"):
            source = find(condition.property)
            yield from _comparison(place, source, condition.comparison)


def conditions(part: Clause | Node, path: str) -> Iterator[tuple[str, Condition]]:
    """Yield the conditions of a clause with their paths."""
    if isinstance(part, Condition):
        yield path, part
    elif isinstance(part, Every | AnyOf):
        key = "all" if isinstance(part, Every) else "any"
        for i, inner in enumerate(part.parts):
            yield from conditions(inner, f"{path}.{key}[{i}]")
    elif isinstance(part, Not):
        yield from conditions(part.part, f"{path}.not")


def _comparison(path: str, source: Source, made: Comparison) -> Iterator[Fault]:
    """Yield what cannot be on a column of this type."""
    dated = source.kind in ("date", "instant")
    if dated and made.op in NUMBER_OPS:
        for name, value in _literals(made):
            if not is_time(value):
                right = "a date or an instant, as the column is"
                yield Fault(f"{path}.{name}", "is no date or instant", right)
    takes = OPERATORS[made.op].takes
    small = made.unit is not None and made.unit not in CALENDAR_UNITS
    if source.kind == "date" and small and takes in (Takes.COUNT, Takes.AGO):
        right = f"one of {', '.join(CALENDAR_UNITS)}"
        yield Fault(f"{path}.unit", "is below a day, the column is a date", right)


def _literals(made: Comparison) -> Iterator[tuple[str, str]]:
    values = made.value if isinstance(made.value, tuple) else (made.value,)
    for value in values:
        if isinstance(value, str):
            yield "value", value
    if isinstance(made.to, str):
        yield "to", made.to
