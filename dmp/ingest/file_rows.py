"""A file read once: its rows are typed while they are read, and numbered afterwards.

Of a row at fault the body is kept, of the others only what the contract makes of them:
neither memory nor scratch ever holds the texts of a large file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dmp.core.errors import QueryFailed, UsageError
from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.connectors import (
    cell,
    check_columns,
    check_patterns,
    raw_column,
    stage_file,
    unreadable,
)
from dmp.ingest.contracts import Contract
from dmp.ingest.csv_rows import CsvFile, number_csv, open_csv
from dmp.ingest.field_names import shown_file
from dmp.ingest.json_rows import (
    KEPT,
    LOOKED_AT,
    number_json,
    open_json,
    texts_at,
)
from dmp.ingest.texts import MAX_LINE_BYTES, readable
from dmp.ingest.undeclared import undeclared_columns, undeclared_keys
from dmp.storage.aside import encrypts_spill, stage_aside
from dmp.storage.lake import Lake
from dmp.storage.thrift import THRIFTY_MB

TYPED_ROW = Name("typed_row")
_LONG_LINES_MB = 2000
_LARGE_BYTES = 64 << 20
"""From here on the rows of a file would not stay in memory anyway."""
_USUAL_COLUMNS = 100
_MB_A_COLUMN = 2
"""Above the usual ones: a vector of 32 KiB in each step of each of four threads."""

Typed = Callable[[Query, Mapping[str, str]], Query]
"""Given a select of texts and what to give beside: the select of typed rows."""


class Rows(Protocol):
    """The rows of an input, staged already or read when they are typed."""

    @property
    def memory_mb(self) -> int:
        """How much DuckDB needs to read and map them."""

    def stage_typed(self, lake: Lake, places: Sequence[str], typed: Typed) -> None:
        """Stage and show `typed_row` and `rejected_row`.

        Raises:
            UsageError: the input cannot be read.
        """

    def bodies(self) -> Query:
        """Return the select of `line` and `body`, at least of the rows at fault."""

    def undeclared(self, lake: Lake, places: Sequence[str]) -> list[str]:
        """Return the fields that are not among `places`, sorted."""


def open_file(lake: Lake, contract: Contract, path: Path, scratch: Path) -> Rows:
    """Return the rows of a file; those of Parquet are staged, others wait.

    The file, and `scratch`, are to stay until the rows are typed and read.

    Raises:
        UsageError, ConfigInvalid: as `connectors.stage_file`.
    """
    form = contract.connector
    if form.format == "parquet":
        return stage_file(lake, contract, path, scratch)
    check_patterns(lake, contract)
    is_csv = form.format == "csv"
    text = readable(path, form.encoding, scratch, quotes=is_csv)
    try:
        if not is_csv:
            objects = open_json(lake, text, contract.places())
            return JsonRows(contract, path, scratch, text.longest, objects)
        file = open_csv(lake, text, form.delimiter)
    except UsageError as error:
        raise UsageError(f"{shown_file(path)} {error}") from error
    except QueryFailed as error:
        raise unreadable(contract, path) from error
    check_columns(contract, file.columns, path)
    return CsvRows(contract, path, scratch, text.longest, file)


@dataclass(frozen=True)
class _FileRows:
    """The rows of a file that `file_row` shows."""

    contract: Contract
    path: Path
    scratch: Path
    longest: int

    @property
    def memory_mb(self) -> int:
        """What the buffers of some threads take, each of the longest line, and more."""
        return THRIFTY_MB if self.longest < MAX_LINE_BYTES else _LONG_LINES_MB

    def bodies(self) -> Query:
        """Return the select of `line` and `body` of the typed rows."""
        return sql("select line, body from {rows}", rows=TYPED_ROW)

    def _is_large(self) -> bool:
        return self.path.stat().st_size >= _LARGE_BYTES

    def _stage(self, lake: Lake, typed: Query) -> Name:
        try:
            if self._is_large() and encrypts_spill(lake):
                return stage_aside(lake, "typed_file", typed, self.scratch)
            return lake.stage("typed_cell", typed)
        except QueryFailed as error:
            raise unreadable(self.contract, self.path) from error


@dataclass(frozen=True)
class CsvRows(_FileRows):
    """The rows of a CSV file."""

    file: CsvFile

    @property
    def memory_mb(self) -> int:
        """What the buffers take, and the vectors of a great many columns."""
        beyond = max(0, len(self.file.columns) - _USUAL_COLUMNS)
        return super().memory_mb + _MB_A_COLUMN * beyond

    def stage_typed(self, lake: Lake, places: Sequence[str], typed: Typed) -> None:
        """Read the file as `typed` says; stage `rejected_row`, show `typed_row`."""
        columns = self.file.columns
        cells = [f"{cell(place, columns)} as {raw_column(place)}" for place in places]
        kept = [f"{quote_name(c)} as {_kept(n)}" for n, c in enumerate(columns)]
        values = f"select {', '.join([*cells, *kept])} from file_row"
        row = ", ".join(f"{quote_text(c)}: {_kept(n)}" for n, c in enumerate(columns))
        body = f"case when is_faulty then to_json({{{row}}})::varchar end"
        staged = self._stage(lake, typed(Query(values), {"body": body}))
        number_csv(lake, self.file, staged, "rowid", TYPED_ROW)

    def undeclared(self, lake: Lake, places: Sequence[str]) -> list[str]:
        """Return the columns that are not among `places`, sorted."""
        return undeclared_columns(self.file.columns, places)


def _kept(number: int) -> str:
    """Return the column that holds the cell of a file's column as it is there."""
    return quote_name(f"kept.{number}")


@dataclass(frozen=True)
class JsonRows(_FileRows):
    """The rows of a file of JSON lines."""

    objects: str

    def stage_typed(self, lake: Lake, places: Sequence[str], typed: Typed) -> None:
        """Read the file as `typed` says; stage `rejected_row`, show `typed_row`."""
        taken_apart, texts = texts_at(places)
        cells = [
            f"{text} as {raw_column(place)}"
            for place, text in zip(places, texts, strict=True)
        ]
        values = (
            f"select {', '.join(cells)}, body, reason, shape from (select *, "
            f"case when reason is null then {taken_apart} end as v from file_row)"
        )
        kept = {
            "body": f"case when {KEPT} then body end",
            "reason": "reason",
            "shape": "shape",
        }
        staged = self._stage(lake, typed(Query(values), kept))
        number_json(lake, self.objects, staged, TYPED_ROW)

    def undeclared(self, lake: Lake, places: Sequence[str]) -> list[str]:
        """Return the keys that are not among `places`, as `StagedRows` does."""
        looked_at = LOOKED_AT.format(
            file="file_row",
            is_row="reason is null",
            rows=TYPED_ROW,
            is_kept="body is not null",
        )
        return undeclared_keys(lake, looked_at, places)
