"""CSV files as rows: none dropped, each under the line of the file it begins on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.core.sql import quote_file, quote_name, quote_text
from dmp.storage.lake import Lake

MAX_LINE_BYTES = 64 << 20
_READ = """
select row_number() over () as line, * from read_csv(
    {file}, columns = {columns}, header = true, auto_detect = false,
    delim = {delimiter}, compression = 'none',
    quote = '"', escape = '"', comment = '', skip = 0, strict_mode = true,
    store_rejects = true, max_line_size = {longest}
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
    select r.line, {breaks} as breaks from raw_row as r
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
from {table} as r
join line_of as l on l.staged = r.line and l.is_rejected = {is_rejected}
order by l.line
"""


def stage_csv(lake: Lake, file: Path, delimiter: str) -> None:
    """Stage `raw_row` and `rejected_row` of a UTF-8 file.

    `line` counts lines as an editor does: the header, blank lines and line breaks
    inside quotes too. Blank lines are no rows.

    Raises:
        UsageError: the first line is no header.
    """
    header = _header(file, delimiter)
    columns = _named(header)
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    _forget_rejects(lake)
    lake.stage(
        "raw_row",
        _READ.format(
            file=quote_file(file),
            columns=f"{{{types}}}",
            delimiter=quote_text(delimiter),
            longest=MAX_LINE_BYTES,
        ),
    )
    lake.stage("rejected_row", _REJECTED)
    _forget_rejects(lake)
    _number_lines(lake, file, columns, header_breaks="".join(header).count("\n"))


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


def _number_lines(
    lake: Lake, file: Path, columns: Sequence[str], *, header_breaks: int
) -> None:
    """Turn the numbers of rows into those of lines, counting all between them."""
    blank = [*_blank_records(file)] if len(columns) > 1 else []
    lake.stage("blank_row", "select unnest($places::bigint[]) as place", places=blank)
    text = ", ".join(f"r.{quote_name(name)}" for name in columns)
    breaks = f"len(string_split(concat_ws('', {text}), chr(10))) - 1"
    lake.stage("ordinal_row", _ORDINALS.format(breaks=breaks))
    lake.stage("line_of", _LINES.format(header=header_breaks))
    for table, is_rejected in (("raw_row", "false"), ("rejected_row", "true")):
        lake.stage(table, _NUMBERED.format(table=table, is_rejected=is_rejected))


def _blank_records(file: Path) -> Iterator[int]:
    """Yield which records, counted from 1, are blank lines outside of quotes."""
    record, is_quoted = 0, False
    with file.open("rb") as lines:
        for line in lines:
            record += not is_quoted
            if not is_quoted and not line.strip(b"\r\n"):
                yield record
            is_quoted ^= line.count(b'"') % 2 == 1


def _forget_rejects(lake: Lake) -> None:
    for table in ("reject_errors", "reject_scans"):
        lake.execute(f"drop table if exists {table}")
