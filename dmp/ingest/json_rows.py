"""JSON lines as rows: one object a line, each refused alone where it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from dmp.core.sql import quote_file, quote_text
from dmp.ingest.csv_rows import MAX_LINE_BYTES
from dmp.storage.lake import Lake

MAX_DEPTH = 500
"""Levels of nesting taken; some thousands more would exhaust DuckDB's stack."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[{}\]]")
_LINES = """
select line, body from (
    select row_number() over () as line, body from read_csv(
        {file}, columns = {{'body': 'VARCHAR'}}, auto_detect = false, header = false,
        delim = chr(1), quote = '', escape = '', strict_mode = false,
        null_padding = true, max_line_size = {longest}, compression = 'none'
    )
)
where body is not null and trim(body) <> ''
"""
_REFUSED = """
select line, body, case
    when ltrim(body, ' ' || chr(9))[1] <> '{{' then 'not a JSON object'
    when {is_long} and json_depth(body) > {deepest} then 'nested too deeply'
    when not json_valid(body) then 'not a JSON object'
    when {has_twin} then 'a key stands twice in one object'
end as reason
from raw_row where reason is not null
"""
_IS_LONG = f"""
strlen(body) > {2 * MAX_DEPTH}
and len(replace(replace(body, '[', ''), '{{', '')) + {MAX_DEPTH} < len(body)"""
"""What alone can be nested too deeply, told without looking at each character."""

_HAS_TWIN = (
    "list_bool_or(list_transform(json_keys(body, {objects}), "
    "lambda k: list_unique(k) < len(k)))"
)


def stage_json(lake: Lake, file: Path, places: Sequence[str]) -> None:
    """Stage `raw_row` (line, body) and `rejected_row` of a UTF-8 file.

    A key that stands twice leaves open which value is meant; such a row is refused
    where it concerns the row itself or an object that one of `places` leads through.
    """
    lake.define("json_depth", depth, ["VARCHAR"], "INTEGER")
    lake.stage("raw_row", _LINES.format(file=quote_file(file), longest=MAX_LINE_BYTES))
    refused = _REFUSED.format(
        is_long=_IS_LONG,
        deepest=MAX_DEPTH,
        has_twin=_HAS_TWIN.format(objects=_objects(places)),
    )
    lake.stage("rejected_row", refused)
    lake.execute("delete from raw_row where line in (select line from rejected_row)")


def depth(body: str) -> int:
    """Return how many brackets are open at once, at most, outside of strings.

    >>> depth('{"a": [1, "]["]}')
    2
    """
    level = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", body)):
        level += 1 if bracket in "[{" else -1
        deepest = max(deepest, level)
    return deepest


def json_path(parts: Sequence[str]) -> str:
    """Return the path of DuckDB's JSON functions that follows keys as they are.

    >>> json_path(["traits", "e.mail"])
    '$."traits"."e.mail"'
    """
    escaped = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return "$" + "".join(f'."{part}"' for part in escaped)


def _objects(places: Sequence[str]) -> str:
    """Return the list of the objects on the way to `places`, as paths in SQL."""
    ways = {()} | {
        tuple(place.split(".")[:end])
        for place in places
        for end in range(1, place.count(".") + 1)
    }
    return f"[{', '.join(quote_text(json_path(way)) for way in sorted(ways))}]"
