"""Who satisfies what: segments judged in few passes, of all or of the touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlglot import exp

from dmp.core.sql import Name, Query, sql
from dmp.segments.compiler import Truths, compile_truths
from dmp.segments.event_rows import read_population, scanned
from dmp.segments.population import KEY
from dmp.segments.reading import Reading, reading
from dmp.segments.rule import Segment
from dmp.segments.sources import Population
from dmp.segments.touched import Touched
from dmp.storage.lake import Lake

_AT_ONCE = 64
"""Segments that one pass over the events judges: more need more memory."""

Counts = tuple[tuple[str, int], ...]
"""For each condition how many people it alone admits."""


@dataclass(frozen=True)
class Judging:
    """Segments to judge at an instant.

    Attributes:
        known: by id, those that they may refer to.
        population: where they read; its people are staged, and of the touched what
            they did too.
        touched: who is judged, by segment; None is everybody.
    """

    lake: Lake
    chosen: Sequence[Segment]
    known: Mapping[str, Segment]
    population: Population
    as_of: datetime
    touched: Touched | None = None

    def truths(self) -> dict[str, tuple[Query, Counts]]:
        """Stage who satisfies what; return each segment's members and counts."""
        found: dict[str, tuple[Query, Counts]] = {}
        for start in range(0, len(self.chosen), _AT_ONCE):
            some = replace(self, chosen=self.chosen[start : start + _AT_ONCE])
            found |= some._at_once(f"{self.population.profiles}_truth_{start}")
        return found

    def _at_once(self, name: str) -> dict[str, tuple[Query, Counts]]:
        read = reading(self.chosen, self.known, self.as_of)
        population, of_all = self.population, self.touched is None and bool(read.since)
        if of_all:
            events = f"{population.profiles}_event_read"
            population = read_population(population, events, read)
        found = compile_truths(self.chosen, population, self.as_of, segments=self.known)
        query = Query(found.query.sql("duckdb"))
        if of_all:
            query = self._over_events(query, found, read, population)
        rows = Query(str(self.lake.stage(name, query)))
        if self.touched is not None:
            touched = Name(self.touched.table)
            rows = sql("{r} join {t} using (profile_key)", r=rows, t=touched)
        counts = self._counted(rows, found)
        return {
            one.id: (self._members(one.id, rows, found), counts[one.id])
            for one in self.chosen
        }

    def _members(self, segment: str, rows: Query, found: Truths) -> Query:
        column = found.members[segment]
        where = self._mine(segment, column)
        return Query(f"select {KEY} from {rows.text} where {where}")

    def _mine(self, segment: str, column: str) -> str:
        if self.touched is None:
            return column
        return f"{column} and {self.touched.is_of(segment)}"

    def _counted(self, rows: Query, found: Truths) -> dict[str, Counts]:
        asked = [
            self._mine(one.id, column)
            for one in self.chosen
            for _, column in found.conditions[one.id]
        ]
        distinct = list(dict.fromkeys(asked)) or ["true"]
        columns = ", ".join(f"count(*) filter ({one})" for one in distinct)
        values = self.lake.row(f"select {columns} from {rows.text}")
        counts = dict(zip(distinct, values, strict=True))
        return {
            one.id: tuple(
                (path, counts[self._mine(one.id, column)])
                for path, column in found.conditions[one.id]
            )
            for one in self.chosen
        }

    def _over_events(
        self, query: Query, found: Truths, read: Reading, population: Population
    ) -> Query:
        """Give a query the events that it names: staged where it reads them twice."""
        tables = [table.name for table in found.query.find_all(exp.Table)]
        columns = {column.name for column in found.query.find_all(exp.Column)}
        name, types = str(population.events), population.typed_properties
        rows = sql(
            "select a.profile_key, {id}e.event, e.occurred_at, e.properties "
            "from ({events}) as e join identity.assignment as a using (subject_id) "
            "where a.valid_to is null",
            id=Query("e.event_id, " if "event_id" in columns else ""),
            events=scanned(read, types, self.as_of),
        )
        if tables.count(name) > 1:
            self.lake.stage(name, rows)
            return query
        return sql(
            "with {name} as not materialized ({rows}) select * from ({query})",
            name=Name(name),
            rows=rows,
            query=query,
        )
