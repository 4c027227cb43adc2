"""Bind values without loading pandas, which DuckDB asks for its nulls alone.

DuckDB compares each bound value with `pandas.NaT` and `pandas.NA`, and where pandas is
installed imports it to do so: half a second of every process. One that has not imported
pandas holds no such value, so there is nothing to compare with.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

MOST_REFUSED = 20_000
"""Asks of one statement, two a value; refusing more takes longer than loading."""


class _Refusal(MetaPathFinder, threading.local):
    """Finds nothing, and refuses pandas to the thread that binds, some asks long."""

    left = 0

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas" and self.left > 0:
            self.left -= 1
            raise ModuleNotFoundError("pandas is not loaded to bind values", name=name)


_refusal = _Refusal()


@contextmanager
def without_pandas() -> Iterator[None]:
    """Keep DuckDB from importing pandas within the block, in this thread alone."""
    if _refusal not in sys.meta_path:
        sys.meta_path.insert(0, _refusal)
    _refusal.left = MOST_REFUSED
    try:
        yield
    finally:
        _refusal.left = 0
