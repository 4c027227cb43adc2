"""Work on any amount of data in a bounded amount of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from dmp.storage.lake import Lake

THRIFTY_MB = 450
_MB_A_COLUMN, _MOST_MB = 20, 1_500
"""DuckDB lets a second thread write a file where 4 MB a column are to be had, of a
fifth of the limit (`MINIMUM_MEMORY_PER_COLUMN_PER_THREAD`). It takes far less, as
`python -m benchmarks.ingest` shows; for many columns the limit stays as it is."""


@contextmanager
def thrift(lake: Lake, megabytes: int = THRIFTY_MB) -> Iterator[None]:
    """Hold little memory within the block, whatever the size of the data.

    DuckDB takes up to `megabytes` for at most four threads, the process 300 to 500 MB
    more; what does not fit is spilled. A connection that may not spill keeps its limit.
    Afterwards there is none but DuckDB's own, nor is there on a connection that was
    opened within the block.
    """
    connection = lake.connection
    if lake.value("select current_setting('temp_directory')"):
        lake.execute("set threads = least(current_setting('threads')::integer, 4)")
        lake.execute(f"set memory_limit = '{megabytes}MB'")
    try:
        yield
    finally:
        with suppress(duckdb.ConnectionException):
            connection.execute("reset memory_limit")
            connection.execute("reset threads")


@contextmanager
def two_threads(lake: Lake, columns: int) -> Iterator[None]:
    """Let a file of some dozens of columns be written by two threads within the block.

    Under a limit that is low for so many columns DuckDB would write it with one.
    """
    given = "select current_setting('memory_limit'), parse_formatted_bytes"
    limit, held = lake.row(f"{given}(current_setting('memory_limit'))")
    room = _MB_A_COLUMN * columns
    if held >= room * 1_000_000 or room > _MOST_MB:
        yield
        return
    lake.execute(f"set memory_limit = '{room}MB'")
    try:
        yield
    finally:
        with suppress(duckdb.ConnectionException):
            lake.connection.execute(f"set memory_limit = '{limit}'")
