"""Why a rule gives what it gives: SQL, counts, ticks, storage, one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlglot import exp

from dmp.core.errors import UsageError
from dmp.segments import trees
from dmp.segments.answers import Rule, check_patterns, load
from dmp.segments.calendars import utc, zone_of
from dmp.segments.checks import conditions, wheres
from dmp.segments.compiler import (
    compile_conditions,
    compile_node,
    compile_person,
    compile_segment,
)
from dmp.segments.files import Files, Opened, opened
from dmp.segments.live.rules import not_live
from dmp.segments.plan import Plan, Scope
from dmp.segments.rule import (
    Did,
    InSegment,
    Leaf,
    Property,
    Segment,
    Total,
    deep_leaves,
    leaves,
)
from dmp.segments.sources import event_source
from dmp.segments.ticks import Mode, mode_of, next_tick

SAVED_NS = 95
"""Nanoseconds an event row costs more from JSON than from a struct field.

Source: 5 million events, an equality test: 499 ms on JSON, 23 ms on a struct field.
"""


@dataclass(frozen=True)
class ConditionFacts:
    """One condition of a rule.

    Attributes:
        admits: people it alone admits.
        mode: what can change its answer; batch is what the live evaluator refuses.
        next_at: with mode tick, when time alone first can; None: not known, or not
            without new events.
        holds: for the person asked about; None when nobody was.
    """

    path: str
    admits: int
    mode: Mode
    next_at: datetime | None
    holds: bool | None


@dataclass(frozen=True)
class PropertyFacts:
    """One event property that a rule reads.

    Attributes:
        storage: typed (a struct field), json, or nowhere.
        saves_ms: about what an evaluation would save were it promoted to a field.
    """

    property: str
    paths: tuple[str, ...]
    storage: str
    saves_ms: float


@dataclass(frozen=True)
class Explanation:
    """What `explain` tells.

    Attributes:
        profiles: people in the population.
        holds: whether the person asked about is a member; None when nobody was.
    """

    segment: str
    as_of: datetime
    sql: str
    profiles: int
    members: int
    conditions: tuple[ConditionFacts, ...]
    properties: tuple[PropertyFacts, ...]
    profile_id: str | None
    holds: bool | None


def explain(
    rule: Rule,
    *,
    profiles: Path,
    events: Path | None = None,
    related: Mapping[str, Path] | None = None,
    consent: Path | None = None,
    lists: Path | None = None,
    traits: Path | None = None,
    as_of: datetime,
    profile_id: str | None = None,
) -> Explanation:
    """Return why a rule over files gives what it gives.

    Takes and raises what `dmp.segments.members` does.

    Args:
        rule: a file, YAML text, plain data or a segment.
        profiles: profile_id, attributes.
        events: event_id, profile_id, event, occurred_at, properties.
        related: entity -> file.
        consent: profile_id, purpose, status, captured_at.
        lists: folder of `<list_id>.csv`.
        traits: folder of `<trait>.yaml`, computed traits.
        as_of: the instant of the evaluation.
        profile_id: also tell, condition by condition, why this person is in or out.

    Raises:
        UsageError: there is no such profile.
    """
    files = Files(profiles, events, related or {}, consent, lists, traits)
    segment, segments = load(rule)
    with opened(files, as_of) as data:
        check_patterns((segment, *segments.values()), data)
        return explained(segment, segments, data, utc(as_of), profile_id)


def explained(
    segment: Segment,
    segments: Mapping[str, Segment],
    data: Opened,
    as_of: datetime,
    profile_id: str | None = None,
) -> Explanation:
    """Return the explanation of a segment over an opened population."""
    population = data.population
    query = compile_segment(segment, population, as_of, segments=segments)
    counted = compile_conditions(segment, population, as_of, segments=segments)
    ((members, *admitted),) = data.rows(counted.query)
    holds, truths = _person(segment, segments, data, as_of, profile_id)
    scope = Scope(
        Plan(population, as_of, segments), zone_of(segment.timezone), compile_node
    )
    found = [
        ConditionFacts(path, admits, *_timing(leaf, scope, data), truth)
        for (path, leaf), admits, truth in zip(
            leaves(segment.rule), admitted, truths, strict=True
        )
    ]
    return Explanation(
        segment=segment.id,
        as_of=as_of,
        sql=query.sql("duckdb", pretty=True),
        profiles=_rows(data, population.profiles),
        members=members,
        conditions=tuple(found),
        properties=tuple(_properties(segment, data)),
        profile_id=profile_id,
        holds=holds,
    )


def _rows(data: Opened, relation: str) -> int:
    query = trees.select([trees.count_rows()], trees.relation(relation))
    return int(data.rows(query)[0][0])


def _person(
    segment: Segment,
    segments: Mapping[str, Segment],
    data: Opened,
    as_of: datetime,
    profile_id: str | None,
) -> tuple[bool | None, list[bool | None]]:
    if profile_id is None:
        return None, [None for _ in leaves(segment.rule)]
    found = compile_person(
        segment, data.population, as_of, profile_id, segments=segments
    )
    rows = data.rows(found.query)
    if not rows:
        raise UsageError("profile_id: there is no such profile; name one of the file")
    holds, *truths = (bool(truth) for truth in rows[0])
    return holds, [*truths]


def _timing(leaf: Leaf, scope: Scope, data: Opened) -> tuple[Mode, datetime | None]:
    """Return the mode and the next tick; what does not run live is batch."""
    segments = scope.plan.segments
    computed = {trait.name for trait in data.population.traits}
    if not_live(Segment("condition", leaf), segments, computed):
        return Mode.BATCH, None
    mode = mode_of(leaf, segments)
    if mode is not Mode.TICK:
        return mode, None
    try:
        return mode, min(_ticks(leaf, scope, data), default=None)
    except _Unforeseen:
        return mode, None


class _Unforeseen(Exception):
    """When time alone changes something is not known beforehand."""


def _ticks(leaf: Leaf, scope: Scope, data: Opened) -> Iterator[datetime]:
    """Yield when time alone can change a condition, or those of the segment it names.

    Raises:
        _Unforeseen: that is not known.
    """
    if isinstance(leaf, InSegment):
        inner = scope.plan.segments[leaf.id]
        there = scope.in_zone(zone_of(inner.timezone))
        for _, part in deep_leaves(inner.rule):
            if mode_of(part, scope.plan.segments) is Mode.TICK:
                yield from _ticks(part, there, data)
        return
    found = next_tick(leaf, scope)
    if found is None:
        raise _Unforeseen
    if isinstance(found, exp.Query):
        ((micros,),) = data.rows(found)
        found = _instant(micros)
    if found is not None:
        yield found


def _instant(micros: int | None) -> datetime | None:
    if micros is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _properties(segment: Segment, data: Opened) -> Iterator[PropertyFacts]:
    used: dict[str, tuple[Property, list[str]]] = {}
    for path, wanted in _used(segment):
        used.setdefault(str(wanted), (wanted, []))[1].append(path)
    if not used or data.population.events is None:
        return
    rows = _rows(data, data.population.events)
    for name, (wanted, paths) in used.items():
        kind = event_source(data.population, wanted).kind
        storage = {"json": "json", "nothing": "nowhere"}.get(kind, "typed")
        saves = rows * len(paths) * SAVED_NS / 1e6 if storage == "json" else 0.0
        yield PropertyFacts(name, tuple(paths), storage, round(saves, 3))


def _used(segment: Segment) -> Iterator[tuple[str, Property]]:
    for path, leaf in deep_leaves(segment.rule):
        for place, parts in wheres(path, leaf):
            for i, part in enumerate(parts):
                for where, condition in conditions(part, f"{place}[{i}]"):
                    yield where, condition.property
        if isinstance(leaf, Did) and isinstance(leaf.measure, Total):
            yield f"{path}.total", leaf.measure.property
