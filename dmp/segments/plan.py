"""What one statement gathers while a rule is compiled: facts per person, and CTEs.

A fact is one aggregate over the rows of a person. All facts about one relation are
computed in one scan of it; a person without rows has nulls there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from sqlglot import exp

from dmp.core.errors import Fault, RuleInvalid
from dmp.segments import trees
from dmp.segments.comparisons import Row, holds
from dmp.segments.rule import (
    All,
    AnyOf,
    Clause,
    Condition,
    Node,
    Not,
    Pattern,
    Segment,
    Within,
)
from dmp.segments.sources import (
    Population,
    attribute_source,
    event_source,
    related_source,
)
from dmp.segments.trees import Tree
from dmp.segments.windows import Moment, Span, within_span

EVENTS, CONSENT = "events", "consent"
MOST_FACTS = 200
MOST_FACTS_IN_ALL = 2_000
MOST_PARTS = 500
MOST_SCANS = 16
"""Names of events that have a scan of their own; the others share one."""


@dataclass
class Facts:
    """The aggregates over one relation.

    Attributes:
        limit: the rows that count at all.
        columns: SQL of an aggregate -> (its name, the aggregate).
        wanted: which rows any aggregate looks at.
        lows: when the window of each begins; None where it has no beginning.
    """

    relation: Tree
    alias: str
    limit: Tree
    columns: dict[str, tuple[str, Tree]] = field(default_factory=dict)
    wanted: dict[str, Tree] = field(default_factory=dict)
    lows: set[datetime | None] = field(default_factory=set)

    @property
    def rows(self) -> Tree:
        """Which rows the scan reads; the earliest window lets it skip whole files."""
        begun = [low for low in self.lows if low is not None]
        tests = [self.limit]
        if len(begun) == len(self.lows) > 0:
            occurred = trees.column("occurred_at", self.alias)
            tests.append(trees.gte(occurred, trees.instant(min(begun))))
        return trees.both([*tests, trees.either(self.wanted.values())])


@dataclass
class Plan:
    """One statement in the making.

    Attributes:
        facts: by the name of the relation they are about.
        scans: the facts about events of a name.
        ctes: the other named parts, in the order they need each other.
        compiled: segment id -> the part that holds its members.
        conditions: those compiled already, so that none is computed twice.
    """

    population: Population
    as_of: datetime
    segments: Mapping[str, Segment]
    facts: dict[str, Facts] = field(default_factory=dict)
    ctes: dict[str, exp.Query] = field(default_factory=dict)
    compiled: dict[str, str] = field(default_factory=dict)
    conditions: dict[str, Tree] = field(default_factory=dict)
    scans: dict[str | None, str] = field(default_factory=dict)

    def fact(
        self,
        name: str,
        aggregate: Tree,
        condition: Tree,
        low: datetime | None = None,
    ) -> exp.Column:
        """Return the column of an aggregate over the rows that satisfy a condition.

        Args:
            name: of the facts.
            aggregate: over their alias.
            condition: on their rows; null is as good as false.
            low: no row before it satisfies the condition.
        """
        condition = trees.admitting(condition)
        tree = trees.filtered(aggregate, condition)
        written = tree.sql("duckdb")
        place, facts = self._group(name, written)
        facts.columns.setdefault(written, (f"f{len(facts.columns)}", tree))
        facts.wanted.setdefault(condition.sql("duckdb"), condition)
        facts.lows.add(low)
        return trees.column(facts.columns[written][0], fact_table(place))

    def _group(self, name: str, written: str) -> tuple[str, Facts]:
        """Return the facts about a relation that hold this one or have room for it.

        Planning takes the square of their number, so each scan computes only so many.
        """
        if sum(len(facts.columns) for facts in self.facts.values()) > MOST_FACTS_IN_ALL:
            raise _too_many(MOST_FACTS_IN_ALL, "questions about rows")
        groups = [name]
        while len(self.facts[groups[-1]].columns) >= MOST_FACTS:
            if written in self.facts[groups[-1]].columns:
                break
            following = f"{name}_more_{len(groups)}"
            first = self.facts[name]
            if following not in self.facts:
                relation, limit = first.relation.copy(), first.limit.copy()
                self.facts[following] = Facts(relation, first.alias, limit)
            groups.append(following)
        return groups[-1], self.facts[groups[-1]]

    def add(self, kind: str, query: exp.Query) -> str:
        """Keep a named part of the statement and return its name."""
        if len(self.ctes) >= MOST_PARTS:
            raise _too_many(MOST_PARTS, "steps of sequences and other parts")
        name = f"rule_{kind}_{len(self.ctes)}"
        self.ctes[name] = query
        return name


def _too_many(most: int, what: str) -> RuleInvalid:
    right = f"at most {most:,}; split the rule into segments of its own"
    return RuleInvalid(
        "rule", [Fault("rule", f"needs more than {most:,} {what}", right)]
    )


def fact_table(name: str) -> str:
    """Return the name of the part of the statement that holds these facts."""
    return f"rule_{name}"


@dataclass(frozen=True)
class Scope:
    """Where a node stands: its statement, and the zone its dates are read in."""

    plan: Plan
    zone: tzinfo
    compile: Callable[[Node, Scope], Tree]

    @property
    def at(self) -> Moment:
        """As_of and the zone."""
        return Moment(self.plan.as_of, self.zone)

    @property
    def population(self) -> Population:
        """Where the statement reads."""
        return self.plan.population

    def in_zone(self, zone: tzinfo) -> Scope:
        """Return the scope of a segment with a zone of its own."""
        return replace(self, zone=zone)


def key_column(scope: Scope, alias: str) -> Tree:
    """Return the key column of a relation's alias."""
    return trees.column(scope.population.key, alias)


def profile_row(scope: Scope) -> Row:
    """Return the profile's row, alias `p`."""
    population = scope.population
    return Row(lambda wanted: attribute_source(population, str(wanted)), scope.at)


def event_row(scope: Scope) -> Row:
    """Return an event's row, alias `e`."""
    return Row(lambda wanted: event_source(scope.population, wanted), scope.at)


def related_row(scope: Scope, entity: str) -> Row:
    """Return a related row, alias `r`."""
    table = scope.population.related[entity]
    return Row(lambda wanted: related_source(table, wanted), scope.at)


def events(scope: Scope, pattern: Pattern) -> tuple[str, Pattern]:
    """Open the facts about a pattern's events up to as_of.

    Returns their name, and what of the pattern is left to test in them: a scan of one
    name reads little of the others, and each row meets only the questions about it.
    """
    plan = scope.plan
    own = pattern.event is not None and (
        pattern.event in plan.scans or len(plan.scans) < MOST_SCANS
    )
    if not own:
        return _open(EVENTS, up_to_as_of(scope), scope), pattern
    name = plan.scans.setdefault(pattern.event, f"{EVENTS}_{len(plan.scans)}")
    limit = trees.both([matching(Pattern(pattern.event), scope), up_to_as_of(scope)])
    return _open(name, limit, scope), replace(pattern, event=None)


def _open(name: str, limit: Tree, scope: Scope) -> str:
    table = trees.relation(events_relation(scope), "e")
    scope.plan.facts.setdefault(name, Facts(table, "e", limit))
    return name


def events_relation(scope: Scope) -> str:
    """Return the relation of events.

    Raises:
        RuleInvalid: the population has none.
    """
    if scope.population.events is None:
        raise RuleInvalid("rule", [Fault("rule", "needs events; none are given")])
    return scope.population.events


def up_to_as_of(scope: Scope, name: str = "occurred_at", alias: str = "e") -> Tree:
    """Return the condition that a row is not later than as_of."""
    return trees.lte(trees.column(name, alias), trees.instant(scope.plan.as_of))


def clauses(parts: tuple[Clause, ...], row: Row) -> Tree:
    """Return the condition that all clauses hold for a row."""
    return trees.both(_clause(part, row) for part in parts)


def _clause(part: Condition | Node, row: Row) -> Tree:
    if isinstance(part, Condition):
        return holds(part.property, part.comparison, row)
    if isinstance(part, All):
        return trees.both(_clause(inner, row) for inner in part.parts)
    if isinstance(part, AnyOf):
        return trees.either(_clause(inner, row) for inner in part.parts)
    if isinstance(part, Not):
        return trees.negation(_clause(part.part, row))
    raise TypeError("a clause is made of conditions")


def matching(pattern: Pattern, scope: Scope) -> Tree:
    """Return the condition that an event matches a pattern, as a filter takes it."""
    parts = [clauses(pattern.where, event_row(scope))]
    if pattern.event is not None:
        name = trees.column("event", "e")
        parts.insert(0, trees.eq(name, trees.text(pattern.event)))
    return trees.admitting(trees.both(parts))


def inside(span: Span[datetime], scope: Scope, alias: str = "e") -> Tree:
    """Return the condition that a row lies in a window that ends by as_of."""
    occurred, tests = trees.column("occurred_at", alias), []
    if span.low is not None:
        above = trees.gte if span.low_in else trees.gt
        tests.append(above(occurred, trees.instant(span.low)))
    if span.high is not None and span.high < scope.plan.as_of:
        below = trees.lte if span.high_in else trees.lt
        tests.append(below(occurred.copy(), trees.instant(span.high)))
    elif span.high is not None and not span.high_in:
        tests.append(trees.lt(occurred.copy(), trees.instant(span.high)))
    return trees.both(tests)


def candidate(pattern: Pattern, within: Within | None, scope: Scope) -> Tree:
    """Return the condition that an event matches and lies in `within`, as a filter."""
    return trees.both([matching(pattern, scope), inside(window(within, scope), scope)])


def window(within: Within | None, scope: Scope) -> Span[datetime]:
    """Return the window of a condition at as_of."""
    return within_span(within, scope.at)
