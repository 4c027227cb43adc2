"""JSON lines as rows: one object a line, each refused alone where it is none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dmp.core.sql import Name, Query, quote_file, quote_name, quote_text
from dmp.ingest.csv_rows import RAW_ROW
from dmp.ingest.texts import Text
from dmp.storage.lake import Lake

MAX_DEPTH = 500
"""Levels of nesting taken; some thousands more would exhaust DuckDB's stack."""

_NUMBER_BYTES = 30
"""More than a number of JSON takes that is read as one of 64 bits."""
_ONE_IN_LOOKED_AT = 100
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[{}\]]")
_LINES = """
select body, {reason} as reason from read_csv(
    {file}, columns = {{'body': 'VARCHAR'}}, auto_detect = false, header = false,
    delim = chr(1), quote = '', escape = '', strict_mode = false, null_padding = true,
    max_line_size = {longest}, buffer_size = {longest}, compression = 'none'
)
"""
_REASON = """
case when starts_with(body, '{{') or ltrim(body, ' ' || chr(9))[1] = '{{' then
    case when case when {is_long} then json_depth(body) else 0 end > {deepest}
        then 'nested too deeply' end
when body is null or trim(body) = '' then ''
else 'not a JSON object' end
"""
"""Why a line is no row, before it is taken apart; empty for a blank one."""

_READ = """
select body, shape,
    case when reason is null and shape is null then 'not a JSON object' else reason end
        as reason
from (
    select *, case when reason is null then try(hash(json_keys(body, {objects}))) end
        as shape
    from ({lines})
)
"""
_NUMBERED = "(select row_number() over () - 1 as number, * from file_row)"
_SHAPES = """
select shape, min(rowid) as number, any_value(body) as body
from {cells} where reason is null group by shape
"""
_ABSENT = f"""
select k.shape, number, r.body from key_shape as k
join {_NUMBERED} as r using (number) where k.body is null
union all from key_shape where body is not null
"""
_TWINS = f"""
select number, body from {_NUMBERED} where shape in (
    select shape from (
        select shape, json_keys(body, {{objects}}) as keys from key_shape
    ) where {{has_twin}}
)
"""
_REJECTED = """
select rowid + 1 as line, body, reason from {cells} where reason <> ''
union all
select number + 1, body, 'a key stands twice in one object' from twin_row
"""
_ROWS = """
select rowid + 1 as line, * exclude (reason, shape) from {cells}
where reason is null and rowid not in (select number from twin_row)
"""
_IS_LONG = f"""
case when strlen(body) > {2 * MAX_DEPTH} then
    len(replace(replace(body, '[', ''), '{{', '')) + {MAX_DEPTH} < len(body)
else false end"""
"""What alone can be nested too deeply, told without looking at each character."""

KEPT = f"is_faulty or reason is not null or hash(body) % {_ONE_IN_LOOKED_AT} = 0"
"""Of which rows of `file_row` the body is needed after they were read."""

LOOKED_AT = """
(select body from {file} where {is_row} limit 5000)
union all select body from {rows} where {is_kept}
union all (select body from key_shape order by number limit 20000)"""
"""The bodies that are looked at for what no contract declares."""

_HAS_TWIN = "list_bool_or(list_transform(keys, lambda k: list_unique(k) < len(k)))"


def open_json(lake: Lake, text: Text, places: Sequence[str]) -> str:
    """Show `file_row` of a UTF-8 file: it is read when it is asked for.

    One row a line: `body`, the `reason` why it is no row (empty for a blank line) and
    `shape`, a hash of the keys of the row and of the objects that one of `places`
    leads through. Returns the list of these objects, as paths in SQL.
    """
    lake.define("json_depth", depth, ["VARCHAR"], "INTEGER")
    reason = _REASON.format(is_long=_IS_LONG, deepest=MAX_DEPTH)
    file = quote_file(text.path)
    lines = _LINES.format(reason=reason, file=file, longest=text.longest)
    objects = _objects(places)
    lake.view("file_row", Query(_READ.format(lines=lines, objects=objects)))
    return objects


def stage_json(lake: Lake, text: Text, places: Sequence[str]) -> None:
    """Stage `raw_cell`, `key_shape`, `rejected_row` of a UTF-8 file; show `raw_row`."""
    objects = open_json(lake, text, places)
    number_json(lake, objects, lake.stage("raw_cell", "from file_row"), RAW_ROW)


def number_json(lake: Lake, objects: str, cells: Name, rows: Name) -> None:
    """Stage `key_shape` and `rejected_row`; show `rows`: the `cells` by their `line`.

    A key that stands twice leaves open which value is meant; such a row is refused
    where it concerns the row itself or one of `objects`. `key_shape` has a row for each
    combination of keys: its `shape`, the `number` from 0 of the first row that has it,
    and the `body` of some row that has it.

    Args:
        cells: what was staged of `file_row`, in its order, with `reason`, `shape` and
            the bodies of the rows that `KEPT` chooses, or more.
    """
    lake.stage("key_shape", _SHAPES.format(cells=cells))
    if lake.value("select count(*) from key_shape where body is null"):
        lake.stage("key_shape", _ABSENT)
    keys = f"(select json_keys(body, {objects}) as keys from key_shape)"
    if lake.value(f"select coalesce(bool_or({_HAS_TWIN}), false) from {keys}"):
        lake.stage("twin_row", _TWINS.format(objects=objects, has_twin=_HAS_TWIN))
    else:
        lake.stage("twin_row", _NO_TWIN)
    lake.stage("rejected_row", _REJECTED.format(cells=cells))
    lake.view(rows.parts[-1], Query(_ROWS.format(cells=cells)))


_NO_TWIN = "select 0::bigint as number, '' as body limit 0"
_NO_SHAPE = "select 0::ubigint as shape, 0::bigint as number, '' as body limit 0"
_NO_REJECTED = "select 0::bigint as line, '' as body, '' as reason limit 0"


def stage_bodies(lake: Lake, bodies: Query) -> None:
    """Stage `raw_row` of bodies that are JSON objects: a select of `line`, `body`."""
    lake.stage("key_shape", _NO_SHAPE)
    stage_nothing_rejected(lake)
    lake.stage("raw_cell", bodies)
    lake.view("raw_row", Query("from raw_cell"))


def stage_nothing_rejected(lake: Lake) -> None:
    """Stage an empty `rejected_row`."""
    lake.stage("rejected_row", _NO_REJECTED)


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


def read_at_once(places: Sequence[str]) -> str | None:
    """Return the structure that reads all `places` in one go; None where none does.

    None does where a place leads through another one, or two differ in case alone.

    >>> read_at_once(["id", "traits.plan"])
    '{"id": "VARCHAR", "traits": {"plan": "VARCHAR"}}'
    """
    tree: dict[str, Any] = {}
    for place in places:
        *way, last = place.split(".")
        node: Any = tree
        for part in way:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last in node:
            return None
        node[last] = "VARCHAR"
    return json.dumps(tree, ensure_ascii=False) if _has_own_names(tree) else None


def _has_own_names(tree: Mapping[str, Any]) -> bool:
    """Say whether no two names of an object are the same to SQL, and none is empty."""
    inner = (node for node in tree.values() if isinstance(node, dict))
    alike = len({name.lower() for name in tree}) < len(tree)
    return all(tree) and not alike and all(map(_has_own_names, inner))


def texts_at(places: Sequence[str]) -> tuple[str, list[str]]:
    """Return what takes a `body` apart, to be named `v`, and the text at each place."""
    structure = read_at_once(places)
    if structure:
        return f"from_json(body, {quote_text(structure)})", [*map(_read_cell, places)]
    paths = ", ".join(quote_text(json_path(place.split("."))) for place in places)
    cells = [f"v[{number}]" for number in range(1, len(places) + 1)]
    return f"json_extract_string(body, [{paths}])", cells


def _read_cell(place: str) -> str:
    """Return the text at a place of `v`, the row's `body` read by `read_at_once`.

    Numbers that are written with an exponent are read again: there the two ways of
    reading differ in how they write it.
    """
    parts = place.split(".")
    cell = ".".join(map(quote_name, ["v", *parts]))
    return (
        f"(case when {cell} between '-' and ':' and strlen({cell}) < {_NUMBER_BYTES} "
        f"and contains({cell}, 'e') "
        f"then json_extract_string(body, {quote_text(json_path(parts))}) "
        f"else {cell} end)"
    )


def _objects(places: Sequence[str]) -> str:
    """Return the list of the objects on the way to `places`, as paths in SQL."""
    ways = {()} | {
        tuple(place.split(".")[:end])
        for place in places
        for end in range(1, place.count(".") + 1)
    }
    return f"[{', '.join(quote_text(json_path(way)) for way in sorted(ways))}]"
