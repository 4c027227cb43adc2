"""Files as tables of an in-memory DuckDB: Parquet or CSV, read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dmp.core.errors import QueryFailed, UsageError
from dmp.core.sql import Name, Query, quote_file, sql
from dmp.segments.csv_types import typed_columns

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
        raise UsageError(
            f"{path}: has no column {', '.join(absent)}; it has {', '.join(given)}"
        )
    rest = [name for name in given if name not in columns] if others else []
    typed = typed_columns(connection, reader(path), rest) if _is_csv(path) else {}
    parts = [make(name, given[name]) for name, make in columns.items()]
    parts += [typed.get(name, sql("{n}", n=Name(name))) for name in rest]
    template = "create table {t} as select {c} from {f}"
    made = sql(template, t=Name(table), c=parts, f=reader(path))
    try:
        run(connection, made)
    except QueryFailed as error:
        raise UsageError(f"{path}: {_first_line(error)}") from error
    return {
        name: kind for name, kind in column_types(connection, table) if name in rest
    }


def as_text(name: str, type_: str) -> Query:
    """Return the column as text, under its name."""
    return sql("cast({n} as varchar) as {n}", n=Name(name))


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
    try:
        rows = run(connection, sql("describe select * from {f}", f=reader(path)))
    except QueryFailed as error:
        raise UsageError(f"{path}: {_first_line(error)}") from error
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
