"""Queries of whom rows and time may have changed, each with the segments of which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from dmp.segments import trees
from dmp.segments.calendars import zone_of
from dmp.segments.compiler import compile_node
from dmp.segments.edges import Rows
from dmp.segments.masks import Masks
from dmp.segments.plan import Plan, Scope, key_column, matching
from dmp.segments.sources import Population
from dmp.segments.turning import Turning


def passed_sql(found: Turning, population: Population, masks: Masks) -> list[str]:
    """Return the selects of the subjects with a row in one of the ranges.

    Their id, and the segments of which a range is met. Each interval is looked at by
    itself, since the order of the files by time makes that little to read.
    """
    intervals: dict[tuple[str, datetime, datetime, bool], dict[Rows, set[str]]] = {}
    for one, names in found.passed.items():
        mine = intervals.setdefault((one.rows.entity, *one[1:]), {})
        mine.setdefault(one.rows, set()).update(names)
    told = _Told(population, masks, found.now)
    return [
        told.select(f"core.{entity}", rows, _inside(low, high, low_in=low_in))
        for (entity, low, high, low_in), rows in intervals.items()
    ]


def changed_sql(
    found: Turning,
    population: Population,
    masks: Masks,
    changes: Mapping[str, str],
) -> list[str]:
    """Return the selects of the subjects of rows that came or went, as `passed_sql`.

    Args:
        changes: by entity, the select of those rows.
    """
    told, selects = _Told(population, masks, found.now), []
    for entity, changed in changes.items():
        rows = {one: mine for one, mine in found.rows.items() if one.entity == entity}
        if rows:
            selects.append(told.select(f"({changed})", rows, "true"))
    return selects


def _inside(low: datetime, high: datetime, *, low_in: bool) -> str:
    occurred = trees.column("occurred_at", "e")
    above = trees.gte if low_in else trees.gt
    tests = [
        above(occurred, trees.instant(low)),
        trees.lte(occurred.copy(), trees.instant(high)),
    ]
    return trees.both(tests).sql("duckdb")


@dataclass(frozen=True)
class _Told:
    """Rows told by the segments that they decide about."""

    population: Population
    masks: Masks
    at: datetime

    def select(
        self, source: str, rows: Mapping[Rows, Collection[str]], where: str
    ) -> str:
        """Return the select of the subjects of rows, alias `e`, and their segments."""
        tests: dict[str, set[str]] = {}
        for one, names in rows.items():
            tests.setdefault(self._test(one), set()).update(names)
        known = [
            (test, names & {*self.masks.segments}) for test, names in tests.items()
        ]
        known = [(test, names) for test, names in known if names] or [("false", set())]
        either = " or ".join(f"({test})" for test, _ in known)
        return (
            f"select e.subject_id, {self.masks.where(known)} from {source} as e "
            f"where {where} and ({either})"
        )

    def _test(self, rows: Rows) -> str:
        scope = _scope(self.population, self.at).in_zone(rows.zone)
        test = matching(rows.pattern, scope)
        return "true" if test == trees.truth(True) else test.sql("duckdb")


def attributes_sql(found: Turning, population: Population, masks: Masks) -> str | None:
    """Return those whose conditions on the profile hold at one as_of only, by segment.

    None where time changes no such condition.
    """
    if not found.attributes or found.then == found.now:
        return None
    scopes = [_scope(population, at) for at in (found.then, found.now)]
    tests: list[tuple[str, frozenset[str]]] = []
    for (leaf, zone), segments in found.attributes.items():
        before, after = (compile_node(leaf, scope.in_zone(zone)) for scope in scopes)
        test = trees.negation(trees.eq(before, after))
        tests.append((test.sql("duckdb"), segments))
    table = trees.relation(population.profiles, "p").sql("duckdb")
    key = key_column(scopes[0], "p").sql("duckdb")
    anyone = " or ".join(f"({test})" for test, _ in tests)
    return f"select {key}, {masks.where(tests)} from {table} where {anyone}"


def _scope(population: Population, at: datetime) -> Scope:
    return Scope(Plan(population, at, {}), zone_of("UTC"), compile_node)
