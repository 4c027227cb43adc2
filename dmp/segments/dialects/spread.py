"""A number that reads as text, compared with literals: the literals become numbers.

`"5"` equals a number exactly if it is the shortest form of one and that is the number.
So equality needs no text of a double, in which engines differ.
"""

from __future__ import annotations

from sqlglot import exp

from dmp.segments import trees
from dmp.segments.dialects.rewriting import Rewrite
from dmp.segments.live.values import shortest
from dmp.segments.trees import Tree
from dmp.segments.words import ShortestText


def spread_eq(node: exp.EQ, go: Rewrite) -> Tree:
    """Return an equality, inside the branches where one reads a number as text."""
    literal = node.expression
    if _is_read(node.this) and isinstance(literal, exp.Literal) and literal.is_string:
        return _spread(node.this, [literal], go)
    return trees.eq(go(node.this), go(literal))


def spread_in(node: exp.In, go: Rewrite) -> Tree:
    """Return a membership, inside the branches where one reads a number as text."""
    if node.args.get("query"):
        query = go(node.args["query"])
        return exp.In(this=go(node.this), query=query)
    literals = node.expressions
    if _is_read(node.this) and all(isinstance(v, exp.Literal) for v in literals):
        return _spread(node.this, literals, go)
    return trees.one_of(go(node.this), [go(v) for v in literals])


def _is_read(value: Tree) -> bool:
    if isinstance(value, exp.Case):
        return any(_is_read(branch.args["true"]) for branch in value.args["ifs"])
    return isinstance(value, ShortestText)


def _spread(value: Tree, literals: list[Tree], go: Rewrite) -> Tree:
    if isinstance(value, ShortestText):
        return _of_number(go(value.this), literals)
    if not isinstance(value, exp.Case):
        return trees.one_of(go(value), [literal.copy() for literal in literals])
    branches = [
        (go(branch.this), _spread(branch.args["true"], literals, go))
        for branch in value.args["ifs"]
    ]
    return trees.case(*branches)


def _of_number(number: Tree, literals: list[Tree]) -> Tree:
    numbers = [n for n in map(_number, literals) if n is not None]
    if numbers:
        return trees.one_of(number, [trees.number(n) for n in numbers])
    return trees.case((trees.is_present(number), trees.truth(False)))


def _number(literal: Tree) -> float | None:
    """Return the number of which a text is the shortest form."""
    try:
        number = float(literal.name)
    except ValueError:
        return None
    return number if shortest(number) == literal.name else None
