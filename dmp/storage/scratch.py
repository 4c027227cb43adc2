"""A database in memory, for work that needs no lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


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
