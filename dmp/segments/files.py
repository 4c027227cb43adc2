"""Files mode: rules over Parquet or CSV files, without a workspace.

The files are read into an in-memory database, which is then closed to the outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dmp.core.errors import UsageError
from dmp.core.sql import Name, Query, sql
from dmp.segments import trees
from dmp.segments.calendars import utc
from dmp.segments.computed import traits_query, with_traits_of
from dmp.segments.file_tables import (
    Column,
    as_instant,
    as_text,
    column_types,
    columns_of,
    connect,
    read_table,
    readable,
    reader,
    run,
)
from dmp.segments.sources import Population, RelatedTable, kind_of, type_of

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Files:
    """The files of an evaluation, each Parquet or CSV.

    Attributes:
        profiles: profile_id, then attributes; one row per profile.
        events: event_id, profile_id, event, occurred_at, properties (JSON text or a
            struct; may be absent). Of one event_id the first row counts.
        related: entity -> file with profile_id, then columns.
        consent: profile_id, purpose, status, captured_at.
        lists: folder of `<list_id>.csv`, each with profile_id.
        traits: folder of `<trait>.yaml`, computed traits.
    """

    profiles: Path
    events: Path | None = None
    related: Mapping[str, Path] = field(default_factory=dict)
    consent: Path | None = None
    lists: Path | None = None
    traits: Path | None = None


@dataclass(frozen=True)
class Opened:
    """An in-memory database that holds the files, and where its SQL reads."""

    connection: duckdb.DuckDBPyConnection
    population: Population

    def rows(self, query: Query | exp.Query) -> list[tuple[Any, ...]]:
        """Return all rows of a query.

        Raises:
            QueryFailed: DuckDB refused it; keeps the SQL, never a value.
        """
        return run(self.connection, query)


@contextmanager
def opened(files: Files, as_of: datetime, *, closed: bool = True) -> Iterator[Opened]:
    """Yield the files as a population; the database is gone afterwards.

    Args:
        files: what to read.
        as_of: the instant of the evaluation.
        closed: no statement reads or writes any other file.

    Raises:
        UsageError: a file is absent, lacks a column, or breaks its form.
    """
    connection = connect()
    try:
        population = _load(connection, files, utc(as_of))
        if closed:
            run(connection, Query("set enable_external_access = false"))
            run(connection, Query("set lock_configuration = true"))
        yield Opened(connection, population)
    finally:
        connection.close()


def _load(
    connection: duckdb.DuckDBPyConnection, files: Files, as_of: datetime
) -> Population:
    attributes = read_table(
        connection, "profile", files.profiles, {"profile_id": as_text}
    )
    _check_profiles(connection, files.profiles)
    related = {
        entity: RelatedTable(f"related_{i}", _related(connection, f"related_{i}", path))
        for i, (entity, path) in enumerate(sorted(files.related.items()))
    }
    typed, extra = _events(connection, files.events, as_of)
    if files.consent is not None:
        read_table(connection, "consent", files.consent, _CONSENT)
    lists = _lists(connection, files.lists)
    views = {"profiles": "profile"}
    views |= {"events": "event_published"} if files.events else {}
    views |= {"consent": "consent"} if files.consent else {}
    views |= {entity: table.relation for entity, table in related.items()}
    population = Population(
        profiles="profile",
        attributes=attributes,
        events="event" if files.events else None,
        typed_properties=typed,
        json_properties=extra,
        related=related,
        consent="consent" if files.consent else None,
        lists=lists,
        views=views,
    )
    if files.traits:
        population = with_traits_of(files.traits, population)
    return _add_traits(connection, population, as_of)


def _add_traits(
    connection: duckdb.DuckDBPyConnection, population: Population, as_of: datetime
) -> Population:
    """Put the computed traits beside the attributes of `profile`."""
    if population.traits:
        traits = traits_query(population, as_of).sql("duckdb")
        added = f"select * from profile join ({traits}) using (profile_id)"
        run(connection, Query(f"create table with_traits as {added}"))
        run(connection, Query("drop table profile"))
        run(connection, Query("alter table with_traits rename to profile"))
    return population


def _related(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path
) -> Mapping[str, str]:
    return read_table(connection, table, path, {"profile_id": as_text})


def _lists(
    connection: duckdb.DuckDBPyConnection, folder: Path | None
) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for i, path in enumerate(sorted(folder.glob("*.csv")) if folder else ()):
        read_table(connection, f"list_{i}", path, {"profile_id": as_text}, others=False)
        found[path.stem] = f"list_{i}"
    return found


def _properties(name: str, type_: str) -> Query:
    kind = kind_of(type_of(type_))
    if type_.startswith("STRUCT"):
        return sql("{n}", n=Name(name))
    if kind in ("text", "json"):
        written = "cast(nullif(trim(cast({n} as varchar)), '') as json) as extra"
        return sql(written, n=Name(name))
    return sql("to_json({n}) as extra", n=Name(name))


_CONSENT: Mapping[str, Column] = {
    "profile_id": as_text,
    "purpose": as_text,
    "status": as_text,
    "captured_at": as_instant,
}
_EVENT: Mapping[str, Column] = {
    "event_id": as_text,
    "profile_id": as_text,
    "event": as_text,
    "occurred_at": as_instant,
}


def _events(
    connection: duckdb.DuckDBPyConnection, path: Path | None, as_of: datetime
) -> tuple[Mapping[str, str], str]:
    if path is None:
        return {}, ""
    given = columns_of(connection, path)
    wanted = dict(_EVENT)
    if "properties" in given:
        wanted["properties"] = _properties
        _check_json(connection, path, given["properties"])
    read_table(connection, "event", path, wanted, others=False)
    run(connection, Query(_DROP_DUPLICATES))
    _publish_events(connection, as_of)
    type_ = given.get("properties", "")
    if type_.startswith("STRUCT"):
        members = type_of(type_).expressions
        return {m.name: m.args["kind"].sql("duckdb") for m in members}, ""
    return {}, "extra" if type_ else ""


def _check_json(connection: duckdb.DuckDBPyConnection, path: Path, type_: str) -> None:
    """Refuse a text column of properties in which some row is no JSON."""
    if kind_of(type_of(type_)) != "text":
        return
    bad = "trim(properties) <> '' and not json_valid(properties)"
    counted = f"select count(*) from {reader(path).text} where {bad}"
    with readable(path):
        ((rows,),) = run(connection, Query(counted))
    if rows:
        raise UsageError(
            f"{path}: properties are no JSON in {rows:,} row{'s' * (rows > 1)}; "
            "an object, or nothing, is right"
        )


_DROP_DUPLICATES = """
delete from event where rowid in (
  select row_id from (
    select rowid as row_id, row_number() over (partition by event_id order by rowid) n
    from event where event_id in (
      select event_id from event group by event_id having count(*) > 1
    )
  ) where n > 1
)
"""


def _publish_events(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """Show sql nodes the events up to as_of, with the columns of the file."""
    columns = [
        trees.named(trees.column(name), "properties" if name == "extra" else name)
        for name, _ in column_types(connection, "event")
    ]
    known = trees.lte(trees.column("occurred_at"), trees.instant(as_of))
    rows = trees.select(columns, trees.relation("event"), known)
    view = f"create view event_published as {rows.sql('duckdb')}"
    run(connection, Query(view))


def _check_profiles(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    counted = "select count(*), count(profile_id), count(distinct profile_id)"
    ((rows, named, distinct),) = run(connection, Query(f"{counted} from profile"))
    if rows != distinct:
        raise UsageError(
            f"{path}: one row per profile_id is right; {rows - named} rows have none, "
            f"{named - distinct} repeat one"
        )
