"""Limits on what a profile may hold: a cluster that breaks one loses its weakest edge.

The edges of such a cluster are taken from the strongest to the weakest, and each joins
what it connects unless the two together would hold too many values of a type. What it
would have joined stays apart then: the edge is dropped, and told. A decision of people
is taken first and joins whatever the limits say.
Source: Kruskal 1956 (spanning trees, the heaviest edge first).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from dmp.core.sql import Name
from dmp.identity.graph import Edges
from dmp.identity.signed_graph import Flags, Ints
from dmp.storage.lake import Lake

Values = Mapping[str, float]
"""Token of a value to when it was first seen, in seconds since 1970."""


@dataclass(frozen=True)
class Limit:
    """At most so many values, of those first seen within so many seconds."""

    type: str
    most: int
    within_s: float = float("inf")

    def counted(self, values: Values) -> int:
        """Return the most values that were first seen within the time of the limit.

        >>> Limit("card", 1, within_s=10).counted({"a": 0.0, "b": 9.0, "c": 19.0})
        2
        """
        times = sorted(values.values())
        if self.within_s == float("inf"):
            return len(times)
        ends = np.searchsorted(times, np.asarray(times) + self.within_s, side="left")
        return int((ends - np.arange(len(times))).max(initial=0))


@dataclass(frozen=True)
class Step:
    """An edge of a cluster, in the order in which edges are taken."""

    row: int
    left: int
    right: int
    is_decided: bool


@dataclass
class Parts:
    """Nodes while they are being joined, with the limited values that each part holds.

    Attributes:
        held: node to kind of value (an index of `limits`) to its values.
    """

    limits: Mapping[int, Limit]
    held: dict[int, dict[int, dict[str, float]]]
    root: dict[int, int] = field(default_factory=dict)

    def of(self, node: int) -> int:
        """Return the smallest node of a node's part."""
        while (above := self.root.get(node, node)) != node:
            self.root[node] = self.root.get(above, above)
            node = above
        return node

    def broken(self, one: int, other: int) -> Limit | None:
        """Return a limit that two parts together break, and neither does as much."""
        left, right = self.held.get(one, {}), self.held.get(other, {})
        for kind in sorted(left.keys() & right.keys()):
            limit = self.limits[kind]
            alone = max(limit.counted(left[kind]), limit.counted(right[kind]))
            if limit.counted(_united(left[kind], right[kind])) > max(limit.most, alone):
                return limit
        return None

    def join(self, one: int, other: int) -> None:
        """Make one part of two."""
        into, gone = min(one, other), max(one, other)
        self.root[gone] = into
        mine = self.held.setdefault(into, {})
        for kind, values in self.held.pop(gone, {}).items():
            mine[kind] = _united(mine.get(kind, {}), values)


def _united(one: Values, other: Values) -> dict[str, float]:
    both = {**one, **other}
    return {t: min(one.get(t, seen), other.get(t, seen)) for t, seen in both.items()}


def dropped_steps(parts: Parts, steps: Iterable[Step]) -> Iterator[tuple[int, str]]:
    """Join along the steps; return the row of each that a limit drops, and its type.

    A step whose ends come together all the same, by others, was not dropped.
    """
    for step, type_ in list(_refused_steps(parts, steps)):
        if parts.of(step.left) != parts.of(step.right):
            yield step.row, type_


def _refused_steps(parts: Parts, steps: Iterable[Step]) -> Iterator[tuple[Step, str]]:
    for step in steps:
        left, right = parts.of(step.left), parts.of(step.right)
        if left == right:
            continue
        limit = None if step.is_decided else parts.broken(left, right)
        if limit:
            yield step, limit.type
        else:
            parts.join(left, right)


@dataclass(frozen=True)
class Dropped:
    """What limits cost.

    Attributes:
        rows: the edges dropped, as rows of the edges given, ascending.
        types: for each of them the type of identifier whose limit it would break.
        within: the nodes of the clusters that broke a limit.
        part: for each node the smallest node of its part; of other clusters, itself.
    """

    rows: Ints
    types: list[str]
    within: Ints
    part: Ints


def dropped_edges(lake: Lake, edges: Edges, priority: Ints, label: Ints) -> Dropped:
    """Return which edges to drop so that clusters keep the limits of `identifier_rule`.

    Reads the scratch `node`, `scoped_identifier`, `identifier_rule` and
    `blocked_value`: what too many people show counts against no limit.

    Args:
        priority: of each edge; of lower ones are dropped before the weakest.
        label: the cluster of each node, named by one of its nodes.
    """
    part = np.arange(len(label), dtype=np.int64)
    parts = _held(lake, label)
    broken = np.unique(label[list(parts.held)])
    within = np.flatnonzero(np.isin(label, broken))
    if not len(within):
        return Dropped(np.empty(0, dtype=np.int64), [], within, part)
    found = sorted(dropped_steps(parts, _steps(edges, priority, label, broken)))
    part[within] = [parts.of(int(node)) for node in within]
    rows = np.asarray([row for row, _ in found], dtype=np.int64)
    return Dropped(rows, [type_ for _, type_ in found], within, part)


def _steps(edges: Edges, priority: Ints, label: Ints, broken: Ints) -> Iterator[Step]:
    inner: Flags = label[edges.left] == label[edges.right]
    inner &= (edges.weight > 0) & np.isin(label[edges.left], broken)
    rows = np.flatnonzero(inner)
    decided = np.isposinf(edges.weight[rows])
    order = np.lexsort(
        (
            edges.right[rows],
            edges.left[rows],
            -edges.weight[rows],
            -priority[rows],
            ~decided,
        )
    )
    for row, is_decided in zip(rows[order].tolist(), decided[order], strict=True):
        left, right = int(edges.left[row]), int(edges.right[row])
        yield Step(row, left, right, bool(is_decided))


def _held(lake: Lake, label: Ints) -> Parts:
    """Return the limited values of each node of the clusters that break a limit."""
    table = pa.table({"node": np.arange(len(label)), "label": label})
    lake.connection.register("label_arrow", table)
    lake.stage("limited_value", _LIMITED)
    lake.connection.unregister("label_arrow")
    limits, held = {}, dict[int, dict[int, dict[str, float]]]()
    for node, kind, type_, most, days, token, first_s in lake.rows(_BROKEN):
        within_s = float("inf") if days is None else days * 86400
        limits[kind] = Limit(type_, most, within_s)
        held.setdefault(node, {}).setdefault(kind, {})[token] = first_s
    return Parts(limits, held)


def stage_drops(lake: Lake, edges: Edges, dropped: Dropped) -> Name:
    """Stage `dropped_edge`: one row an edge that a limit dropped.

    Columns: `subject_id_l, subject_id_r, dropped_by`, the type of identifier.
    """
    table = pa.table(
        {
            "left_node": edges.left[dropped.rows],
            "right_node": edges.right[dropped.rows],
            "dropped_by": pa.array(dropped.types, pa.string()),
        }
    )
    lake.connection.register("dropped_arrow", table)
    lake.stage(
        "dropped_edge",
        "select l.subject_id as subject_id_l, r.subject_id as subject_id_r, dropped_by "
        "from dropped_arrow join node as l on l.node = left_node "
        "join node as r on r.node = right_node",
    )
    lake.connection.unregister("dropped_arrow")
    return Name("dropped_edge")


_LIMITED = """
select a.label, a.node, i.namespace, i.type, i.encoding, i.token,
    min(i.first_seen_at) as first_seen_at
from scoped_identifier as i
join identifier_rule as r using (type)
join node as n using (subject_id)
join label_arrow as a using (node)
anti join blocked_value as b on (b.namespace, b.type, b.encoding, b.token)
    = (i.namespace, i.type, i.encoding, i.token)
where r.max_per_profile is not null
group by all
"""
_BROKEN = """
with broken as (
    select distinct label from (
        select label, type, count(distinct token) as held from limited_value
        group by label, namespace, type, encoding
    ) join identifier_rule using (type) where held > max_per_profile
)
select v.node, dense_rank() over (order by v.namespace, v.type, v.encoding) as kind,
    v.type, r.max_per_profile, r.limit_days, v.token, epoch(v.first_seen_at)
from limited_value as v
semi join broken using (label)
join identifier_rule as r using (type)
order by v.node, kind, v.token
"""
