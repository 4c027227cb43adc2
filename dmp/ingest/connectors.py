"""Files as rows: every row of the input staged once, none dropped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dmp.core.errors import ConfigInvalid, Fault, QueryFailed, UsageError
from dmp.core.sql import Query, quote_file, quote_name, quote_text, sql
from dmp.ingest.contracts import Contract
from dmp.ingest.csv_rows import RAW_ROW, stage_csv
from dmp.ingest.field_names import shown_columns, shown_file
from dmp.ingest.json_rows import (
    LOOKED_AT,
    json_path,
    stage_json,
    stage_nothing_rejected,
)
from dmp.ingest.texts import MAX_LINE_BYTES, readable, why_unreadable
from dmp.ingest.undeclared import undeclared_columns, undeclared_keys
from dmp.storage.lake import Lake
from dmp.storage.thrift import THRIFTY_MB


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

    @property
    def memory_mb(self) -> int:
        """How much DuckDB needs to map them."""
        return THRIFTY_MB

    def values(self, places: Sequence[str]) -> Query:
        """Return the select that gives `line` and one text column for each place."""
        if self.is_json:
            return _json_values(places, had_columns=self.had_columns)
        cells = [
            f"{cell(place, self.columns)} as {raw_column(place)}" for place in places
        ]
        return sql(
            "select line, {cells} from {rows}",
            cells=Query(", ".join(cells)),
            rows=RAW_ROW,
        )

    def stage_typed(
        self,
        lake: Lake,
        places: Sequence[str],
        typed: Callable[[Query, Mapping[str, str]], Query],
    ) -> None:
        """Stage and show `typed_row`, by what `typed` makes of the texts."""
        lake.stage("typed_cell", typed(self.values(places), {"line": "line"}))
        lake.view("typed_row", Query("from typed_cell"))

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

        Of JSON, every key of a row is seen and of the objects that `places` lead
        through; below others only those in the first 5,000 rows, a hundredth of the
        rest, and one row for each combination of keys: taking all rows apart would
        cost as much as the load. A list is one field. At most 500 are given, of names
        that may be values themselves only the shape or place.
        """
        if not self.is_json:
            return undeclared_columns(self.columns, places)
        kept = "line > 5000 and line % 100 = 0"
        looked_at = LOOKED_AT.format(
            file=RAW_ROW, is_row="line <= 5000", rows=RAW_ROW, is_kept=kept
        )
        return undeclared_keys(lake, looked_at, places)


def cell(place: str, columns: Sequence[str]) -> str:
    """Return the text at a place of a row that has these columns."""
    if place in columns:
        return f"{quote_name(place)}::varchar"
    head, _, rest = place.partition(".")
    if head in columns and rest:
        path = quote_text(json_path(rest.split(".")))
        return f"json_extract_string(to_json({quote_name(head)}), {path})"
    return "null::varchar"


def raw_column(place: str) -> str:
    """Return the quoted column that holds the raw text found at a place.

    SQL takes names that differ in case alone for one, which places are not.
    """
    case = "" if place == place.lower() else f".{place.encode().hex()}"
    return quote_name(f"raw.{place}{case}")


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
        check_columns(contract, staged.columns, path)
    return staged


def stage_rows(lake: Lake, contract: Contract, path: Path, scratch: Path) -> StagedRows:
    """Stage all rows of a file as `stage_file` does, whatever columns it has.

    Raises:
        UsageError, ConfigInvalid: as `stage_file`.
    """
    check_patterns(lake, contract)
    stage_nothing_rejected(lake)
    try:
        return _STAGE[contract.connector.format](lake, contract, path, scratch)
    except QueryFailed as error:
        raise unreadable(contract, path) from error


def unreadable(contract: Contract, path: Path) -> UsageError:
    """Return the error of a file that DuckDB cannot read, in words of the file's."""
    format_ = contract.connector.format
    why = "is it a whole Parquet file, and is connector.format of the contract right?"
    if format_ != "parquet":
        why = why_unreadable(path, MAX_LINE_BYTES)
    return UsageError(f"{shown_file(path)} cannot be read as {format_}: {why}")


def check_patterns(lake: Lake, contract: Contract) -> None:
    """Ask DuckDB whether it takes the patterns: RE2 knows fewer than Python."""
    faults = []
    patterns = [(place, s.pattern) for place, s in contract.specs() if s.pattern]
    for place, pattern in patterns:
        try:
            lake.execute("select regexp_full_match('', $p)", p=pattern)
        except QueryFailed:
            right = "an expression of RE2, without look-ahead or \\1"
            faults.append(Fault(f"{place}.pattern", "no regular expression", right))
    if faults:
        raise ConfigInvalid(f"config/sources/{contract.source}.yaml", faults)


def _stage_jsonl(
    lake: Lake, contract: Contract, path: Path, scratch: Path
) -> StagedRows:
    text = readable(path, contract.connector.encoding, scratch, quotes=False)
    stage_json(lake, text, contract.places())
    return StagedRows((), is_json=True)


def _stage_csv(lake: Lake, contract: Contract, path: Path, scratch: Path) -> StagedRows:
    text = readable(path, contract.connector.encoding, scratch, quotes=True)
    try:
        stage_csv(lake, text, contract.connector.delimiter)
    except UsageError as error:
        raise UsageError(f"{shown_file(path)} {error}") from error
    return StagedRows(_columns(lake), is_json=False)


def _stage_parquet(
    lake: Lake, contract: Contract, path: Path, scratch: Path
) -> StagedRows:
    lake.stage(
        "raw_cell",
        "select row_number() over () as line, * "
        f"from read_parquet({quote_file(path)}, hive_partitioning = false)",
    )
    lake.view("raw_row", Query("from raw_cell"))
    return StagedRows(_columns(lake), is_json=False)


_STAGE = {"jsonl": _stage_jsonl, "csv": _stage_csv, "parquet": _stage_parquet}


def _columns(lake: Lake) -> tuple[str, ...]:
    return tuple(lake.sql("select * exclude (line) from raw_row limit 0").columns)


def check_columns(contract: Contract, columns: Sequence[str], path: Path) -> None:
    """Refuse a file without columns that its contract reads.

    Raises:
        ConfigInvalid: names all of them, and near ones.
    """
    shown, file = shown_columns(columns), shown_file(path)
    if delimiter := _other_delimiter(contract, columns):
        wrong = f"{file} is not separated by {contract.connector.delimiter!r}"
        fault = Fault("connector.delimiter", wrong, repr(delimiter))
        raise ConfigInvalid(f"config/sources/{contract.source}.yaml", [fault])
    faults = [
        Fault(place, f"{file} has no such column", _near(place, shown))
        for place in contract.places()
        if place not in columns and place.partition(".")[0] not in columns
    ]
    if faults:
        raise ConfigInvalid(f"config/sources/{contract.source}.yaml", faults)


def _other_delimiter(contract: Contract, columns: Sequence[str]) -> str:
    """Return the delimiter that parts a single column into some that are read."""
    places = set(contract.places())
    if len(columns) != 1 or columns[0] in places:
        return ""
    found = (one for one in ",;\t|" if len(places & {*columns[0].split(one)}) > 1)
    return next(found, "")


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
