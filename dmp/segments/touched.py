"""Who has to be judged again: changed data since a snapshot, and time that passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import Query, sql
from dmp.segments.population import KEY
from dmp.segments.sources import Population
from dmp.segments.turning import Turning, attributes_sql, passed_sql
from dmp.storage.lake import CATALOG, Lake

_OF_SUBJECTS = ("core.event", "core.transaction", "privacy.consent")
_OF_PROFILES = ("identity.assignment", "identity.profile", "profile.profile")
_FEEDS = ("ducklake_table_insertions", "ducklake_table_deletions")


@dataclass(frozen=True)
class Base:
    """The evaluation that one is built on.

    Attributes:
        as_of: its instant.
        snapshot: of the lake that it read.
    """

    as_of: datetime
    snapshot: int


def snapshots(lake: Lake) -> frozenset[int]:
    """Return those of which the lake can still tell what changed since: they expire."""
    return frozenset(
        number for (number,) in lake.rows("select snapshot_id from lake.snapshots()")
    )


@dataclass(frozen=True)
class Touched:
    """Who has to be judged again.

    Attributes:
        table: `profile_key`, and for each segment whether its answer may be another.
        columns: by segment, the column that says so.
        people: how many rows it has.
    """

    table: str
    columns: Mapping[str, str]
    people: int


def stage_touched(
    lake: Lake,
    name: str,
    base: Base,
    snapshot: int,
    found: Turning,
    population: Population,
    segments: Sequence[str],
) -> Touched:
    """Stage the touched, and return who they are.

    Those with a row that came, changed or went since the base, of their own or of a
    subject that is theirs now; those whose profile or share of subjects changed; and
    those whom time alone can have changed, each for the segments where it can.
    Profiles that are no more are among them.

    Args:
        name: of the scratch table.
        base: the evaluation before.
        snapshot: up to which the lake is looked at.
        found: how time went on.
        population: everybody.
        segments: those to judge again.
    """
    columns = {segment: f"t{n}" for n, segment in enumerate(segments)}
    whole = " union all ".join(
        f"({part})"
        for part in (
            f"select {KEY} from identity.profile where false",
            *_changed(base.snapshot, snapshot),
            *_decided(found, population),
        )
    )
    every = ", ".join(f"true as {column}" for column in columns.values())
    parts = [f"select {KEY}, {every} from ({whole})"]
    passed = [f"({q.sql('duckdb')})" for q in passed_sql(found, columns)]
    if passed:
        mine = ", ".join(columns.values())
        parts.append(
            f"select a.{KEY}, {mine} from ({' union all '.join(passed)}) as e "
            "join identity.assignment as a using (subject_id) where a.valid_to is null"
        )
    attributes = attributes_sql(found, population, columns)
    if attributes is not None:
        parts.append(attributes.sql("duckdb"))
    some = ", ".join(f"bool_or({column}) as {column}" for column in columns.values())
    rows = " union all ".join(f"({part})" for part in parts)
    table = lake.stage(
        name,
        Query(f"select {KEY}, {some} from ({rows}) group by {KEY} order by {KEY}"),
    )
    people = lake.value(sql("select count(*) from {t}", t=table))
    return Touched(name, columns, int(people))


def _changed(since: int, until: int) -> list[str]:
    if since >= until:
        return []
    parts = [
        f"select {KEY} from identity.assignment where valid_to is null and subject_id "
        f"in ({feed(table, 'subject_id', since, until)})"
        for table in _OF_SUBJECTS
    ]
    return parts + [feed(table, KEY, since, until) for table in _OF_PROFILES]


def feed(table: str, column: str, since: int, until: int) -> str:
    """Return the select of a column of the rows that came or went in (since, until]."""
    if since >= until:
        return f"select {column} from {table} where false"
    schema, _, name = table.partition(".")
    return " union all ".join(
        f"select {column} from {function}('{CATALOG}', '{schema}', '{name}', "
        f"{since + 1}, {until})"
        for function in _FEEDS
    )


def _decided(found: Turning, population: Population) -> list[str]:
    """Return the select of whose decisions as_of passed over: they count now."""
    if found.then == found.now:
        return []
    bounds = f"'{found.then.isoformat()}' and '{found.now.isoformat()}'"
    return [
        f"select {KEY} from {population.consent} where captured_at between {bounds}"
    ]
