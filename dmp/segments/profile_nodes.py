"""Compiles the nodes about the profile: attribute, consent, list, sample, top, …."""

from __future__ import annotations

from sqlglot import exp

from dmp.segments import readings, trees
from dmp.segments.calendars import zone_of
from dmp.segments.comparisons import holds
from dmp.segments.event_nodes import is_in
from dmp.segments.plan import (
    CONSENT,
    Facts,
    Scope,
    clauses,
    fact_table,
    key_column,
    profile_row,
    related_row,
    up_to_as_of,
)
from dmp.segments.rule import (
    Attribute,
    Consent,
    InList,
    InSegment,
    Property,
    Related,
    Sample,
    Sql,
    Top,
)
from dmp.segments.sandbox import checked_select
from dmp.segments.sources import Source, attribute_source
from dmp.segments.trees import Tree, call, text
from dmp.segments.words import Bucket, in_duckdb


def attribute(node: Attribute, scope: Scope) -> Tree:
    """Return whether an attribute satisfies its comparison."""
    return holds(Property((node.name,)), node.comparison, profile_row(scope))


def related(node: Related, scope: Scope) -> Tree:
    """Return whether the related rows hold, by the quantifier."""
    index = sorted(scope.population.related).index(node.entity)
    name = f"related_{index}"
    if name not in scope.plan.facts:
        table = scope.population.related[node.entity]
        relation = trees.relation(table.relation, "r")
        scope.plan.facts[name] = Facts(relation, "r", trees.truth(True))
    condition = clauses(node.where, related_row(scope, node.entity))
    if node.quantifier == "all":
        condition = trees.negation(condition)
    count = scope.plan.fact(name, trees.count_rows(), condition)
    return _quantified(node, trees.coalesce(count, trees.integer(0)))


def _quantified(node: Related, count: Tree) -> Tree:
    if node.quantifier in ("all", "none"):
        return trees.eq(count, trees.integer(0))
    n = trees.integer(1 if node.n is None else node.n)
    if node.quantifier == "at_most":
        return trees.lte(count, n)
    return trees.eq(count, n) if node.quantifier == "exactly" else trees.gte(count, n)


def consent(node: Consent, scope: Scope) -> Tree:
    """Return whether the newest decision up to as_of has the status."""
    relation = scope.population.consent
    assert relation is not None
    if CONSENT not in scope.plan.facts:
        limit = up_to_as_of(scope, "captured_at", "c")
        scope.plan.facts[CONSENT] = Facts(trees.relation(relation, "c"), "c", limit)
    status = trees.column("status", "c")
    denied = trees.eq(status, text("denied"))
    order = call("row", trees.column("captured_at", "c"), denied, status.copy())
    purpose = trees.eq(trees.column("purpose", "c"), text(node.purpose))
    newest = call("arg_max", status.copy(), order)
    found = scope.plan.fact(CONSENT, newest, purpose)
    if node.status != "unknown":
        return trees.coalesce(trees.eq(found, text(node.status)), trees.truth(False))
    decided = trees.one_of(found, [text("granted"), text("denied")])
    return trees.negation(trees.coalesce(decided, trees.truth(False)))


def in_list(node: InList, scope: Scope) -> Tree:
    """Return whether the person is on a static list."""
    relation = trees.relation(scope.population.lists[node.id], "l")
    key = key_column(scope, "l")
    query = trees.select([key], relation, trees.is_present(key.copy()))
    return trees.within_query(key_column(scope, "p"), query)


def sample(node: Sample, scope: Scope) -> Tree:
    """Return whether the person's bucket lies in the share."""
    person = trees.cast(trees.column(scope.population.text_id, "p"), "varchar")
    bucket = Bucket(this=person, salt=text(node.salt))
    low = trees.gte(bucket, trees.number(node.start))
    high = trees.lt(bucket.copy(), trees.number(node.start + node.percent))
    return trees.both([low, high])


def _bucket(word: Bucket) -> Tree:
    salt, person = word.args["salt"].name, word.this.copy()
    digest = call("md5", trees.join_text(text(f"{salt}:"), person))
    head = call("substr", digest, trees.integer(1), trees.integer(8))
    whole = trees.cast(trees.join_text(text("0x"), head), "bigint")
    share = exp.Div(
        this=trees.cast(whole, "double"), expression=trees.number(2.0**32), typed=True
    )
    return trees.binary(exp.Mul, exp.Paren(this=share), trees.number(100.0))


in_duckdb(Bucket, _bucket)


def segment(node: InSegment, scope: Scope) -> Tree:
    """Return whether the person is in another segment, in that segment's zone."""
    plan = scope.plan
    if node.id not in plan.compiled:
        wanted = plan.segments[node.id]
        inner = scope.in_zone(zone_of(wanted.timezone))
        condition = scope.compile(wanted.rule, inner)
        query = people([key_column(scope, "p")], condition, scope)
        plan.compiled[node.id] = plan.add("segment", query)
    found = is_in(plan.compiled[node.id], scope)
    return trees.negation(found) if node.negated else found


def top(node: Top, scope: Scope) -> Tree:
    """Return whether the person is among the n best by present values."""
    condition: Tree = trees.truth(True)
    if node.of is not None:
        condition = scope.compile(node.of, scope)
    value = _sortable(attribute_source(scope.population, node.by))
    limit = trees.both([condition, trees.is_present(value)])
    query = people([key_column(scope, "p")], limit, scope)
    by = exp.Ordered(this=value.copy(), desc=node.descending)
    person = trees.cast(trees.column(scope.population.text_id, "p"), "varchar")
    tie = exp.Ordered(this=person, desc=False)
    query = query.order_by(by, tie, copy=False).limit(node.n, copy=False)
    return is_in(scope.plan.add("top", query), scope)


def _sortable(source: Source) -> Tree:
    if source.kind == "number":
        return readings.as_number(source)
    if source.kind == "instant":
        return readings.as_instant(source)
    return source.read()


def sql(node: Sql, scope: Scope) -> Tree:
    """Return whether the public profile_id is in the result of a checked SELECT."""
    query = checked_select(node.select, scope.population.views)
    alias = exp.TableAlias(this=exp.to_identifier("chosen", quoted=True))
    found = exp.Subquery(this=query, alias=alias)
    person = trees.cast(trees.column("profile_id", "chosen"), "varchar")
    outer = trees.select([person], found, trees.is_present(person.copy()))
    public = trees.cast(trees.column(scope.population.text_id, "p"), "varchar")
    return trees.within_query(public, outer)


def people(columns: list[Tree], condition: Tree, scope: Scope) -> exp.Select:
    """Return a select over the profiles with the facts that are needed, joined."""
    profiles = trees.relation(scope.population.profiles, "p")
    query = trees.select(columns, profiles, condition)
    needed = {found.table for part in (condition, *columns) for found in _columns(part)}
    for name in scope.plan.facts:
        table = fact_table(name)
        if table in needed:
            on = trees.eq(key_column(scope, "p"), key_column(scope, table))
            query = query.join(
                trees.relation(table), on=on, join_type="left", copy=False
            )
    return query


def _columns(tree: Tree) -> list[exp.Column]:
    return list(tree.find_all(exp.Column))
