"""Compiles did, last, first and lifecycle: facts from one scan of the events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlglot import exp

from dmp.segments import readings, trees
from dmp.segments.comparisons import number_holds
from dmp.segments.dates import span_test
from dmp.segments.plan import (
    Scope,
    candidate,
    clauses,
    event_row,
    events,
    events_relation,
    inside,
    key_column,
    matching,
    up_to_as_of,
    window,
)
from dmp.segments.rule import (
    Comparison,
    Did,
    Endmost,
    FirstTime,
    Pattern,
    Regularly,
    Restarted,
    Stopped,
    Total,
)
from dmp.segments.trees import Tree, call
from dmp.segments.windows import Span, stretch, whole_periods

_Fact: TypeAlias = Callable[..., exp.Column]
"""Makes a fact of an aggregate, over the rows that satisfy more conditions too."""

_AGGREGATES = {"sum": "fsum", "avg": "favg", "min": "min", "max": "max"}


def did(node: Did, scope: Scope) -> Tree:
    """Return whether the count or the total satisfies its comparison."""
    fact = gather(node.pattern, window(node.within, scope), scope)
    if isinstance(node.measure, Total):
        return _total(node.measure, fact, scope)
    return _counted(fact(trees.count_rows()), node.measure)


def gather(pattern: Pattern, span: Span[datetime], scope: Scope) -> _Fact:
    """Return what makes facts about the events of a pattern in a window."""
    rows, left = events(scope, pattern)
    condition = trees.both([matching(left, scope), inside(span, scope)])

    def fact(aggregate: Tree, *more: Tree) -> exp.Column:
        chosen = trees.both([condition.copy(), *more])
        return scope.plan.fact(rows, aggregate, chosen, span.low)

    return fact


def _counted(count: Tree, comparison: Comparison) -> Tree:
    return number_holds(trees.coalesce(count, trees.integer(0)), comparison)


def _total(total: Total, fact: _Fact, scope: Scope) -> Tree:
    source = event_row(scope).find(total.property)
    if total.agg == "distinct":
        read = readings.as_text(source)
        aggregate: Tree = exp.Count(this=exp.Distinct(expressions=[read]))
    else:
        aggregate = call(_AGGREGATES[total.agg], readings.as_number(source))
    found = fact(aggregate)
    if total.agg in ("sum", "distinct"):
        return _counted(found, total.comparison)
    test = number_holds(found, total.comparison)
    return trees.both([trees.is_present(found.copy()), test])


def endmost(node: Endmost, scope: Scope) -> Tree:
    """Return whether the latest (earliest) candidate satisfies `has`.

    The instants of the latest that does and of the latest that does not tell; only
    where they are equal does the order of ids have to.
    """
    fact = gather(node.pattern, window(node.within, scope), scope)
    has = clauses(node.has, event_row(scope))
    occurred = trees.column("occurred_at", "e")
    end, beyond = ("max", trees.gt) if node.latest else ("min", trees.lt)
    does = fact(call(end, occurred), has)
    does_not = fact(call(end, occurred.copy()), trees.negation(has.copy()))
    tied = scope.plan.add("tie", _tied(node, does, does_not, scope))
    return trees.either(
        [
            trees.coalesce(beyond(does, does_not), trees.truth(False)),
            trees.both([trees.is_present(does.copy()), trees.is_null(does_not.copy())]),
            is_in(tied, scope),
        ]
    )


def _tied(
    node: Endmost, does: exp.Column, does_not: exp.Column, scope: Scope
) -> exp.Query:
    """Return those whose end several events share, where their order by id says yes."""
    key = key_column(scope, "e")
    facts = trees.relation(does.table)
    equal = trees.select(
        [trees.column(scope.population.key)],
        facts,
        trees.eq(does.copy(), does_not.copy()),
    )
    order = call("row", trees.column("occurred_at", "e"), event_id(scope))
    name = "arg_max" if node.latest else "arg_min"
    found = call(name, clauses(node.has, event_row(scope)), order)
    limit = [candidate(node.pattern, node.within, scope), up_to_as_of(scope)]
    rows = trees.select(
        [key, trees.named(found, "has")],
        trees.relation(events_relation(scope), "e"),
        trees.both([*limit, trees.within_query(key.copy(), equal)]),
    ).group_by(key.copy(), copy=False)
    return trees.select(
        [key_column(scope, "t")], trees.aliased(rows, "t"), trees.column("has", "t")
    )


def event_id(scope: Scope) -> Tree:
    """Return what orders events of one instant: their ids by code points."""
    found = trees.column("event_id", "e")
    if scope.population.ordered_ids:
        return found
    return trees.coalesce(trees.cast(found, "varchar"), trees.text(""))


def first_time(node: FirstTime, scope: Scope) -> Tree:
    """Return whether the first event that ever matched lies in the window."""
    fact = gather(node.pattern, Span(), scope)
    first = fact(call("min", trees.column("occurred_at", "e")))
    return _lies_in(first, window(node.within, scope))


def _lies_in(value: Tree, span: Span[datetime]) -> Tree:
    return trees.coalesce(span_test(value, span, trees.instant), trees.truth(False))


def _happened(pattern: Pattern, span: Span[datetime], scope: Scope) -> Tree:
    count = gather(pattern, span, scope)(trees.count_rows())
    return trees.gt(trees.coalesce(count, trees.integer(0)), trees.integer(0))


def stopped(node: Stopped, scope: Scope) -> Tree:
    """Return: did in `active`, which ends where `silent` begins, not in `silent`."""
    silent = stretch(node.silent, scope.plan.as_of, scope.zone)
    active = stretch(node.active, _low(silent), scope.zone)
    quiet = trees.negation(_happened(node.pattern, silent, scope))
    return trees.both([_happened(node.pattern, active, scope), quiet])


def restarted(node: Restarted, scope: Scope) -> Tree:
    """Return: did in `active`, not in `silent` before it, and some time before."""
    active = stretch(node.active, scope.plan.as_of, scope.zone)
    silent = stretch(node.silent, _low(active), scope.zone)
    earlier: Span[datetime] = Span(high=_low(silent), high_in=True)
    quiet = trees.negation(_happened(node.pattern, silent, scope))
    found = [_happened(node.pattern, span, scope) for span in (active, earlier)]
    return trees.both([found[0], quiet, found[1]])


def _low(span: Span[datetime]) -> datetime:
    assert span.low is not None
    return span.low


def regularly(node: Regularly, scope: Scope) -> Tree:
    """Return whether enough of the last whole periods hold enough events."""
    relation = trees.relation(events_relation(scope), "e")
    occurred = trees.column("occurred_at", "e")
    low, high = trees.column("low", "w"), trees.column("high", "w")
    key = key_column(scope, "e")
    spans = list(whole_periods(node, scope.at))
    begun = min(span.low for span in spans if span.low is not None)
    limit = trees.both(
        [
            matching(node.pattern, scope),
            up_to_as_of(scope),
            trees.gte(occurred.copy(), trees.instant(begun)),
        ]
    )
    inner = trees.select([key, trees.column("n", "w")], relation, limit)
    on = trees.both([trees.gte(occurred, low), trees.lt(occurred.copy(), high)])
    inner = inner.join(_periods(spans), on=on, copy=False)
    inner = inner.group_by(key.copy(), trees.column("n", "w"), copy=False)
    inner = inner.having(_at_least(node.times), copy=False)
    kept = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("k")))
    outer = trees.select([key_column(scope, "k")], kept)
    outer = outer.group_by(key_column(scope, "k"), copy=False)
    outer = outer.having(_at_least(node.at_least), copy=False)
    return is_in(scope.plan.add("regularly", outer), scope)


def _at_least(n: int) -> Tree:
    return trees.gte(trees.count_rows(), trees.integer(n))


def _periods(spans: Sequence[Span[datetime]]) -> Tree:
    rows = []
    for n, span in enumerate(spans):
        assert span.low is not None and span.high is not None
        edges = trees.instant(span.low), trees.instant(span.high)
        rows.append(exp.Tuple(expressions=[trees.integer(n), *edges]))
    columns = [exp.to_identifier(name, quoted=True) for name in ("n", "low", "high")]
    alias = exp.TableAlias(this=exp.to_identifier("w", quoted=True), columns=columns)
    return exp.Values(expressions=rows, alias=alias)


def is_in(name: str, scope: Scope) -> Tree:
    """Return whether the person is in a named part of the statement."""
    query = trees.select([trees.column(scope.population.key)], trees.relation(name))
    return trees.within_query(key_column(scope, "p"), query)
