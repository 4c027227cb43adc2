"""Files as rows: every row of the input staged once, none dropped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dmp.core.errors import ConfigInvalid, Fault, QueryFailed, UsageError
from dmp.core.sql import Name, Query, quote_file, quote_name, quote_text, sql
from dmp.ingest.contracts import Contract
from dmp.ingest.csv_rows import MAX_LINE_BYTES, stage_csv
from dmp.ingest.field_names import shown_columns, shown_file, shown_key
from dmp.ingest.json_rows import json_path, stage_json
from dmp.ingest.texts import readable, why_unreadable
from dmp.storage.lake import Lake

RAW_ROW = Name("raw_row")
_MOST_UNDECLARED = 500


@dataclass(frozen=True)
class StagedRows:
    """The rows of one file in the scratch tables `raw_row` and `rejected_row`.

    `raw_row` holds `line` (counted from 1, a header included) and either `body`, one
    JSON text a row, or one column for each column of the file. `rejected_row` holds
    `line`, `body`, `reason` of the rows that could not be taken apart at all.

    Attributes:
        columns: those of the file; none where rows are JSON.
        had_columns: whether rows that are JSON now came from columns: a dot may belong
            to the name of one.
    """

    columns: tuple[str, ...]
    is_json: bool
    had_columns: bool = False

    def values(self, places: Sequence[str]) -> Query:
        """Return the select that gives `line` and one text column for each place."""
        if self.is_json:
            return _json_values(places, had_columns=self.had_columns)
        cells = [f"{self._cell(place)} as {raw_column(place)}" for place in places]
        return sql(
            "select line, {cells} from {rows}",
            cells=Query(", ".join(cells)),
            rows=RAW_ROW,
        )

    def bodies(self) -> Query:
        """Return the select that gives `line` and `body`, each row as JSON text."""
        if self.is_json:
            return sql("select line, body from {rows}", rows=RAW_ROW)
        return sql(
            "select line, to_json(r)::varchar as body from (select * from {rows}) as r",
            rows=RAW_ROW,
        )

    def undeclared(self, lake: Lake, places: Sequence[str]) -> list[str]:
        """Return the fields of the input that are not among `places`, sorted.

        JSON is looked at in its first 5,000 rows and a twentieth of the others: taking
        apart every row would cost as much as the load. A list is one field. At most
        500 are given, of names that may be values themselves only the shape or place.
        """
        if not self.is_json:
            shown = dict(zip(self.columns, shown_columns(self.columns), strict=True))
            return sorted(shown[name] for name in set(self.columns) - set(places))
        shape = lake.value(
            f"select json_group_structure(body::json) from {RAW_ROW} "
            "where line <= 5000 or line % 20 = 0"
        )
        found = set(_leaves(json.loads(shape or "{}"))) - set(places)
        return sorted({shown_key(name) for name in found})[:_MOST_UNDECLARED]

    def _cell(self, place: str) -> str:
        if place in self.columns:
            return f"{quote_name(place)}::varchar"
        head, _, rest = place.partition(".")
        if head in self.columns and rest:
            path = quote_text(json_path(rest.split(".")))
            return f"json_extract_string(to_json({quote_name(head)}), {path})"
        return "null::varchar"


def _leaves(shape: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted paths of a structure that hold a value or a list."""
    if not isinstance(shape, dict):
        yield path
        return
    for name, inner in shape.items():
        yield from _leaves(inner, f"{path}.{name}" if path else name)


def raw_column(place: str) -> str:
    """Return the quoted column that holds the raw text found at a place."""
    return quote_name(f"raw.{place}")


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex.

    Raises:
        UsageError: the file is absent, no regular file, or cannot be read.
    """
    if not path.is_file():
        raise UsageError(
            f"{shown_file(path)} is not a file; see connector.path of the contract"
        )
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(
            f"{shown_file(path)} cannot be read: {reason}; let dmp read it"
        ) from error


def stage_file(lake: Lake, contract: Contract, path: Path, scratch: Path) -> StagedRows:
    """Stage all rows of a file.

    A file that is not UTF-8 is read line by line as UTF-8 or else Windows-1252, and one
    whose lines end in different ways is evened out, through a copy in `scratch` that
    the caller removes.

    Raises:
        UsageError: the file is not of the contract's format.
        ConfigInvalid: the contract reads columns that the file does not have, or a
            pattern of it is no regular expression.
    """
    staged = stage_rows(lake, contract, path, scratch)
    if not staged.is_json:
        _check_columns(contract, staged.columns, path)
    return staged


def stage_rows(lake: Lake, contract: Contract, path: Path, scratch: Path) -> StagedRows:
    """Stage all rows of a file as `stage_file` does, whatever columns it has.

    Raises:
        UsageError, ConfigInvalid: as `stage_file`.
    """
    _check_patterns(lake, contract)
    lake.stage(
        "rejected_row", "select 0::bigint as line, '' as body, '' as reason limit 0"
    )
    try:
        return _STAGE[contract.connector.format](lake, contract, path, scratch)
    except QueryFailed as error:
        raise _unreadable(contract, path) from error


def _unreadable(contract: Contract, path: Path) -> UsageError:
    """Return the error of a file that DuckDB cannot read, in words of the file's."""
    format_ = contract.connector.format
    why = "is it a whole Parquet file, and is connector.format of the contract right?"
    if format_ != "parquet":
        why = why_unreadable(path, MAX_LINE_BYTES)
    return UsageError(f"{shown_file(path)} cannot be read as {format_}: {why}")


def _check_patterns(lake: Lake, contract: Contract) -> None:
    """Ask DuckDB whether it takes the patterns: RE2 knows fewer than Python."""
    faults = []
    for place, spec in contract.specs():
        try:
            lake.execute("select regexp_full_match('', $p)", p=spec.pattern)
        except QueryFailed:
            right = "an expression of RE2, without look-ahead or \\1"
            faults.append(Fault(f"{place}.pattern", "no regular expression", right))
    if faults:
        raise ConfigInvalid(f"config/sources/{contract.source}.yaml", faults)


def _stage_jsonl(
    lake: Lake, contract: Contract, path: Path, scratch: Path
) -> StagedRows:
    text = readable(path, contract.connector.encoding, scratch)
    stage_json(lake, text, contract.places())
    return StagedRows((), is_json=True)


def _stage_csv(lake: Lake, contract: Contract, path: Path, scratch: Path) -> StagedRows:
    text = readable(path, contract.connector.encoding, scratch)
    try:
        stage_csv(lake, text, contract.connector.delimiter)
    except UsageError as error:
        raise UsageError(f"{shown_file(path)} {error}") from error
    return StagedRows(_columns(lake), is_json=False)


def _stage_parquet(
    lake: Lake, contract: Contract, path: Path, scratch: Path
) -> StagedRows:
    lake.stage(
        "raw_row",
        "select row_number() over () as line, * "
        f"from read_parquet({quote_file(path)}, hive_partitioning = false)",
    )
    return StagedRows(_columns(lake), is_json=False)


_STAGE = {"jsonl": _stage_jsonl, "csv": _stage_csv, "parquet": _stage_parquet}


def _columns(lake: Lake) -> tuple[str, ...]:
    return tuple(lake.sql("select * exclude (line) from raw_row limit 0").columns)


def _check_columns(contract: Contract, columns: Sequence[str], path: Path) -> None:
    shown, file = shown_columns(columns), shown_file(path)
    faults = [
        Fault(place, f"{file} has no such column", _near(place, shown))
        for place in contract.places()
        if place not in columns and place.partition(".")[0] not in columns
    ]
    if faults:
        raise ConfigInvalid(f"config/sources/{contract.source}.yaml", faults)


def _near(place: str, columns: Sequence[str]) -> str:
    if columns and columns[0] == "column 1":
        return f"it has {len(columns)}, and its first line looks like data, not names"
    near = get_close_matches(place, columns, n=2)
    listed = " or ".join(near) if near else ", ".join(columns)
    return f"did you mean {listed}?" if near else f"it has: {listed}"


def _json_values(places: Sequence[str], *, had_columns: bool) -> Query:
    nested = [json_path(place.split(".")) for place in places]
    names = [json_path([place]) for place in places] if had_columns else []
    paths = ", ".join(map(quote_text, [*nested, *names]))
    cells = ", ".join(
        f"{_json_cell(number, len(names))} as {raw_column(place)}"
        for number, place in enumerate(places, start=1)
    )
    return Query(
        f"select line, {cells} from (select line, "
        f"json_extract_string(body, [{paths}]) as v from {RAW_ROW})"
    )


def _json_cell(number: int, names_after: int) -> str:
    """Return the cell at a place: of a column of that name, else of a nested value."""
    if not names_after:
        return f"v[{number}]"
    return f"coalesce(v[{number + names_after}], v[{number}])"
