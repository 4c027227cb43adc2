"""Who satisfies what: segments judged in few passes, of all or of the touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlglot import exp

from dmp.core.sql import Name, Query, quote_name, sql
from dmp.core.traits import at_snapshot
from dmp.segments import trees
from dmp.segments.compiler import Truths, compile_truths
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
        population: where they read; its people are staged.
        touched: who is judged, by segment; None is everybody.
        snapshot: of the lake; None is the newest.
    """

    lake: Lake
    chosen: Sequence[Segment]
    known: Mapping[str, Segment]
    population: Population
    as_of: datetime
    touched: Touched | None = None
    snapshot: int | None = None

    def truths(self) -> dict[str, tuple[Query, Counts]]:
        """Stage who satisfies what; return each segment's members and counts."""
        found: dict[str, tuple[Query, Counts]] = {}
        for start in range(0, len(self.chosen), _AT_ONCE):
            some = replace(self, chosen=self.chosen[start : start + _AT_ONCE])
            found |= some._at_once(f"{self.population.profiles}_truth_{start}")
        return found

    def _at_once(self, name: str) -> dict[str, tuple[Query, Counts]]:
        read = reading(self.chosen, self.known, self.as_of)
        population = self._reading(read) if read.since else self.population
        found = compile_truths(self.chosen, population, self.as_of, segments=self.known)
        query = Query(found.query.sql("duckdb"))
        if read.since:
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
        return f"{column} and {self.touched.columns[segment]}"

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

    def _reading(self, read: Reading) -> Population:
        """Return the population over the events that the segments read, by a name."""
        population = self.population
        types = population.typed_properties
        types = {name: types[name] for name in types if name in read.properties}
        name = f"{population.profiles}_event_read"
        return replace(population, events=name, typed_properties=types)

    def _over_events(
        self, query: Query, found: Truths, read: Reading, population: Population
    ) -> Query:
        """Give a query the events that it names: staged where it reads them twice.

        Of the touched, only events of the names that the segments read for which they
        are.
        """
        tables = [table.name for table in found.query.find_all(exp.Table)]
        columns = {column.name for column in found.query.find_all(exp.Column)}
        name, types = str(population.events), population.typed_properties
        rows = self._events(read, types, with_ids="event_id" in columns)
        if tables.count(name) > 1:
            self.lake.stage(name, rows)
            return query
        return sql(
            "with {name} as not materialized ({rows}) select * from ({query})",
            name=Name(name),
            rows=rows,
            query=query,
        )

    def _events(
        self, read: Reading, types: Mapping[str, str], *, with_ids: bool
    ) -> Query:
        rows = sql(
            "select a.profile_key, {id}e.event, e.occurred_at, e.properties "
            "from ({events}) as e join identity.assignment as a{at} using (subject_id)",
            id=Query("e.event_id, " if with_ids else ""),
            events=self._scanned(read, types),
            at=Query(self._at),
        )
        touched = self.touched
        if touched is not None:
            rows = sql(
                "{rows} join {t} as t using (profile_key) where {whose} and",
                rows=rows,
                t=Name(touched.table),
                whose=Query(trees.either(self._whose(touched)).sql("duckdb")),
            )
        else:
            rows = sql("{rows} where", rows=rows)
        return sql("{rows} a.valid_to is null", rows=rows)

    @property
    def _at(self) -> str:
        return at_snapshot(self.snapshot)

    def _scanned(self, read: Reading, types: Mapping[str, str]) -> Query:
        fields = ", ".join(
            f"{quote_name(name)} := properties.{quote_name(name)}" for name in types
        )
        properties = f"struct_pack({fields})" if fields else "null"
        return Query(
            f"select subject_id, event_id, event, occurred_at, {properties} as "
            f"properties from core.event{self._at} "
            f"where {read.rows(self.as_of).sql('duckdb')}"
        )

    def _whose(self, touched: Touched) -> Iterator[trees.Tree]:
        """Yield the conditions on events of the touched: one for each name."""
        columns: dict[str | None, list[str]] = {}
        for segment in self.chosen:
            for event in reading([segment], self.known, self.as_of).since:
                columns.setdefault(event, []).append(touched.columns[segment.id])
        for event, mine in columns.items():
            test = trees.either(trees.column(column, "t") for column in mine)
            name = trees.column("event", "e")
            named = [] if event is None else [trees.eq(name, trees.text(event))]
            yield trees.both([*named, test])
