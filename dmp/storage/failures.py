"""What DuckDB says when a statement fails, told without any value."""

from __future__ import annotations

import logging

import duckdb

from dmp.core.errors import QueryFailed
from dmp.core.ground import ground_words

_LOG = logging.getLogger(__name__)
_NAMES_VALUES = (
    duckdb.ConversionException,
    duckdb.ConstraintException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
)
"""The errors whose messages repeat a value that the statement met."""

_WITHOUT_VALUES = (
    "Invalid Input Error: Values were not provided for",
    "Invalid Input Error: Parameter argument/count mismatch",
    "Invalid Input Error: Cannot execute statement of type",
)
"""Beginnings of messages of theirs that hold none."""


_INTERRUPTED = "Query interrupted"


def interrupted(error: RuntimeError) -> BaseException:
    """Return Ctrl-C for the error by which DuckDB ends a query then; else the same."""
    return KeyboardInterrupt() if str(error) == _INTERRUPTED else error


def failed(text: str, error: duckdb.Error) -> QueryFailed:
    """Return the error of a statement that DuckDB refused; no value is in it."""
    line = first_line(error)
    error.args = (line,)
    _LOG.debug("failed %s statement=%s", line, text)
    return QueryFailed(line, text)


def first_line(error: duckdb.Error) -> str:
    """Return what DuckDB says, or only its kind where a value could be in it."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    if isinstance(error, _NAMES_VALUES) and not line.startswith(_WITHOUT_VALUES):
        return f"{line.partition(':')[0]}: the message is withheld, it may hold a value"
    words = ground_words(error)
    return f"{line}: {words}" if words else line
