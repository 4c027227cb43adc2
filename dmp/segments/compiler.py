"""Rule to SQL: one statement in DuckDB's dialect, built as a sqlglot tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments import event_nodes, profile_nodes, sequences, trees
from dmp.segments.calendars import utc, zone_of
from dmp.segments.checks import faults_of
from dmp.segments.packing import TOLD, Packing
from dmp.segments.plan import Facts, Plan, Scope, fact_table, key_column
from dmp.segments.profile_nodes import people
from dmp.segments.rule import (
    All,
    AnyOf,
    Attribute,
    Condition,
    Consent,
    Did,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Node,
    Not,
    Regularly,
    Related,
    Restarted,
    Sample,
    Segment,
    Sql,
    Stopped,
    Top,
    leaves,
)
from dmp.segments.rule import (
    Sequence as Steps,
)
from dmp.segments.sources import Population
from dmp.segments.trees import Tree

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_COMPILERS: Mapping[type, Callable[[Any, Scope], Tree]] = {
    Attribute: profile_nodes.attribute,
    Did: event_nodes.did,
    Endmost: event_nodes.endmost,
    Steps: sequences.sequence,
    FirstTime: event_nodes.first_time,
    Regularly: event_nodes.regularly,
    Stopped: event_nodes.stopped,
    Restarted: event_nodes.restarted,
    Related: profile_nodes.related,
    InSegment: profile_nodes.segment,
    Consent: profile_nodes.consent,
    InList: profile_nodes.in_list,
    Sample: profile_nodes.sample,
    Top: profile_nodes.top,
    Sql: profile_nodes.sql,
}


@dataclass(frozen=True)
class Conditions:
    """A statement of one row and what its columns mean.

    Attributes:
        query: `members`, then one column `c0`, `c1`, … a condition.
        paths: the condition of each column after the first.
    """

    query: exp.Query
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Truths:
    """A statement of one row a person, which judges several segments in one pass.

    Attributes:
        query: the key, then true or false in each of the columns.
        members: by segment, the column that says who is in it.
        conditions: by segment, each condition's path and column.
    """

    query: exp.Query
    members: Mapping[str, str]
    conditions: Mapping[str, tuple[tuple[str, str], ...]]


def compile_segment(
    segment: Segment,
    population: Population,
    as_of: datetime,
    *,
    segments: Mapping[str, Segment],
) -> exp.Query:
    """Return `select <key>` of the members at as_of, each once, in no order.

    Args:
        segment: the rule.
        population: where the statement reads.
        as_of: the instant; without an offset it is UTC.
        segments: by id, those that the rule may refer to.

    Raises:
        RuleInvalid: it names attributes, entities, lists or segments that do not
            exist, refers back to itself, or needs data that the population lacks.
    """
    scope = _scope(segment, population, as_of, segments)
    condition = compile_node(segment.rule, scope)
    return finish(people([key_column(scope, "p")], condition, scope), scope)


def faults_in(
    segment: Segment, population: Population, segments: Mapping[str, Segment]
) -> list[Fault]:
    """Return why a segment would not compile: names, references, or too many parts."""
    faults = faults_of(segment, population, segments)
    if faults:
        return faults
    try:
        compile_segment(segment, population, _ANY_TIME, segments=segments)
    except RuleInvalid as error:
        return list(error.faults)
    return []


def compile_conditions(
    segment: Segment,
    population: Population,
    as_of: datetime,
    *,
    segments: Mapping[str, Segment],
) -> Conditions:
    """Return one statement that counts members and those each condition alone admits.

    Takes and raises what `compile_segment` does; the data are read once.
    """
    scope, truths, paths = _truths(segment, population, as_of, segments)
    table = exp.Subquery(
        this=people(truths, trees.truth(True), scope),
        alias=exp.TableAlias(this=exp.to_identifier("truths", quoted=True)),
    )
    counts: list[Tree] = [
        trees.named(
            trees.filtered(trees.count_rows(), trees.column(truth.alias)), truth.alias
        )
        for truth in truths
    ]
    return Conditions(finish(trees.select(counts, table), scope), paths)


def compile_truths(
    chosen: Sequence[Segment],
    population: Population,
    as_of: datetime,
    *,
    segments: Mapping[str, Segment],
) -> Truths:
    """Return one statement that judges everybody by several segments.

    Raises what `compile_segment` does. The events of a name are read once for all of
    them, and what several of them ask is one column.
    """
    plan = Plan(population, utc(as_of), segments)
    columns, members, conditions = dict[str, Tree](), {}, {}

    def column(node: Node, scope: Scope) -> str:
        condition = compile_node(node, scope)
        written = condition.sql("duckdb")
        columns.setdefault(written, trees.named(condition, f"c{len(columns)}"))
        return columns[written].alias

    for segment in chosen:
        scope = _scope(segment, population, as_of, segments, plan)
        members[segment.id] = column(segment.rule, scope)
        conditions[segment.id] = tuple(
            (path, column(leaf, scope)) for path, leaf in leaves(segment.rule)
        )
    scope, packing = Scope(plan, UTC, compile_node), Packing(plan)
    told = [
        trees.named(packing.packed(column.this), column.alias)
        for column in columns.values()
    ]
    query = people([key_column(scope, "p"), *told], trees.truth(True), scope)
    bits = packing.told()
    if bits is None:
        return Truths(finish(query, scope), members, conditions)
    on = trees.eq(key_column(scope, "p"), key_column(scope, TOLD))
    query = query.join(trees.relation(TOLD), on=on, join_type="left", copy=False)
    return Truths(finish(query, scope, {TOLD: bits}), members, conditions)


def compile_person(
    segment: Segment,
    population: Population,
    as_of: datetime,
    profile_id: str,
    *,
    segments: Mapping[str, Segment],
) -> Conditions:
    """Return one statement of the truth of the whole and of each condition.

    One row for the profile with this public id, none if there is no such profile.
    """
    scope, truths, paths = _truths(segment, population, as_of, segments)
    person = trees.cast(trees.column(population.text_id, "p"), "varchar")
    query = people(truths, trees.truth(True), scope)
    query = query.where(trees.eq(person, trees.text(profile_id)), copy=False)
    return Conditions(finish(query, scope), paths)


def compile_node(node: Node | Condition, scope: Scope) -> Tree:
    """Return a condition over the profile row, true or false, never null."""
    if isinstance(node, All):
        return trees.both(compile_node(part, scope) for part in node.parts)
    if isinstance(node, AnyOf):
        return trees.either(compile_node(part, scope) for part in node.parts)
    if isinstance(node, Not):
        return trees.negation(compile_node(node.part, scope))
    written = f"{scope.zone} {node!r}"
    known = scope.plan.conditions
    if written not in known:
        known[written] = _COMPILERS[type(node)](node, scope)
    return known[written].copy()


def _scope(
    segment: Segment,
    population: Population,
    as_of: datetime,
    segments: Mapping[str, Segment],
    plan: Plan | None = None,
) -> Scope:
    faults = faults_of(segment, population, segments)
    if faults:
        raise RuleInvalid(segment.id, faults)
    plan = plan or Plan(population, utc(as_of), segments)
    return Scope(plan, zone_of(segment.timezone), compile_node)


def _truths(
    segment: Segment,
    population: Population,
    as_of: datetime,
    segments: Mapping[str, Segment],
) -> tuple[Scope, list[Tree], tuple[str, ...]]:
    scope = _scope(segment, population, as_of, segments)
    found = list(leaves(segment.rule))
    truths = [trees.named(compile_node(segment.rule, scope), "members")]
    for i, (_, leaf) in enumerate(found):
        truths.append(trees.named(compile_node(leaf, scope), f"c{i}"))
    return scope, truths, tuple(path for path, _ in found)


def finish(
    query: exp.Select, scope: Scope, more: Mapping[str, exp.Query] | None = None
) -> exp.Query:
    """Put the facts and the other named parts in front of the statement."""
    parts = {
        fact_table(name): _facts_query(facts, scope)
        for name, facts in scope.plan.facts.items()
    }
    for name, part in (parts | scope.plan.ctes | dict(more or {})).items():
        query = query.with_(exp.to_identifier(name, quoted=True), part, copy=False)
    return query


def _facts_query(facts: Facts, scope: Scope) -> exp.Query:
    key = key_column(scope, facts.alias)
    columns = [trees.named(tree, name) for name, tree in facts.columns.values()]
    query = trees.select([key, *columns], facts.relation, facts.rows)
    return query.group_by(key.copy(), copy=False)
