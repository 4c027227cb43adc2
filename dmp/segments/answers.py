"""What a rule over files answers: members, count, preview, overlap, faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from sqlglot import exp

from dmp.core.errors import Fault, RuleInvalid, UsageError
from dmp.segments import trees
from dmp.segments.compiler import compile_segment, faults_in
from dmp.segments.files import Files, Opened, opened
from dmp.segments.parsing import parse
from dmp.segments.re2 import pattern_faults
from dmp.segments.rule import Segment
from dmp.segments.sound import sound_part
from dmp.segments.source import document_of, read, read_beside

Rule: TypeAlias = Path | str | Mapping[str, Any] | Segment


@dataclass(frozen=True)
class Overlap:
    """How many people two rules share.

    Attributes:
        first: members of the first rule.
        second: members of the second rule.
        both: members of both.
    """

    first: int
    second: int
    both: int


def load(rule: Rule) -> tuple[Segment, Mapping[str, Segment]]:
    """Return a segment and those it refers to.

    Args:
        rule: a YAML or JSON file, beside which references are found as `<id>.yaml`;
            or YAML text, plain data or a segment, which have nothing beside them.

    Raises:
        RuleInvalid: a rule has faults; all of the first faulty file are listed.
    """
    if isinstance(rule, Segment):
        return rule, {}
    if isinstance(rule, Path):
        segment = read(rule)
        return segment, read_beside(segment, rule.parent)
    return (read(rule) if isinstance(rule, str) else parse(rule)), {}


def members(
    rule: Rule,
    *,
    profiles: Path,
    events: Path | None = None,
    related: Mapping[str, Path] | None = None,
    consent: Path | None = None,
    lists: Path | None = None,
    traits: Path | None = None,
    as_of: datetime,
) -> list[str]:
    """Return the profile_ids of the members, sorted by code points.

    Args:
        rule: see `load`.
        profiles: Parquet or CSV: profile_id, attributes; one row per profile.
        events: event_id, profile_id, event, occurred_at, properties.
        related: entity -> file with profile_id and columns.
        consent: profile_id, purpose, status, captured_at.
        lists: folder of `<list_id>.csv` with profile_id.
        traits: folder of `<trait>.yaml`, computed traits.
        as_of: the instant of the evaluation; without an offset it is UTC.

    Raises:
        RuleInvalid: the rule has faults, or names what the files do not have.
        UsageError: a file is absent, lacks a column, or breaks its form.
    """
    files = Files(profiles, events, related or {}, consent, lists, traits)
    segment, segments = load(rule)
    with opened(files, as_of) as data:
        return _members(segment, segments, data, as_of)


def _members(
    segment: Segment, segments: Mapping[str, Segment], data: Opened, as_of: datetime
) -> list[str]:
    check_patterns((segment, *segments.values()), data)
    query = compile_segment(segment, data.population, as_of, segments=segments)
    return sorted(str(row[0]) for row in data.rows(query))


def check_patterns(segments: Sequence[Segment], data: Opened) -> None:
    """Refuse regular expressions that RE2 does not take.

    Raises:
        RuleInvalid: all of them are listed.
    """
    for segment in segments:
        faults = pattern_faults(segment, lambda query: data.rows(query))
        if faults:
            raise RuleInvalid(segment.id, faults)


def count(
    rule: Rule,
    *,
    profiles: Path,
    events: Path | None = None,
    related: Mapping[str, Path] | None = None,
    consent: Path | None = None,
    lists: Path | None = None,
    traits: Path | None = None,
    as_of: datetime,
) -> int:
    """Return the number of members; takes and raises what `members` does."""
    files = Files(profiles, events, related or {}, consent, lists, traits)
    with _asked(rule, files, as_of) as (data, query):
        table = trees.aliased(query, "members")
        ((found,),) = data.rows(trees.select([trees.count_rows()], table))
        return int(found)


@contextmanager
def _asked(
    rule: Rule, files: Files, as_of: datetime
) -> Iterator[tuple[Opened, exp.Query]]:
    segment, segments = load(rule)
    with opened(files, as_of) as data:
        check_patterns((segment, *segments.values()), data)
        query = compile_segment(segment, data.population, as_of, segments=segments)
        yield data, query


def preview(
    rule: Rule,
    *,
    profiles: Path,
    events: Path | None = None,
    related: Mapping[str, Path] | None = None,
    consent: Path | None = None,
    lists: Path | None = None,
    traits: Path | None = None,
    as_of: datetime,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return the first members by profile_id with their attributes as text.

    Takes and raises what `members` does; `limit` is the most rows given. Missing
    values are None.
    """
    files = Files(profiles, events, related or {}, consent, lists, traits)
    with _asked(rule, files, as_of) as (data, query):
        names = ["profile_id", *data.population.attributes]
        columns = [trees.cast(trees.column(name, "p"), "varchar") for name in names]
        member = trees.within_query(trees.column("profile_id", "p"), query)
        profiles_ = trees.relation(data.population.profiles, "p")
        found = trees.select(columns, profiles_, member)
        found = found.order_by(trees.column("profile_id", "p")).limit(limit)
        rows = data.rows(found)
    return [dict(zip(names, row, strict=True)) for row in rows]


def overlap(
    first: Rule,
    second: Rule,
    *,
    profiles: Path,
    events: Path | None = None,
    related: Mapping[str, Path] | None = None,
    consent: Path | None = None,
    lists: Path | None = None,
    traits: Path | None = None,
    as_of: datetime,
) -> Overlap:
    """Return how many people two rules share; raises what `members` does."""
    files = Files(profiles, events, related or {}, consent, lists, traits)
    rules = [load(rule) for rule in (first, second)]
    with opened(files, as_of) as data:
        found = [set(_members(*rule, data, as_of)) for rule in rules]
    return Overlap(len(found[0]), len(found[1]), len(found[0] & found[1]))


def validate(
    rule: Rule,
    *,
    profiles: Path | None = None,
    events: Path | None = None,
    related: Mapping[str, Path] | None = None,
    consent: Path | None = None,
    lists: Path | None = None,
    traits: Path | None = None,
) -> list[Fault]:
    """Return every fault of a rule; none if it can be evaluated.

    Without `profiles` only the rule itself is checked; with it, its names, references
    and patterns too, those of a faulty rule in its sound conditions.

    Raises:
        UsageError: a file is absent or breaks its form.
    """
    if profiles is None and (events or related or consent or lists or traits):
        raise UsageError("profiles: needed beside the other files")
    faults: list[Fault] = []
    try:
        segment, segments = load(rule)
    except RuleInvalid as error:
        faults += error.faults
        segment, segments = _load_sound(rule)
    if profiles is None:
        return faults
    files = Files(profiles, events, related or {}, consent, lists, traits)
    with opened(files, datetime.max) as data:
        faults += faults_in(segment, data.population, segments)
        for one in (segment, *segments.values()):
            faults += pattern_faults(one, lambda query: data.rows(query))
    return faults


def _load_sound(rule: Rule) -> tuple[Segment, Mapping[str, Segment]]:
    """Return what is sound of a faulty rule, and what it refers to, as `load` does."""
    try:
        document = document_of(rule) if isinstance(rule, Path | str) else rule
        segment = sound_part(document)
        folder = rule.parent if isinstance(rule, Path) else None
        return segment, read_beside(segment, folder) if folder else {}
    except RuleInvalid:
        return sound_part(None), {}
