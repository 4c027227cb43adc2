"""The types of CSV columns, chosen so that no text changes its meaning.

A column is typed only when every present cell fits: true/false, numbers without
leading zeros, dates, instants. `007` stays text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dmp.core.sql import Name, Query, join, sql

if TYPE_CHECKING:
    import duckdb

_DATE = r"\d{4}-\d{2}-\d{2}"
_FORMS: Mapping[str, tuple[str, str]] = {
    "boolean": ("true|false", "cast({n} as boolean) as {n}"),
    "whole": (r"-?(0|[1-9]\d{0,14})", "cast({n} as bigint) as {n}"),
    "number": (
        r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?",
        "cast({n} as double) as {n}",
    ),
    "date": (_DATE, "cast({n} as date) as {n}"),
    "instant": (
        rf"{_DATE}[T ]\d{{2}}:\d{{2}}:\d{{2}}(\.\d+)?(Z|[+-]\d{{2}}:?\d{{2}})?",
        "cast({n} as timestamptz) as {n}",
    ),
}


def typed_columns(
    connection: duckdb.DuckDBPyConnection, reader: Query, names: Sequence[str]
) -> Mapping[str, Query]:
    """Return, for the columns that fit a type, what selects them in that type.

    Reads the whole file once. A column without any present cell stays text.
    """
    if not names:
        return {}
    tests = join(_test(Name(name), form) for name in names for form in _FORMS)
    row = connection.execute(f"select {tests.text} from {reader.text}").fetchone()
    fits = iter(row or ())
    found: dict[str, Query] = {}
    for name in names:
        for _, template in _FORMS.values():
            if next(fits) and name not in found:
                found[name] = sql(template, n=Name(name))
    return found


def _test(name: Name, form: str) -> Query:
    pattern = _FORMS[form][0]
    return Query(f"bool_and(regexp_full_match({name}, '{pattern}'))")
