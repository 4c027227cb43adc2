"""Asks DuckDB's RE2 whether it takes the regular expressions of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlglot import exp

from dmp.core.errors import Fault, QueryFailed
from dmp.segments.checks import conditions, wheres
from dmp.segments.rule import Attribute, Comparison, Related, Segment, deep_leaves
from dmp.segments.trees import call, text

Rows = Callable[[exp.Query], Sequence[tuple[Any, ...]]]


def pattern_faults(segment: Segment, rows: Rows) -> list[Fault]:
    """Return a fault for each pattern of a rule that RE2 refuses.

    Args:
        segment: the rule.
        rows: runs a query in DuckDB; QueryFailed means that it was refused.
    """
    faults = []
    for path, comparison in comparisons(segment):
        if comparison.op not in ("matches", "not_matches"):
            continue
        test = call("regexp_matches", text(""), text(str(comparison.value)))
        try:
            rows(exp.Select(expressions=[test]))
        except QueryFailed as error:
            reason = str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
            faults.append(Fault(f"{path}.value", reason, "a pattern that RE2 takes"))
    return faults


def comparisons(segment: Segment) -> Iterator[tuple[str, Comparison]]:
    """Yield the comparisons of attributes and properties with their paths."""
    for path, leaf in deep_leaves(segment.rule):
        if isinstance(leaf, Attribute):
            yield path.removesuffix(".attribute"), leaf.comparison
        places = list(wheres(path, leaf))
        if isinstance(leaf, Related):
            places.append((f"{path}.where", leaf.where))
        for place, parts in places:
            for i, part in enumerate(parts):
                for where, condition in conditions(part, f"{place}[{i}]"):
                    yield where, condition.comparison
