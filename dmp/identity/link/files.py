"""People files as they were written: every cell text, every record numbered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.core.errors import UnknownName, UsageError
from dmp.core.sql import quote_file, quote_name
from dmp.identity.link.csv_text import CsvText, csv_text

_ID_NAMES = ("record_id", "unique_id", "rec_id", "id")
_SOURCE_NAMES = ("source", "source_dataset", "source_name", "data_source")
_TRUTH_NAMES = frozenset(
    "true_id cluster cluster_id true_cluster entity_id ent_id truth true_label "
    "ground_truth label match_id".split()
)


@dataclass(frozen=True)
class RecordFile:
    """The records of one or more files, in the order written.

    Attributes:
        ids: the id of each record, as text and unique.
        source: number of each record's source, from 0.
        source_names: name of each source.
        columns: what may describe people: every cell text or null.
        left_out: column -> why it is not among `columns`.
    """

    ids: pa.Array
    source: npt.NDArray[np.int32]
    source_names: tuple[str, ...]
    columns: dict[str, pa.Array]
    left_out: dict[str, str]

    def __len__(self) -> int:
        return len(self.ids)


def read_files(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    *,
    id_column: str | None = None,
    source_column: str | None = None,
    truth_columns: Sequence[str] = (),
) -> RecordFile:
    """Read CSV or Parquet files as one; columns of the same name are one column.

    Args:
        id_column: column of unique record ids; else one that is called `record_id` or
            the like and is unique; else records are numbered from 1.
        source_column: column that names the source; else one that is called `source`
            or the like; else each file is a source.
        truth_columns: further columns that are left out.

    Raises:
        UsageError: a file cannot be read, holds no record, or ids are not unique.
        UnknownName: the id or source column does not exist.
    """
    table = _read(connection, paths)
    names = [name for name in table.column_names if name != _FILE]
    if not len(table):
        raise UsageError(f"{_listed(paths)}: no record; give files with rows")
    id_name = _chosen("id", id_column, _ID_NAMES, names)
    ids, why_not = _ids(table, id_name, required=id_column is not None)
    source_name = _chosen("source", source_column, _SOURCE_NAMES, names)
    source, source_names = _sources(table, source_name or _FILE)
    left_out = _left_out(names, id_name if not why_not else None, source_name)
    left_out |= {name: "holds the truth" for name in truth_columns if name in names}
    columns = {
        name: _text(table.column(name)) for name in names if name not in left_out
    }
    return RecordFile(ids, source, source_names, columns, left_out)


_FILE = "\x1ffile"
_HEAD_ROWS = 1000


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)


def _read(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> pa.Table:
    parts = []
    for number, path in enumerate(paths):
        table = _read_one(connection, path)
        file = pa.array(np.full(len(table), str(number)))
        parts.append(table.append_column(_FILE, file))
    return pa.concat_tables(parts, promote_options="default")


def _read_one(connection: duckdb.DuckDBPyConnection, path: Path) -> pa.Table:
    return read_cells(
        connection,
        path,
        lambda types: ", ".join(
            f"{_cell(name, kind)} as {quote_name(name)}" for name, kind in types.items()
        ),
    )


def read_cells(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    cells: Callable[[Mapping[str, str]], str],
) -> pa.Table:
    """Read a CSV or Parquet file.

    Args:
        cells: returns the SQL of what to take, given each column's type.

    Raises:
        UsageError: says what the file is instead, or which line breaks it.
    """
    text = None if _is_parquet(path) else csv_text(path)
    reader = _reader(path, text)
    try:
        head = connection.sql(f"from {reader} limit {_HEAD_ROWS}")
        if text is not None:
            text.check_read(head.to_arrow_table())
        types = dict(zip(head.columns, map(str, head.types), strict=True))
        return connection.sql(f"select {cells(types)} from {reader}").to_arrow_table()
    except duckdb.Error as error:
        if text and (broken := text.broken_line()):
            raise UsageError(f"{path.name}, {broken}") from error
        raise UsageError(
            f"{path.name}{_line(error)}: cannot be read as {path.suffix or 'CSV'}; "
            "give a CSV file with a header, or a Parquet file"
        ) from error


def _reader(path: Path, text: CsvText | None) -> str:
    file = quote_file(path)
    if text is None:
        return f"read_parquet({file})"
    encoding = "" if text.encoding == "utf-8" else f", encoding = '{text.encoding}'"
    return f"read_csv({file}, all_varchar = true, header = true{encoding})"


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def _cell(name: str, kind: str) -> str:
    """Return the SQL of a cell's text; a whole number kept as a float has no point."""
    text = f"trim({quote_name(name)}::varchar)"
    if kind in ("DOUBLE", "FLOAT"):
        text = f"regexp_replace({text}, '\\.0$', '')"
    return f"nullif({text}, '')"


def _line(error: duckdb.Error) -> str:
    """Return where DuckDB stopped; its own words hold values."""
    found = re.search(r"\bLine: (\d+)", str(error))
    return f", line {found.group(1)}" if found else ""


def _chosen(
    what: str, given: str | None, usual: Sequence[str], names: Sequence[str]
) -> str | None:
    if given is not None:
        if given not in names:
            raise UnknownName(f"{what} column", given, names)
        return given
    lower = {name.lower(): name for name in names}
    return next((lower[name] for name in usual if name in lower), None)


def _ids(table: pa.Table, name: str | None, *, required: bool) -> tuple[pa.Array, bool]:
    """Return the ids, and whether the column could not give them."""
    numbered = pc.cast(pa.array(np.arange(1, len(table) + 1)), pa.string())
    if name is None:
        return numbered, True
    ids = _text(table.column(name))
    n_unique, n_null = pc.count_distinct(ids).as_py(), ids.null_count
    if n_null or n_unique < len(ids):
        if not required:
            return numbered, True
        raise UsageError(
            f"column {name}: {len(ids) - n_null - n_unique:,} repeated and {n_null:,} "
            "missing record ids; give a column of unique ids, or none to have records "
            "numbered"
        )
    return ids, False


def _sources(
    table: pa.Table, name: str
) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    encoded = pc.fill_null(_text(table.column(name)), "").dictionary_encode()
    names = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names.astype(str), kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    codes = np.asarray(encoded.indices)
    return rank[codes], tuple(str(names[i]) for i in order)


def _left_out(
    names: Sequence[str], id_name: str | None, source_name: str | None
) -> dict[str, str]:
    found = {name: "holds the truth" for name in names if name.lower() in _TRUTH_NAMES}
    if id_name:
        found[id_name] = "is the record id"
    if source_name:
        found[source_name] = "names the source"
    return found


def _text(column: pa.ChunkedArray) -> pa.Array:
    return column.cast(pa.string()).combine_chunks()
