"""Files as tables of an in-memory DuckDB: Parquet or CSV, read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dmp.core.errors import QueryFailed, UsageError
from dmp.core.sql import Name, Query, quote_file, sql
from dmp.segments.csv_faults import csv_fault
from dmp.segments.csv_types import fits, types_of
from dmp.segments.sources import kind_of, type_of

if TYPE_CHECKING:
    import duckdb

Column = Callable[[str, str], Query]


def connect() -> duckdb.DuckDBPyConnection:
    """Return an empty in-memory database whose session time is UTC."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = true")
    return connection


def run(
    connection: duckdb.DuckDBPyConnection, query: Query | exp.Query
) -> list[tuple[Any, ...]]:
    """Return all rows of a query.

    Raises:
        QueryFailed: DuckDB refused it; keeps the SQL, never a value.
    """
    import duckdb

    from dmp.storage.failures import failed

    bound = query.params if isinstance(query, Query) else {}
    text = str(query) if isinstance(query, Query) else query.sql("duckdb")
    try:
        return connection.execute(text, dict(bound) or None).fetchall()
    except duckdb.Error as error:
        raise failed(text, error) from error


def read_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    columns: Mapping[str, Column],
    *,
    others: bool = True,
) -> Mapping[str, str]:
    """Read a file into a table and return the types of the columns not named."""
    given = columns_of(connection, path)
    absent = [name for name in columns if name not in given]
    if absent:
        fault = _is_csv(path) and csv_fault(path)
        has = f"has no column {', '.join(absent)}; {_heading(given)}"
        raise UsageError(f"{path}: {fault or has}")
    rest = [name for name in given if name not in columns] if others else []
    with readable(path):
        typed = _csv_types(connection, path, rest)
    parts = [make(name, given[name]) for name, make in columns.items()]
    parts += [_typed(name, typed.get(name, "")) for name in rest]
    template = "create table {t} as select {c} from {f}"
    made = sql(template, t=Name(table), c=parts, f=reader(path))
    instants = {n: "timestamptz" for n, make in columns.items() if make is as_instant}
    with readable(path):
        try:
            run(connection, made)
        except QueryFailed:
            _check_cells(connection, path, {**typed, **instants})
            raise
    return {
        name: kind for name, kind in column_types(connection, table) if name in rest
    }


def _heading(names: Iterable[str]) -> str:
    """Return what the columns are called, unless those look like somebody's data."""
    if any("@" in name or re.fullmatch(r"[\d.,:+/TZ -]*", name) for name in names):
        return "its first line does not name columns, and has to"
    return f"it has {', '.join(names)}"


def _csv_types(
    connection: duckdb.DuckDBPyConnection, path: Path, names: Sequence[str]
) -> Mapping[str, str]:
    if not names or not _is_csv(path):
        return {}
    (found,) = run(connection, fits(reader(path), names))
    return types_of(names, found)


def _typed(name: str, type_: str) -> Query:
    return sql(f"cast({{n}} as {type_}) as {{n}}" if type_ else "{n}", n=Name(name))


def _check_cells(
    connection: duckdb.DuckDBPyConnection, path: Path, types: Mapping[str, str]
) -> None:
    """Refuse cells that are not of their column's type; other faults pass."""
    faults = []
    for name, type_ in types.items():
        if type_ not in _WRONG:
            continue
        bad = sql(_UNFIT.format(type=type_), n=Name(name), f=reader(path))
        ((rows, first),) = run(connection, bad)
        if rows:
            where = f"{rows:,} row{'s' * (rows > 1)}, first in row {first:,}"
            where += " below the heading" * _is_csv(path)
            faults.append(
                f"{name} is {_WRONG[type_]} in {where}; {_RIGHT[type_]} is right"
            )
    if faults:
        raise UsageError(f"{path}: {', '.join(faults)}")


_UNFIT = """
select count(*), min(row) from (select row_number() over () as row, {{n}} as cell
from {{f}}) where cell is not null and try_cast(cell as {type}) is null
"""
_WRONG = {"timestamptz": "no instant", "date": "no date", "double": "no number"}
_RIGHT = {
    "timestamptz": "one such as 2026-06-30T08:00:00Z",
    "date": "a day of the calendar such as 2026-06-30",
    "double": "one of at most 308 digits",
}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tell of a file that DuckDB cannot read what is wrong with it, by its lines.

    Raises:
        UsageError: what runs here failed.
    """
    try:
        yield
    except QueryFailed as error:
        fault = _is_csv(path) and csv_fault(path)
        raise UsageError(f"{path}: {fault or _first_line(error)}") from error


def as_text(name: str, type_: str) -> Query:
    """Return the column as text, under its name."""
    return sql("cast({n} as varchar) as {n}", n=Name(name))


def as_instant(name: str, type_: str) -> Query:
    """Return the column as an instant, under its name; UTC without an offset."""
    kind = kind_of(type_of(type_))
    if kind == "instant" and "TIME ZONE" not in type_:
        naive = "timezone('UTC', cast({n} as timestamp)) as {n}"
        return sql(naive, n=Name(name))
    return sql("cast({n} as timestamptz) as {n}", n=Name(name))


def column_types(
    connection: duckdb.DuckDBPyConnection, table: str
) -> list[tuple[str, str]]:
    """Return the columns of a table with their DuckDB types."""
    rows = run(connection, sql("describe {t}", t=Name(table)))
    return [(str(row[0]), str(row[1])) for row in rows]


def columns_of(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Return the columns of a file with their DuckDB types.

    Raises:
        UsageError: the file is absent, or neither Parquet nor CSV.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; name a Parquet or CSV file")
    with readable(path):
        rows = run(connection, sql("describe select * from {f}", f=reader(path)))
    return {str(row[0]): str(row[1]) for row in rows}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz"))


def reader(path: Path) -> Query:
    """Return the table function that reads a file; its name holds no pattern."""
    file = quote_file(path)
    if _is_csv(path):
        form = ", header = true, all_varchar = true, allow_quoted_nulls = false"
        return Query(f"read_csv({file}{form})")
    return Query(f"read_parquet({file})")
