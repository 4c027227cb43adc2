"""Compiles `sequence`: events chosen in order, where any choice counts (row 13).

Rows are the person's events that match some step. Column `d<k>` of a row says: a chain
of the first k steps can end here. Its value is the latest deadline that any such chain
has for its last event (infinity without `total`), so no choice is lost: what a chain
may still do depends only on where it ends and on that deadline. A gap looks at the
furthest reach of the chains before, kept as a running maximum, so each step is one
pass. Where months make reach or deadline jump about, the pairs are compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.calendars import MONTHS
from dmp.segments.event_nodes import event_id, gather, is_in
from dmp.segments.localtime import later
from dmp.segments.plan import (
    Scope,
    candidate,
    events_relation,
    key_column,
    matching,
    up_to_as_of,
    window,
)
from dmp.segments.profile_nodes import people
from dmp.segments.rule import Duration, Sequence, Step
from dmp.segments.trees import Tree, call, column, named


@dataclass(frozen=True)
class _Chain:
    """The chain as far as it is compiled: the table, and the column that says it."""

    table: str
    deadline: str
    scope: Scope

    def at(self, alias: str = "s") -> Tree:
        return column(self.deadline, alias)

    def reach(self, gap: Duration, alias: str = "s") -> Tree:
        """Return until when the next event may come; null where no chain ends."""
        furthest = later(column("occurred_at", alias), gap, self.scope.zone)
        return trees.case((trees.is_present(self.at(alias)), furthest))


def sequence(node: Sequence, scope: Scope) -> Tree:
    """Return whether events can be chosen in order, one a step."""
    hope = _hope(node, scope)
    if _is_plain(node) and hope is not None:
        surely, perhaps = hope
        return trees.either([surely, _searched(node, perhaps, scope)])
    return _searched(node, hope[1] if hope else None, scope)


def _is_plain(node: Sequence) -> bool:
    """Say whether the first of one step and the last of the other tell all."""
    step = node.steps[-1]
    free = step.gap is None and not step.immediately and not step.absent
    return len(node.steps) == 2 and free and node.total is None


def _searched(node: Sequence, among: Tree | None, scope: Scope) -> Tree:
    """Return whether a search through the events of some finds a chain."""
    chain = _first(node, among, scope)
    for k, step in enumerate(node.steps[1:], start=1):
        chain = _next(chain, k, step, node)
    in_time = trees.lte(column("occurred_at", "s"), chain.at())
    query = trees.select(
        [key_column(scope, "s")],
        trees.relation(chain.table, "s"),
        trees.coalesce(in_time, trees.truth(False)),
    )
    return is_in(scope.plan.add("sequence", query.distinct()), scope)


def _first(node: Sequence, among: Tree | None, scope: Scope) -> _Chain:
    rows = trees.aliased(_ordered(node, among, scope), "o")
    wanted = trees.either(column(f"m{k}", "o") for k in range(len(node.steps)))
    table = scope.plan.add("steps", trees.select([exp.Star()], rows, wanted))
    deadline: Tree = trees.cast(trees.text("infinity"), "timestamptz")
    if node.total is not None:
        deadline = later(column("occurred_at", "s"), node.total, scope.zone)
    begun = trees.case((column("m0", "s"), deadline))
    return _extended(_Chain(table, "d0", scope), begun, 0)


def _extended(chain: _Chain, deadline: Tree, k: int) -> _Chain:
    source = trees.relation(chain.table, "s")
    columns = [exp.Star(), named(deadline, f"d{k}")]
    table = chain.scope.plan.add("chain", trees.select(columns, source))
    return _Chain(table, f"d{k}", chain.scope)


def _ordered(node: Sequence, among: Tree | None, scope: Scope) -> exp.Query:
    """Return the events with their place in the person's order and what they match."""
    occurred = column("occurred_at", "e")
    order = [exp.Ordered(this=occurred), exp.Ordered(this=event_id(scope))]
    place = exp.Window(
        this=call("row_number"),
        partition_by=[key_column(scope, "e")],
        order=exp.Order(expressions=order),
    )
    matches = [_matches(step, node, scope) for step in node.steps]
    limit = _limit(node, scope)
    if among is not None:
        someone = people([key_column(scope, "p")], among, scope)
        key = key_column(scope, "e")
        hopeful = trees.select(
            [trees.column(scope.population.key)],
            trees.relation(scope.plan.add("hopeful", someone)),
        )
        limit = trees.both([limit, trees.within_query(key, hopeful)])
    if not any(step.immediately for step in node.steps):
        limit = trees.both([limit, trees.either(match.copy() for match in matches)])
    columns = [key_column(scope, "e"), occurred.copy(), named(place, "place")]
    columns += [named(match, f"m{k}") for k, match in enumerate(matches)]
    return trees.select(columns, trees.relation(events_relation(scope), "e"), limit)


def _hope(node: Sequence, scope: Scope) -> tuple[Tree, Tree] | None:
    """Return whether each step lies before the next one; and whether it may.

    That is of the earliest event of a step and the latest of the next, which facts tell
    for everybody at once: where they do not allow it there is no chain, whatever the
    gaps. None where a step takes events of any name.
    """
    chosen = [step.pattern for step in node.steps if not step.absent]
    if any(pattern.event is None for pattern in chosen):
        return None
    span, occurred = window(node.within, scope), column("occurred_at", "e")
    facts = [gather(pattern, span, scope) for pattern in chosen]
    if len(facts) == 1:
        begun = trees.is_present(facts[0](call("min", occurred)))
        return trees.truth(False), begun
    ends = [
        (before(call("min", occurred)), after(call("max", occurred.copy())))
        for before, after in pairwise(facts)
    ]
    may = trees.eq if _is_plain(node) else trees.lte
    return _hold(trees.lt, ends), _hold(may, ends)


def _hold(
    test: Callable[[Tree, Tree], Tree], ends: Iterable[tuple[Tree, Tree]]
) -> Tree:
    return trees.both(
        trees.coalesce(test(low.copy(), high.copy()), trees.truth(False))
        for low, high in ends
    )


def _limit(node: Sequence, scope: Scope) -> Tree:
    """Return which rows can play a part: none does before the window of the chosen."""
    tests, low = [up_to_as_of(scope)], window(node.within, scope).low
    names = {step.pattern.event for step in node.steps}
    if low is not None:
        tests.append(trees.gte(column("occurred_at", "e"), trees.instant(low)))
    if None not in names and not any(step.immediately for step in node.steps):
        wanted = sorted(name for name in names if name is not None)
        tests.append(trees.one_of(column("event", "e"), map(trees.text, wanted)))
    return trees.both(tests)


def _matches(step: Step, node: Sequence, scope: Scope) -> Tree:
    if step.absent:
        return matching(step.pattern, scope)
    return candidate(step.pattern, node.within, scope)


def _next(chain: _Chain, k: int, step: Step, node: Sequence) -> _Chain:
    if step.absent and step.gap is not None:
        return _extended(chain, _absent(chain, k, step.gap), k)
    if step.gap is not None and not step.immediately and _jumps(step.gap, node):
        return _by_pairs(chain, k, step.gap)
    return _extended(chain, _after(chain, k, step), k)


def _jumps(gap: Duration, node: Sequence) -> bool:
    """Say whether a later event may have a nearer reach or deadline than an earlier.

    With `total` the running maxima of reach and deadline could then be of two events.
    """
    total = node.total
    return total is not None and (gap.unit in MONTHS or total.unit in MONTHS)


def _over(value: Tree, scope: Scope, spec: exp.WindowSpec | None = None) -> Tree:
    return exp.Window(
        this=value,
        partition_by=[key_column(scope, "s")],
        order=exp.Order(expressions=[exp.Ordered(this=column("place", "s"))]),
        spec=spec,
    )


def _rows_before() -> exp.WindowSpec:
    return exp.WindowSpec(
        kind="ROWS",
        start="UNBOUNDED",
        start_side="PRECEDING",
        end=trees.integer(1),
        end_side="PRECEDING",
    )


def _after(chain: _Chain, k: int, step: Step) -> Tree:
    """Return the deadline of the chains that this event can go on, if it matches."""
    scope = chain.scope
    tests: list[Tree] = [column(f"m{k}", "s")]
    name = "lag" if step.immediately else "max"
    spec = None if step.immediately else _rows_before()
    if step.immediately:
        before = _over(call("lag", column("place", "s")), scope)
        follows = trees.eq(before, trees.minus(column("place", "s"), trees.integer(1)))
        tests.append(follows)
    if step.gap is not None:
        reach = _over(call(name, chain.reach(step.gap)), scope, spec)
        tests.append(trees.gte(reach, column("occurred_at", "s")))
    best = _over(call(name, chain.at()), scope, spec)
    return trees.case((trees.both(tests), best))


def _absent(chain: _Chain, k: int, gap: Duration) -> Tree:
    """Return the deadline where no such event lies in (this event, + gap]."""
    scope, occurred = chain.scope, column("occurred_at", "s")
    end = later(occurred, gap, scope.zone)
    later_ones = exp.WindowSpec(
        kind="GROUPS",
        start=trees.integer(1),
        start_side="FOLLOWING",
        end="UNBOUNDED",
        end_side="FOLLOWING",
    )
    such = trees.case((column(f"m{k}", "s"), occurred.copy()))
    following = exp.Window(
        this=call("min", such),
        partition_by=[key_column(scope, "s")],
        order=exp.Order(expressions=[exp.Ordered(this=occurred.copy())]),
        spec=later_ones,
    )
    none = trees.coalesce(trees.gt(following, end), trees.truth(True))
    past = trees.lte(end.copy(), trees.instant(scope.plan.as_of))
    return trees.case((trees.both([past, none]), chain.at()))


def _by_pairs(chain: _Chain, k: int, gap: Duration) -> _Chain:
    """Extend by comparing each event with all that a chain ended at before."""
    scope = chain.scope
    key, place = scope.population.key, "place"
    on = trees.both(
        [
            trees.eq(column(key, "a"), column(key, "b")),
            trees.lt(column(place, "a"), column(place, "b")),
            trees.gte(chain.reach(gap, "a"), column("occurred_at", "b")),
        ]
    )
    best = named(call("max", chain.at("a")), "best")
    mine = [column(key, "b"), column(place, "b")]
    pairs = trees.select(
        [*mine, best], trees.relation(chain.table, "b"), column(f"m{k}", "b")
    )
    pairs = pairs.join(trees.relation(chain.table, "a"), on=on, copy=False)
    pairs = pairs.group_by(*(part.copy() for part in mine), copy=False)
    table = scope.plan.add("pairs", pairs)
    same = [trees.eq(column(n, "s"), column(n, "j")) for n in (key, place)]
    every = exp.Column(this=exp.Star(), table=exp.to_identifier("s"))
    columns = [every, named(column("best", "j"), f"d{k}")]
    joined = trees.select(columns, trees.relation(chain.table, "s"))
    joined = joined.join(
        trees.relation(table, "j"), on=trees.both(same), join_type="left", copy=False
    )
    return _Chain(scope.plan.add("chain", joined), f"d{k}", scope)
