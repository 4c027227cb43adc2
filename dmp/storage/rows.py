"""The rows of a query, read when somebody asks for them and in the form asked for."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from dmp.core.errors import UsageError
from dmp.storage.failures import failed, interrupted
from dmp.storage.lake import Lake

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

_SHOWN_ROWS = 10
_SHOWN_CHARACTERS = 40
T = TypeVar("T")


class Rows:
    """The rows of a reading query: nothing runs before they are asked for.

    `df()` gives them to pandas, `arrow()` to Arrow, `pl()` to polars, `fetchall()` as
    tuples; each runs the query anew. Shown, it is its first rows. Ctrl-C ends a query
    that takes too long.
    """

    def __init__(self, lake: Lake, text: str, params: Mapping[str, Any]) -> None:
        """Let DuckDB read the query, so that what is wrong in it is said at once.

        Raises:
            UsageError: it has other parameters than those given.
            QueryFailed: the statement is wrong.
        """
        self._lake, self._text, self._params = lake, text, dict(params)
        _check_parameters(lake, text, self._params)
        relation = lake.sql(text, **self._params)
        self.columns: tuple[str, ...] = tuple(relation.columns)
        self.types: tuple[str, ...] = tuple(map(str, relation.types))

    def df(self) -> pd.DataFrame:
        """Return the rows as a pandas data frame.

        Raises:
            QueryFailed: a value could not be read as the query asks; no value is told.
        """
        return self._read(lambda result: result.df())

    def arrow(self) -> pa.Table:
        """Return the rows as an Arrow table.

        Raises:
            QueryFailed: as `df`.
        """
        return self._read(lambda result: result.to_arrow_table())

    def pl(self) -> pl.DataFrame:
        """Return the rows as a polars data frame.

        Raises:
            UsageError: polars is not installed.
            QueryFailed: as `df`.
        """
        if find_spec("polars") is None:
            raise UsageError(
                "polars is not installed, and dmp does not need it: "
                "pip install polars, or read the rows by df() or arrow()"
            )
        return self._read(lambda result: result.pl())

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows as tuples.

        Raises:
            QueryFailed: as `df`.
        """
        return self._read(lambda result: result.fetchall())

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first row, or None where there is none."""
        return self._read(lambda result: result.fetchone())

    def head(self, rows: int = _SHOWN_ROWS) -> list[tuple[Any, ...]]:
        """Return the first rows as tuples."""
        return self._read(lambda result: result.fetchmany(rows))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())

    def __repr__(self) -> str:
        rows = [list(self.columns), *([_cell(v) for v in r] for r in self.head())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(_line(row, widths) for row in rows)

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        lines = "".join(f"<tr>{_cells(row)}</tr>" for row in self.head())
        return (
            f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
            f"<small>the first {_SHOWN_ROWS} rows; df() gives all</small>"
        )

    def _read(self, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run the query and read it, so that Ctrl-C is heard and no value is told."""
        try:
            connection = self._lake.connection
            return read(connection.execute(self._text, self._params or None))
        except duckdb.Error as error:
            raise failed(self._text, error) from error
        except RuntimeError as error:
            raise interrupted(error) from error


def _check_parameters(lake: Lake, text: str, params: Mapping[str, Any]) -> None:
    try:
        (statement,) = lake.connection.extract_statements(text)
    except duckdb.Error as error:
        raise failed(text, error) from error
    wanted = set(statement.named_parameters)
    if missing := sorted(wanted - set(params)):
        first = missing[0]
        raise UsageError(
            f"no value for ${', $'.join(missing)}; give it: sql(query, {first}=…)"
        )
    if unknown := sorted(set(params) - wanted):
        raise UsageError(
            f"the statement has no ${', $'.join(unknown)}; write it there, or leave "
            "the argument out"
        )


def _cell(value: Any) -> str:
    text = "" if value is None else str(value).replace("\n", " ")
    if len(text) > _SHOWN_CHARACTERS:
        return text[: _SHOWN_CHARACTERS - 1] + "…"
    return text


def _cells(row: tuple[Any, ...]) -> str:
    return "".join(f"<td>{html.escape(_cell(value))}</td>" for value in row)


def _line(row: list[str], widths: list[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip()
