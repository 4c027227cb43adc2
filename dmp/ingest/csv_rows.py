"""CSV files as rows: none dropped, each under the line of the file it begins on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.core.sql import quote_name, quote_text
from dmp.storage.lake import Lake

MAX_LINE_BYTES = 64 << 20
_READ = """
select row_number() over () as line, * from read_csv(
    {file}, columns = {columns}, header = true, auto_detect = false,
    delim = {delimiter},
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
    select place, row_number() over (order by place) as n from taken
), gap as (
    select place - n as before, max(n) as n from counted group by all
)
select r.line + g.n as ordinal, {breaks} as breaks, r.* exclude (line)
from raw_row as r asof join gap as g on r.line > g.before
"""
_LINES = """
with record as (
    select ordinal, breaks, false as is_rejected from ordinal_row
    union all
    select line, len(string_split(rtrim(body, chr(13) || chr(10)), chr(10))) - 1, true
    from rejected_row
)
select ordinal, is_rejected, ordinal + coalesce(sum(breaks) over (
    order by ordinal rows between unbounded preceding and 1 preceding
), 0)::bigint as line
from record
"""


def stage_csv(lake: Lake, file: Path, delimiter: str) -> None:
    """Stage `raw_row` and `rejected_row` of a UTF-8 file.

    `line` counts lines as an editor does: the header, blank lines and line breaks
    inside quotes too. Blank lines are no rows.

    Raises:
        UsageError: there is not even a header line.
    """
    columns = _columns(file, delimiter)
    types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
    _forget_rejects(lake)
    lake.stage(
        "raw_row",
        _READ.format(
            file=quote_text(str(file)),
            columns=f"{{{types}}}",
            delimiter=quote_text(delimiter),
            longest=MAX_LINE_BYTES,
        ),
    )
    lake.stage("rejected_row", _REJECTED)
    _forget_rejects(lake)
    _number_lines(lake, file, columns)


def _columns(file: Path, delimiter: str) -> list[str]:
    """Return the header's names; an empty or repeated one gets a name of its own."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines, delimiter=delimiter), [])
    if not header:
        raise UsageError(f"{file.name} is empty: not even a header line")
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


def _number_lines(lake: Lake, file: Path, columns: Sequence[str]) -> None:
    """Turn the numbers of rows into those of lines, counting all between them."""
    blank = [*_blank_records(file)] if len(columns) > 1 else []
    lake.stage("blank_row", "select unnest($places::bigint[]) as place", places=blank)
    text = ", ".join(quote_name(name) for name in columns)
    breaks = f"len(string_split(concat_ws('', {text}), chr(10))) - 1"
    lake.stage("ordinal_row", _ORDINALS.format(breaks=breaks))
    lake.stage("line_of", _LINES)
    for table, kept, is_rejected in (
        ("raw_row", "r.* exclude (ordinal, breaks)", "false"),
        ("rejected_row", "r.* exclude (line)", "true"),
    ):
        source, key = (
            ("ordinal_row", "ordinal") if table == "raw_row" else (table, "line")
        )
        lake.stage(
            table,
            f"select l.line, {kept} from {source} as r join line_of as l "
            f"on l.ordinal = r.{key} and l.is_rejected = {is_rejected} order by l.line",
        )


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
