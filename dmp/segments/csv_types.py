"""The types of CSV columns, chosen so that no text changes its meaning.

A column is typed only when every present cell fits: true/false, numbers without
leading zeros, dates, instants. `007` stays text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dmp.core.sql import Name, Query, join

_DATE = r"\d{4}-\d{2}-\d{2}"
_FORMS: Mapping[str, str] = {
    "boolean": "true|false",
    "bigint": r"-?(0|[1-9]\d{0,14})",
    "double": r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?",
    "date": _DATE,
    "timestamptz": (
        rf"{_DATE}[T ]\d{{2}}:\d{{2}}:\d{{2}}(\.\d+)?(Z|[+-]\d{{2}}:?\d{{2}})?"
    ),
}
"""DuckDB's types, and how a cell of each is written."""


def fits(file: Query, names: Sequence[str]) -> Query:
    """Return the select of one row: whether each column fits each type.

    It reads the whole file once.
    """
    tests = join(_test(Name(name), form) for name in names for form in _FORMS.values())
    return Query(f"select {tests.text} from {file.text}")


def types_of(names: Sequence[str], found: Sequence[bool | None]) -> Mapping[str, str]:
    """Return the first type that each column fits, from the row that `fits` selects.

    A column without any present cell stays text, as one that fits none.
    """
    answers = iter(found)
    types: dict[str, str] = {}
    for name in names:
        for type_ in _FORMS:
            if next(answers) and name not in types:
                types[name] = type_
    return types


def _test(name: Name, form: str) -> Query:
    return Query(f"bool_and(regexp_full_match({name}, '{form}'))")
