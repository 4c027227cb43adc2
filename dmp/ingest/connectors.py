"""Files as rows: every row of the input staged once, none dropped."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dmp.core.errors import ConfigInvalid, Fault, QueryFailed, UsageError
from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.ingest.contracts import Contract
from dmp.ingest.csv_rows import MAX_LINE_BYTES, stage_csv
from dmp.ingest.field_names import shown_columns, shown_file, shown_key
from dmp.storage.lake import Lake

RAW_ROW = Name("raw_row")
_CHUNK_BYTES = 1 << 20
_MOST_UNDECLARED = 500
_JSON_LINES = """
select line, body,
    ltrim(body, ' ' || chr(9))[1] = '{{' and json_valid(body) as is_object
from (
    select row_number() over () as line, body from read_csv(
        {file}, columns = {{'body': 'VARCHAR'}}, auto_detect = false, header = false,
        delim = chr(1), quote = '', escape = '', strict_mode = false,
        null_padding = true, max_line_size = {longest}
    )
)
where body is not null and trim(body) <> ''
"""


@dataclass(frozen=True)
class StagedRows:
    """The rows of one file in the scratch tables `raw_row` and `rejected_row`.

    `raw_row` holds `line` (counted from 1, a header included) and either `body`, one
    JSON text a row, or one column for each column of the file. `rejected_row` holds
    `line`, `body`, `reason` of the rows that could not be taken apart at all.
    """

    columns: tuple[str, ...]
    is_json: bool

    def values(self, places: Sequence[str]) -> Query:
        """Return the select that gives `line` and one text column for each place."""
        if self.is_json:
            return _json_values(places)
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
            path = quote_text(_json_path(rest))
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
        UsageError: the file is absent.
    """
    if not path.is_file():
        raise UsageError(
            f"{shown_file(path)} is not a file; see connector.path of the contract"
        )
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def stage_file(lake: Lake, contract: Contract, path: Path, scratch: Path) -> StagedRows:
    """Stage all rows of a file.

    A file that is not UTF-8 is read line by line as UTF-8 or else Windows-1252, and one
    whose lines end in different ways is evened out, through a copy in `scratch` that
    the caller removes.

    Raises:
        UsageError: the file is not of the contract's format.
        ConfigInvalid: the contract reads columns that the file does not have.
    """
    lake.stage(
        "rejected_row", "select 0::bigint as line, '' as body, '' as reason limit 0"
    )
    try:
        staged = _STAGE[contract.connector.format](lake, contract, path, scratch)
    except QueryFailed as error:
        raise UsageError(
            f"{shown_file(path)} cannot be read as {contract.connector.format}: "
            f"{str(error).splitlines()[0]}"
        ) from error
    if not staged.is_json:
        _check_columns(contract, staged.columns, path)
    return staged


def _stage_jsonl(
    lake: Lake, contract: Contract, path: Path, scratch: Path
) -> StagedRows:
    readable = _readable(path, contract.connector.encoding, scratch)
    text = _JSON_LINES.format(file=quote_text(str(readable)), longest=MAX_LINE_BYTES)
    lake.stage("raw_row", text)
    lake.stage(
        "rejected_row",
        "select line, body, 'not a JSON object' as reason from raw_row "
        "where not is_object",
    )
    lake.execute("delete from raw_row where line in (select line from rejected_row)")
    return StagedRows((), is_json=True)


def _stage_csv(lake: Lake, contract: Contract, path: Path, scratch: Path) -> StagedRows:
    readable = _readable(path, contract.connector.encoding, scratch)
    stage_csv(lake, readable, contract.connector.delimiter)
    return StagedRows(_columns(lake), is_json=False)


def _stage_parquet(
    lake: Lake, contract: Contract, path: Path, scratch: Path
) -> StagedRows:
    lake.stage(
        "raw_row",
        "select file_row_number + 1 as line, * exclude (file_row_number) "
        f"from read_parquet({quote_text(str(path))}, file_row_number = true)",
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


def _json_values(places: Sequence[str]) -> Query:
    paths = ", ".join(quote_text(_json_path(place)) for place in places)
    cells = ", ".join(
        f"v[{number}] as {raw_column(place)}"
        for number, place in enumerate(places, start=1)
    )
    return Query(
        f"select line, {cells} from (select line, "
        f"json_extract_string(body, [{paths}]) as v from {RAW_ROW})"
    )


def _json_path(place: str) -> str:
    parts = (part.replace('"', '\\"') for part in place.split("."))
    return "$" + "".join(f'."{part}"' for part in parts)


def _readable(path: Path, encoding: str, scratch: Path) -> Path:
    """Return the file, or a copy of it in UTF-8 whose lines all end alike."""
    if encoding != "cp1252" and _is_plain(path):
        return path
    copy = scratch / f"utf8-{path.name}"
    with path.open("rb") as source, copy.open("w", encoding="utf-8", newline="") as out:
        for line in source:
            text = _decode(line, encoding)
            out.write(text[:-2] + "\n" if text.endswith("\r\n") else text)
    return copy


def _is_plain(path: Path) -> bool:
    """Say whether a file is UTF-8 and its lines end in one way."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    breaks = returns = 0
    last = b""
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
                breaks += chunk.count(b"\n")
                returns += (last + chunk).count(b"\r\n")
                last = chunk[-1:]
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return returns in (0, breaks)


def _decode(line: bytes, encoding: str) -> str:
    if encoding == "cp1252":
        return line.decode("cp1252", errors="replace")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
