"""Files mode: rules over Parquet or CSV files, without a workspace.

The files are read into an in-memory database, which is then closed to the outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dmp.core.errors import QueryFailed, UsageError
from dmp.core.sql import Name, Query, quote_file, sql
from dmp.segments import trees
from dmp.segments.calendars import utc
from dmp.segments.csv_types import typed_columns
from dmp.segments.sources import Population, RelatedTable, kind_of, type_of

if TYPE_CHECKING:
    import duckdb

Column = Callable[[str, str], Query]


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
    """

    profiles: Path
    events: Path | None = None
    related: Mapping[str, Path] = field(default_factory=dict)
    consent: Path | None = None
    lists: Path | None = None


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
        return _run(self.connection, query)


def connect() -> duckdb.DuckDBPyConnection:
    """Return an empty in-memory database whose session time is UTC."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = true")
    return connection


def _run(
    connection: duckdb.DuckDBPyConnection, query: Query | exp.Query
) -> list[tuple[Any, ...]]:
    import duckdb

    from dmp.storage.failures import failed

    bound = query.params if isinstance(query, Query) else {}
    text = str(query) if isinstance(query, Query) else query.sql("duckdb")
    try:
        return connection.execute(text, dict(bound) or None).fetchall()
    except duckdb.Error as error:
        raise failed(text, error) from error


@contextmanager
def opened(files: Files, as_of: datetime) -> Iterator[Opened]:
    """Yield the files as a population; the database is gone afterwards.

    Raises:
        UsageError: a file is absent, lacks a column, or breaks its form.
    """
    connection = connect()
    try:
        population = _load(connection, files, utc(as_of))
        _run(connection, Query("set enable_external_access = false"))
        _run(connection, Query("set lock_configuration = true"))
        yield Opened(connection, population)
    finally:
        connection.close()


def _load(
    connection: duckdb.DuckDBPyConnection, files: Files, as_of: datetime
) -> Population:
    attributes = _table(connection, "profile", files.profiles, {"profile_id": _text})
    _check_profiles(connection, files.profiles)
    related = {
        entity: RelatedTable(f"related_{i}", _related(connection, f"related_{i}", path))
        for i, (entity, path) in enumerate(sorted(files.related.items()))
    }
    typed, extra = _events(connection, files.events, as_of)
    if files.consent is not None:
        _table(connection, "consent", files.consent, _CONSENT)
    lists = _lists(connection, files.lists)
    views = {"profiles": "profile"}
    views |= {"events": "event_published"} if files.events else {}
    views |= {"consent": "consent"} if files.consent else {}
    views |= {entity: table.relation for entity, table in related.items()}
    return Population(
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


def _related(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path
) -> Mapping[str, str]:
    return _table(connection, table, path, {"profile_id": _text})


def _lists(
    connection: duckdb.DuckDBPyConnection, folder: Path | None
) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for i, path in enumerate(sorted(folder.glob("*.csv")) if folder else ()):
        _table(connection, f"list_{i}", path, {"profile_id": _text}, others=False)
        found[path.stem] = f"list_{i}"
    return found


def _text(name: str, type_: str) -> Query:
    return sql("cast({n} as varchar) as {n}", n=Name(name))


def _instant(name: str, type_: str) -> Query:
    kind = kind_of(type_of(type_))
    if kind == "instant" and "TIME ZONE" not in type_:
        naive = "timezone('UTC', cast({n} as timestamp)) as {n}"
        return sql(naive, n=Name(name))
    return sql("cast({n} as timestamptz) as {n}", n=Name(name))


def _properties(name: str, type_: str) -> Query:
    kind = kind_of(type_of(type_))
    if type_.startswith("STRUCT"):
        return sql("{n}", n=Name(name))
    if kind in ("text", "json"):
        return sql("cast({n} as json) as extra", n=Name(name))
    return sql("to_json({n}) as extra", n=Name(name))


_CONSENT: Mapping[str, Column] = {
    "profile_id": _text,
    "purpose": _text,
    "status": _text,
    "captured_at": _instant,
}
_EVENT: Mapping[str, Column] = {
    "event_id": _text,
    "profile_id": _text,
    "event": _text,
    "occurred_at": _instant,
}


def _events(
    connection: duckdb.DuckDBPyConnection, path: Path | None, as_of: datetime
) -> tuple[Mapping[str, str], str]:
    if path is None:
        return {}, ""
    given = _columns(connection, path)
    wanted = dict(_EVENT)
    if "properties" in given:
        wanted["properties"] = _properties
    _table(connection, "event", path, wanted, others=False)
    _run(connection, Query(_DROP_DUPLICATES))
    _publish_events(connection, as_of)
    type_ = given.get("properties", "")
    if type_.startswith("STRUCT"):
        members = type_of(type_).expressions
        return {m.name: m.args["kind"].sql("duckdb") for m in members}, ""
    return {}, "extra" if type_ else ""


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
    late = trees.lte(trees.column("occurred_at"), trees.instant(as_of))
    rows = trees.select([exp.Star()], trees.relation("event"), late)
    view = f"create view event_published as {rows.sql('duckdb')}"
    _run(connection, Query(view))


def _table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    columns: Mapping[str, Column],
    *,
    others: bool = True,
) -> Mapping[str, str]:
    """Read a file into a table and return the types of the columns not named."""
    given = _columns(connection, path)
    absent = [name for name in columns if name not in given]
    if absent:
        raise UsageError(
            f"{path}: has no column {', '.join(absent)}; it has {', '.join(given)}"
        )
    rest = [name for name in given if name not in columns] if others else []
    typed = typed_columns(connection, _reader(path), rest) if _is_csv(path) else {}
    parts = [make(name, given[name]) for name, make in columns.items()]
    parts += [typed.get(name, sql("{n}", n=Name(name))) for name in rest]
    template = "create table {t} as select {c} from {f}"
    made = sql(template, t=Name(table), c=parts, f=_reader(path))
    try:
        _run(connection, made)
    except QueryFailed as error:
        raise UsageError(f"{path}: {_first_line(error)}") from error
    return {name: kind for name, kind in _types(connection, table) if name in rest}


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    rows = _run(connection, sql("describe {t}", t=Name(table)))
    return [(str(row[0]), str(row[1])) for row in rows]


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; name a Parquet or CSV file")
    try:
        rows = _run(connection, sql("describe select * from {f}", f=_reader(path)))
    except QueryFailed as error:
        raise UsageError(f"{path}: {_first_line(error)}") from error
    return {str(row[0]): str(row[1]) for row in rows}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz"))


def _reader(path: Path) -> Query:
    """Return the table function that reads a file; its name holds no pattern."""
    file = quote_file(path)
    if _is_csv(path):
        form = ", header = true, all_varchar = true, allow_quoted_nulls = false"
        return Query(f"read_csv({file}{form})")
    return Query(f"read_parquet({file})")


def _check_profiles(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    counted = "select count(*), count(profile_id), count(distinct profile_id)"
    ((rows, named, distinct),) = _run(connection, Query(f"{counted} from profile"))
    if rows != distinct:
        raise UsageError(
            f"{path}: one row per profile_id is right; {rows - named} rows have none, "
            f"{named - distinct} repeat one"
        )
