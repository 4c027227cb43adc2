"""Truths that the facts of one relation decide, packed into numbers beside them.

The join to the person then carries one number of each relation in the place of all
its facts, which is most of what judging many segments at once costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.plan import Plan, fact_table
from dmp.segments.trees import Tree

_BITS = 62


@dataclass
class Packing:
    """The truths of one statement.

    Attributes:
        truths: by table of facts, what it decides: SQL -> condition.
    """

    plan: Plan
    truths: dict[str, dict[str, Tree]] = field(default_factory=dict)

    def packed(self, condition: Tree) -> Tree:
        """Return the condition, never null, with bits for what facts alone decide.

        A part of it that is null may count as false: what it is part of is settled by
        the others, since the whole never is null.
        """
        table = self._decided_by(condition)
        if table:
            return self._bit(table, condition)
        if isinstance(condition, exp.Paren):
            return exp.Paren(this=self.packed(condition.this))
        if isinstance(condition, exp.Not):
            return trees.negation(self.packed(condition.this))
        if isinstance(condition, exp.And | exp.Or):
            join = trees.both if isinstance(condition, exp.And) else trees.either
            parts = condition.flatten(unnest=False)
            return join([self.packed(part) for part in parts])
        return condition.copy()

    def _decided_by(self, condition: Tree) -> str:
        """Return the table of facts that is all a condition reads, if there is one."""
        found = {column.table for column in condition.find_all(exp.Column)}
        if len(found) != 1 or condition.find(exp.Query):
            return ""
        (table,) = found
        return table if table in map(fact_table, self.plan.facts) else ""

    def _bit(self, table: str, condition: Tree) -> Tree:
        """Return whether the condition holds: of nulls, where there are no rows."""
        mine = self.truths.setdefault(table, {})
        written = condition.sql("duckdb")
        place = list(mine).index(written) if written in mine else len(mine)
        mine.setdefault(written, condition.copy())
        word = trees.column(f"m{place // _BITS}", told_table(table))
        bit = exp.BitwiseAnd(this=word, expression=trees.integer(1 << place % _BITS))
        holds = trees.binary(exp.NEQ, exp.Paren(this=bit), trees.integer(0))
        return trees.coalesce(holds, _of_nobody(condition))

    def ctes(self) -> dict[str, exp.Query]:
        """Return the named parts that hold the numbers."""
        return {
            told_table(table): self._told(table, list(mine.values()))
            for table, mine in self.truths.items()
        }

    def _told(self, table: str, conditions: list[Tree]) -> exp.Query:
        key = trees.column(self.plan.population.key)
        words = [
            trees.named(_word(conditions[start : start + _BITS]), f"m{n}")
            for n, start in enumerate(range(0, len(conditions), _BITS))
        ]
        return trees.select([key, *words], trees.relation(table))


def told_table(table: str) -> str:
    """Return the name of the part that holds the truths of a table of facts."""
    return f"{table}_told"


def _word(conditions: list[Tree]) -> Tree:
    bits = [
        exp.Paren(
            this=trees.case(
                (condition.copy(), trees.integer(1 << place)),
                otherwise=trees.integer(0),
            )
        )
        for place, condition in enumerate(conditions)
    ]
    word: Tree = bits[0]
    for bit in bits[1:]:
        word = exp.BitwiseOr(this=word, expression=bit)
    return trees.cast(exp.Paren(this=word), "bigint")


def _of_nobody(condition: Tree) -> Tree:
    """Return the condition of somebody without rows: all facts are null."""
    return condition.copy().transform(
        lambda node: exp.Null() if isinstance(node, exp.Column) else node
    )
