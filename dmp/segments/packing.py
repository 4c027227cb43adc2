"""Truths that rows of events and the like decide, packed into the bits of numbers.

What the facts of one relation decide, and who is in a named part of the statement, is
told as bits, gathered by person in one pass. So the join to the person carries one
number in the place of all facts: most of what judging many segments at once costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.masks import BITS
from dmp.segments.plan import Plan, fact_table
from dmp.segments.trees import Tree

TOLD = "rule_told"


@dataclass
class Packing:
    """The truths of one statement.

    Attributes:
        facts: by table of facts, what it decides, each with the place of its bit: set
            where the condition is not what it is of somebody without rows.
        parts: by named part, the bit of who is in it.
    """

    plan: Plan
    facts: dict[str, dict[str, tuple[int, Tree]]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    used: int = 0

    def packed(self, condition: Tree) -> Tree:
        """Return the condition, never null, with bits for what can be told by one.

        A part of it that is null may count as false: what it is part of is settled by
        the others, since the whole never is null.
        """
        table = self._decided_by(condition)
        if table:
            return self._fact(table, condition)
        name = self._part(condition)
        if name:
            return _bit(self.parts.setdefault(name, self._next(name in self.parts)))
        if isinstance(condition, exp.Paren):
            return exp.Paren(this=self.packed(condition.this))
        if isinstance(condition, exp.Not):
            return trees.negation(self.packed(condition.this))
        if isinstance(condition, exp.And | exp.Or):
            join = trees.both if isinstance(condition, exp.And) else trees.either
            parts = condition.flatten(unnest=False)
            return join([self.packed(part) for part in parts])
        return condition.copy()

    def _next(self, known: bool = False) -> int:
        self.used += not known
        return self.used - 1

    def _decided_by(self, condition: Tree) -> str:
        """Return the table of facts that is all a condition reads, if there is one."""
        found = {column.table for column in condition.find_all(exp.Column)}
        if len(found) != 1 or condition.find(exp.Query):
            return ""
        (table,) = found
        return table if table in map(fact_table, self.plan.facts) else ""

    def _fact(self, table: str, condition: Tree) -> Tree:
        mine, written = self.facts.setdefault(table, {}), condition.sql("duckdb")
        if written not in mine:
            mine[written] = self._next(), condition.copy()
        place, _ = mine[written]
        return trees.binary(exp.NEQ, exp.Paren(this=_bit(place)), _of_nobody(condition))

    def _part(self, condition: Tree) -> str:
        """Return the named part that a condition asks whether the person is in."""
        query = condition.args.get("query") if isinstance(condition, exp.In) else None
        select = query.this if isinstance(query, exp.Subquery) else query
        if not isinstance(select, exp.Select) or select.args.get("where"):
            return ""
        tables = list(select.find_all(exp.Table))
        name = tables[0].name if len(tables) == 1 else ""
        return name if name in self.plan.ctes else ""

    def told(self) -> exp.Query | None:
        """Return the select of the key and the numbers `m0`, `m1`, …; None: no bits."""
        selects = list(self._selects())
        if not selects:
            return None
        several = len(selects) > 1
        rows = exp.union(*selects, distinct=False) if several else selects[0]
        key = trees.column(self.plan.population.key)
        words = [
            trees.named(trees.call("bit_or", trees.column(f"m{n}")), f"m{n}")
            for n in range(self._words)
        ]
        query = trees.select([key, *words], trees.aliased(rows, "told"))
        return query.group_by(key.copy(), copy=False)

    @property
    def _words(self) -> int:
        return 1 + (self.used - 1) // BITS

    def _selects(self) -> Iterator[exp.Query]:
        for table, mine in self.facts.items():
            yield self._select(table, list(mine.values()))
        for name, place in self.parts.items():
            yield self._select(name, [(place, trees.truth(True))])

    def _select(self, table: str, told: list[tuple[int, Tree]]) -> exp.Query:
        words = [
            _word([(at % BITS, c) for at, c in told if at // BITS == n])
            for n in range(self._words)
        ]
        key = trees.column(self.plan.population.key)
        named = [trees.named(word, f"m{n}") for n, word in enumerate(words)]
        return trees.select([key, *named], trees.relation(table))


def _bit(place: int) -> Tree:
    word = trees.column(f"m{place // BITS}", TOLD)
    bit = exp.BitwiseAnd(this=word, expression=trees.integer(1 << place % BITS))
    holds = trees.binary(exp.NEQ, exp.Paren(this=bit), trees.integer(0))
    return trees.coalesce(holds, trees.truth(False))


def _word(told: list[tuple[int, Tree]]) -> Tree:
    word = trees.integer(0)
    for place, condition in told:
        bit = trees.integer(1 << place)
        if condition != trees.truth(True):
            differs = trees.binary(exp.NEQ, condition.copy(), _of_nobody(condition))
            bit = exp.Paren(this=trees.case((differs, bit), otherwise=trees.integer(0)))
        word = exp.BitwiseOr(this=word, expression=bit)
    return trees.cast(exp.Paren(this=word), "bigint")


def _of_nobody(condition: Tree) -> Tree:
    """Return the condition of somebody without rows: all facts are null."""
    nulls = condition.copy().transform(
        lambda node: exp.Null() if isinstance(node, exp.Column) else node
    )
    return trees.coalesce(nulls, trees.truth(False))
