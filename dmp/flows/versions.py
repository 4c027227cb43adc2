"""The versions of a segment: when each began, its size, what it changed."""

from __future__ import annotations

import json
from typing import Any

from dmp.flows.shapes import Version
from dmp.segments.diff import Change, diff
from dmp.segments.parsing import parse
from dmp.segments.rule import Segment
from dmp.segments.sentence import sentence
from dmp.storage.lake import Lake

MOST_VERSIONS = 12

_VERSIONS = """
with sized as (
    select version, arg_max(members, computed_at) as members
    from segment.result where segment = $segment group by version
)
select d.valid_from, d.rule::varchar, s.members
from segment.definition as d left join sized as s using (version)
where d.segment = $segment order by d.valid_from desc limit $most
"""


def versions(lake: Lake, segment: str) -> list[Version]:
    """Return the last stored versions of a segment, the newest first."""
    rows = lake.rows(_VERSIONS, segment=segment, most=MOST_VERSIONS + 1)
    rules = [parse(json.loads(written)) for _, written, _ in rows]
    found = []
    for place, (began, _, members) in enumerate(rows[:MOST_VERSIONS]):
        before = rules[place + 1] if place + 1 < len(rules) else None
        found.append(Version(began, members, _changes(before, rules[place])))
    return found


def _changes(old: Segment | None, new: Segment) -> tuple[str, ...]:
    if old is None:
        return ("first stored version",)
    return tuple(_said(change) for change in diff(old, new))


def _said(change: Change) -> str:
    if change.kind == "setting":
        return f"{change.path}: {change.before or 'none'} → {change.after or 'none'}"
    parts = [_node(one) for one in (change.before, change.after) if one is not None]
    return f"{change.kind}: {' → '.join(parts)}"


def _node(document: Any) -> str:
    return sentence(parse({"segment": "s", "rule": document}).rule)
