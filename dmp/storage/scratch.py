"""Databases in memory, for work that needs no lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from dmp.core.sql import Query
from dmp.storage.lake import define_function


@contextmanager
def scratch_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection to an empty database in memory; it is closed at exit.

    Nothing is spilled to disk: a query that outgrows the memory limit fails, unless the
    caller allows an encrypted spill.
    """
    connection = duckdb.connect(config={"temp_directory": ""})
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()


class Scratch:
    """A database in memory that lasts, for small questions that have to be quick.

    Beside a lake's catalog the same question takes several times as long. Not for use
    by several threads at once; gone with the process, or when it is closed.
    """

    def __init__(self) -> None:
        """Open an empty one, which spills nothing and works in one thread.

        Queries run as they are written: to think about a better plan would take longer
        than the small tables here can give back.
        """
        self._connection = duckdb.connect(config={"temp_directory": "", "threads": 1})
        self._connection.execute("set timezone = 'UTC'")
        self._connection.execute("pragma disable_optimizer")

    def show(self, name: str, table: pa.Table) -> None:
        """Let queries read a table under a name, in the place of one shown before."""
        self._connection.register(name, table)

    def define(
        self,
        name: str,
        function: Callable[..., Any],
        parameters: Sequence[str],
        returns: str,
    ) -> None:
        """Make a pure Python function callable from SQL, as `Lake.define` does."""
        define_function(self._connection, name, function, parameters, returns)

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(query.text, dict(query.params)).fetchall()

    def records(self, query: Query) -> list[dict[str, Any]]:
        """Return all rows of a query as dictionaries by column name."""
        found = self.rows(query)
        names = [column[0] for column in self._connection.description or []]
        return [dict(zip(names, row, strict=True)) for row in found]

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()
