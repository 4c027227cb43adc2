"""CSV files as rows: none dropped, each under the line of the file it begins on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.core.sql import Name, Query, quote_file, quote_name, quote_text
from dmp.ingest.texts import Text
from dmp.storage.lake import Lake

RAW_ROW = Name("raw_row")
_READ = """
select * from read_csv(
    {file}, columns = {columns}, header = true, auto_detect = false,
    delim = {delimiter}, compression = 'none',
    quote = '"', escape = '"', comment = '', skip = 0, strict_mode = true,
    store_rejects = true, max_line_size = {longest}, buffer_size = {longest}
)
"""
_REJECTED = """
select line, any_value(ltrim(csv_line, chr(13) || chr(10))) as body,
    any_value(lower(error_type::varchar)) as reason
from reject_errors group by line
"""
_ORDINALS = """
with taken as (
    select 1 as place union select line from rejected_row
    union select place from blank_row
), counted as (
    select place, row_number() over (order by place) as number from taken
), gap as (
    select place - number as before, max(number) as number from counted group by all
), row_breaks as (
    select row_number() over () as line, {breaks} as breaks from file_row as r
)
select b.line, b.line + g.number as ordinal, b.breaks
from row_breaks as b asof join gap as g on b.line > g.before
"""
_LINES = """
with record as (
    select line, ordinal, breaks, false as is_rejected from ordinal_row
    union all
    select line, line,
        len(string_split(rtrim(body, chr(13) || chr(10)), chr(10))) - 1, true
    from rejected_row
)
select line as staged, is_rejected, ordinal + {header} + coalesce(sum(breaks) over (
    order by ordinal rows between unbounded preceding and 1 preceding
), 0)::bigint as line
from record
"""
_NUMBERED = """
select l.line, r.* exclude (line)
from (select {number} + 1 as line, * from {cells}) as r
join line_of as l on l.staged = r.line and not l.is_rejected
"""
_REJECTED_LINES = """
select l.line, r.* exclude (line) from rejected_row as r
join line_of as l on l.staged = r.line and l.is_rejected order by l.line
"""


@dataclass(frozen=True)
class CsvFile:
    """A CSV file in UTF-8 whose rows `file_row` shows: texts, in the file's order.

    Attributes:
        columns: unique names, whatever the header repeats or leaves empty.
        header_breaks: line breaks inside the header.
    """

    text: Text
    columns: tuple[str, ...]
    header_breaks: int


def open_csv(lake: Lake, text: Text, delimiter: str) -> CsvFile:
    """Show `file_row` of a UTF-8 file: it is read when it is asked for.

    Raises:
        UsageError: the first line is no header.
    """
    header = _header(text.path, delimiter)
    columns = _named(header)
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    reading = _READ.format(
        file=quote_file(text.path),
        columns=f"{{{types}}}",
        delimiter=quote_text(delimiter),
        longest=text.longest,
    )
    lake.view("file_row", Query(reading))
    _forget_rejects(lake)
    return CsvFile(text, tuple(columns), "".join(header).count("\n"))


def stage_csv(lake: Lake, text: Text, delimiter: str) -> None:
    """Stage `raw_cell` and `rejected_row` of a UTF-8 file; show `raw_row`.

    Raises:
        UsageError: the first line is no header.
    """
    opened = open_csv(lake, text, delimiter)
    cells = lake.stage("raw_cell", "from file_row")
    number_csv(lake, opened, cells, number_of(opened.columns), RAW_ROW)


def number_csv(lake: Lake, file: CsvFile, cells: Name, number: str, rows: Name) -> None:
    """Stage `rejected_row`; show `rows`, which are the staged `cells` by their `line`.

    `line` counts lines as an editor does: the header, blank lines and line breaks
    inside quotes too. Blank lines are no rows.

    Args:
        cells: what was staged of `file_row`, once and in its order.
        number: what numbers them from 0.
    """
    lake.stage("rejected_row", _REJECTED)
    if _is_a_line_each(lake, file.text, cells):
        query = f"select {number} + 2 as line, * from {cells}"
    else:
        _stage_lines(lake, file)
        query = _NUMBERED.format(number=number, cells=cells)
    lake.view(rows.parts[-1], Query(query))
    _forget_rejects(lake)


def _is_a_line_each(lake: Lake, text: Text, cells: Name) -> bool:
    """Say whether header and rows are one line each, and all of the file's lines."""
    rows = lake.value(
        f"select (select count(*) from {cells}) "
        "+ if(exists (from rejected_row), null, 0)"
    )
    return rows is not None and rows + 1 == text.n_lines


def _header(file: Path, delimiter: str) -> list[str]:
    """Return the cells of the first line."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        try:
            header = next(csv.reader(lines, delimiter=delimiter), None)
        except csv.Error as error:
            raise UsageError(
                f"has a header that cannot be read ({error}); is a quote left open?"
            ) from error
    if header is None:
        raise UsageError("is empty: not even a header line")
    if not header:
        raise UsageError("has a blank first line; the names of columns belong there")
    if any("\0" in name for name in header):
        raise UsageError("has a header with a zero byte; save it as text in UTF-8")
    return header


def _named(header: Sequence[str]) -> list[str]:
    """Return a name of its own for each column; repeated and empty ones get one."""
    names: dict[str, None] = {}
    taken = {"line"}
    for number, written in enumerate(header):
        name = unique = written or f"column{number}"
        again = 0
        while unique.lower() in taken:
            again += 1
            unique = f"{name}_{again}"
        taken.add(unique.lower())
        names[unique] = None
    return list(names)


def _stage_lines(lake: Lake, file: CsvFile) -> None:
    """Stage `line_of`: of each row and rejected row its line, counting all between."""
    blank = [*_blank_records(file.text.path)] if len(file.columns) > 1 else []
    lake.stage("blank_row", "select unnest($places::bigint[]) as place", places=blank)
    text = ", ".join(f"r.{quote_name(name)}" for name in file.columns)
    breaks = f"len(string_split(concat_ws('', {text}), chr(10))) - 1"
    lake.stage("ordinal_row", _ORDINALS.format(breaks=breaks))
    lake.stage("line_of", _LINES.format(header=file.header_breaks))
    lake.stage("rejected_row", _REJECTED_LINES)


def _blank_records(file: Path) -> Iterator[int]:
    """Yield which records, counted from 1, are blank lines outside of quotes."""
    record, is_quoted = 0, False
    with file.open("rb") as lines:
        for line in lines:
            record += not is_quoted
            if not is_quoted and not line.strip(b"\r\n"):
                yield record
            is_quoted ^= line.count(b'"') % 2 == 1


def number_of(columns: Sequence[str]) -> str:
    """Return what numbers the rows of `raw_cell` from 0, in the order of the file.

    Scratch tables keep that order by themselves; counting while a file is read would
    leave the reading to one thread.
    """
    if "rowid" in map(str.lower, columns):
        return "row_number() over () - 1"
    return "rowid"


def _forget_rejects(lake: Lake) -> None:
    for table in ("reject_errors", "reject_scans"):
        lake.execute(f"drop table if exists {table}")
