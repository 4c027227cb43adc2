"""Who satisfies what: segments judged in few passes, of all or of the touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dmp.core.sql import Name, Query, quote_name, sql
from dmp.segments import trees
from dmp.segments.compiler import Truths, compile_truths
from dmp.segments.population import KEY
from dmp.segments.reading import reading
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
        population = self._stage_events()
        found = compile_truths(self.chosen, population, self.as_of, segments=self.known)
        rows = Query(str(self.lake.stage(name, Query(found.query.sql("duckdb")))))
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

    def _stage_events(self) -> Population:
        """Stage what the segments read of the events, so that it is found once only.

        Of the touched, only events of the names that the segments read for which they
        are.
        """
        population = self.population
        read = reading(self.chosen, self.known, self.as_of)
        if not read.since or population.events is None:
            return population
        types = population.typed_properties
        types = {name: types[name] for name in types if name in read.properties}
        fields = ", ".join(
            f"{quote_name(name)} := e.properties.{quote_name(name)}" for name in types
        )
        name = f"{population.profiles}_event_read"
        source = Query(str(Name(population.events)) + " as e")
        if self.touched is not None:
            touched = Name(self.touched.table)
            source = sql("{e} join {t} as t using (profile_key)", e=source, t=touched)
        self.lake.stage(
            name,
            sql(
                "select e.profile_key, e.event_id, e.event, e.occurred_at, "
                "{properties} as properties from {source} "
                "where e.occurred_at <= $as_of and ({rows})",
                properties=Query(f"struct_pack({fields})" if fields else "null"),
                source=source,
                rows=Query(read.rows("e", self._wanting()).sql("duckdb")),
                as_of=self.as_of,
            ),
        )
        return replace(population, events=name, typed_properties=types)

    def _wanting(self) -> dict[str | None, trees.Tree]:
        """Return whose events of each name are read; empty: everybody's."""
        if self.touched is None:
            return {}
        columns: dict[str | None, list[str]] = {}
        for segment in self.chosen:
            for event in reading([segment], self.known, self.as_of).since:
                columns.setdefault(event, []).append(self.touched.columns[segment.id])
        return {
            event: trees.either(trees.column(column, "t") for column in mine)
            for event, mine in columns.items()
        }
