"""Work on any amount of data in a bounded amount of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from dmp.storage.lake import Lake

THRIFTY_MB = 450


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
