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
    Afterwards the limits are those of before, and on a connection that was opened
    within the block DuckDB's own.
    """
    with _limits_kept(lake):
        if lake.value("select current_setting('temp_directory')"):
            lake.execute("set threads = least(current_setting('threads')::integer, 4)")
            lake.execute(f"set memory_limit = '{megabytes}MB'")
        yield


@contextmanager
def two_threads(lake: Lake, columns: int) -> Iterator[None]:
    """Let a file of some dozens of columns be written by two threads within the block.

    Under a limit that is low for so many columns DuckDB would write it with one.
    """
    limit = "select parse_formatted_bytes(current_setting('memory_limit'))"
    room = _MB_A_COLUMN * columns
    with _limits_kept(lake):
        if lake.value(limit) < room * 1_000_000 and room <= _MOST_MB:
            lake.execute(f"set memory_limit = '{room}MB'")
        yield


@contextmanager
def _limits_kept(lake: Lake) -> Iterator[None]:
    """Set memory and threads as they were: `reset` would change what is shown alone.

    What is shown of the memory is cut to a tenth of its unit; half a tenth more keeps
    limits that are set again and again from shrinking.
    """
    connection = lake.connection
    shown, threads = lake.row(
        "select current_setting('memory_limit'), current_setting('threads')"
    )
    number, unit = shown.split()
    memory = f"{float(number) + 0.05:.2f} {unit}"
    try:
        yield
    finally:
        with suppress(duckdb.ConnectionException):
            connection.execute(f"set memory_limit = '{memory}'")
            connection.execute(f"set threads = {threads}")
