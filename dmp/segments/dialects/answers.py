"""The SQL of a segment in a dialect, or every reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments.answers import Rule, check_patterns, load
from dmp.segments.dialects.bigquery import BIGQUERY
from dmp.segments.dialects.postgres import POSTGRES
from dmp.segments.dialects.rewriting import Dialect, NotPortable, rewrite
from dmp.segments.dialects.snowflake import SNOWFLAKE
from dmp.segments.dialects.spark import DATABRICKS, SPARK
from dmp.segments.dialects.traits import compiled
from dmp.segments.files import Files, opened
from dmp.segments.rule import InSegment, Segment, Sql, deep_leaves, leaves
from dmp.segments.sources import Population
from dmp.segments.trees import Tree

OTHERS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (POSTGRES, SPARK, DATABRICKS, SNOWFLAKE, BIGQUERY)
}
DIALECTS = ("duckdb", *OTHERS)


def named_population(population: Population) -> Population:
    """Return the population under the names that a warehouse's tables have.

    `profiles`, `events` with a column `properties`, `consent`, related tables by their
    entity and lists by their id, each with `profile_id`. Computed traits are no columns
    of `profiles`: the statement computes those that a rule reads.
    """
    return replace(
        population,
        profiles="profiles",
        ordered_ids=False,
        key="profile_id",
        text_id="profile_id",
        events="events" if population.events else None,
        json_properties="properties" if population.json_properties else "",
        related={
            entity: replace(table, relation=entity)
            for entity, table in population.related.items()
        },
        consent="consent" if population.consent else None,
        lists={name: name for name in population.lists},
    )


def segment_sql(
    segment: Segment,
    population: Population,
    as_of: datetime,
    *,
    dialect: str,
    segments: Mapping[str, Segment],
) -> str:
    """Return one statement that selects the profile_ids of the members.

    Args:
        segment: the rule.
        population: types and names of the tables; see `named_population`.
        as_of: the instant; it stands in the statement.
        dialect: one of `DIALECTS`.
        segments: by id, those that the rule may refer to.

    Raises:
        RuleInvalid: the rule does not compile, or the dialect cannot say all of it
            exactly; every such condition is named with the reason.
    """
    if dialect == "duckdb":
        query = compiled(segment, population, as_of, segments)
        return query.sql("duckdb", pretty=True)
    try:
        said = _said(segment, population, as_of, dialect, segments)
    except NotPortable as error:
        faults = list(refusals(segment, population, as_of, dialect, segments))
        if not faults:
            faults = [Fault("rule", str(error), _right(dialect))]
        raise RuleInvalid(f"{segment.id} in {dialect}", faults) from error
    return said.sql(OTHERS[dialect].name, pretty=True)


def sql_on_files(
    rule: Rule,
    *,
    dialect: str,
    profiles: Path,
    events: Path | None = None,
    related: Mapping[str, Path] | None = None,
    consent: Path | None = None,
    lists: Path | None = None,
    traits: Path | None = None,
    as_of: datetime,
) -> str:
    """Return the SQL of a rule for a warehouse whose tables are as these files are.

    Raises:
        RuleInvalid: the rule has faults, or the dialect cannot say it exactly.
        UsageError: a file is absent, lacks a column, or breaks its form.
    """
    segment, segments = load(rule)
    files = Files(profiles, events, related or {}, consent, lists, traits)
    with opened(files, as_of) as data:
        check_patterns((segment, *segments.values()), data)
        population = named_population(data.population)
    return segment_sql(segment, population, as_of, dialect=dialect, segments=segments)


def refusals(
    segment: Segment,
    population: Population,
    as_of: datetime,
    dialect: str,
    segments: Mapping[str, Segment],
) -> Iterator[Fault]:
    """Yield each condition that a dialect cannot say exactly, with the reason."""
    for path, leaf in leaves(segment.rule):
        alone = replace(segment, rule=leaf)
        wrong = _reason(alone, population, as_of, dialect, segments)
        if wrong:
            yield Fault(path, wrong, _right(dialect))


def _right(dialect: str) -> str:
    return f"a rule within the portable subset, to run in {dialect}"


def _reason(
    segment: Segment,
    population: Population,
    as_of: datetime,
    dialect: str,
    segments: Mapping[str, Segment],
) -> str:
    try:
        _said(segment, population, as_of, dialect, segments)
    except NotPortable as error:
        return str(error)
    return ""


def _said(
    segment: Segment,
    population: Population,
    as_of: datetime,
    dialect: str,
    segments: Mapping[str, Segment],
) -> Tree:
    """Return the statement as a dialect says it.

    Raises:
        NotPortable: it cannot say all of it exactly; the first reason.
    """
    if _has_sql(segment, segments, {segment.id}):
        raise NotPortable("is SQL of DuckDB")
    return rewrite(compiled(segment, population, as_of, segments), OTHERS[dialect])


def _has_sql(segment: Segment, segments: Mapping[str, Segment], seen: set[str]) -> bool:
    """Say whether a rule, or one it refers to, holds a `sql` node."""
    for _, leaf in deep_leaves(segment.rule):
        if isinstance(leaf, Sql):
            return True
        if isinstance(leaf, InSegment) and leaf.id in segments and leaf.id not in seen:
            seen.add(leaf.id)
            if _has_sql(segments[leaf.id], segments, seen):
                return True
    return False
