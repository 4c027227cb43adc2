"""What segments read of the events, staged once: of all, or of the touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.core.traits import at_snapshot
from dmp.segments import trees
from dmp.segments.population import KEY
from dmp.segments.reading import Reading, reading
from dmp.segments.rule import Segment
from dmp.segments.sources import Population
from dmp.segments.touched import Changes, Touched
from dmp.storage.lake import Lake

_EVENT, _ASSIGNMENT = "core.event", "identity.assignment"


def read_population(population: Population, events: str, read: Reading) -> Population:
    """Return the population whose events are those staged as `events`."""
    types = population.typed_properties
    types = {name: types[name] for name in types if name in read.properties}
    return replace(population, events=events, typed_properties=types)


def scanned(read: Reading, types: Mapping[str, str], as_of: datetime) -> Query:
    """Return the select of the events up to as_of that are of any use."""
    return Query(
        f"select subject_id, event_id, event, occurred_at, {_packed(types)} "
        f"from {_EVENT} as e where {read.rows(as_of).sql('duckdb')}"
    )


def _packed(types: Mapping[str, str]) -> str:
    fields = ", ".join(
        f"{quote_name(name)} := e.properties.{quote_name(name)}" for name in types
    )
    return f"{f'struct_pack({fields})' if fields else 'null'} as properties"


def _events_of(people: str) -> str:
    return f"{people}_event_read"


@dataclass(frozen=True)
class TouchedRows:
    """The events of the touched, read for two instants in one pass.

    Attributes:
        chosen: the segments to judge.
        then: the earlier as_of.
        now: the later one.
        changed: in the lake between the snapshots of the two.
    """

    lake: Lake
    touched: Touched
    chosen: Sequence[Segment]
    known: Mapping[str, Segment]
    then: datetime
    now: datetime
    changed: Changes

    def populations(
        self, now: Population, then: Population
    ) -> tuple[Population, Population]:
        """Stage the events as they are and as they were, for these populations.

        Where rows were only added since, those of before are told by their snapshot,
        else the lake is read as it was too.
        """
        read = self._read(self.chosen)
        if not read.since:
            return now, then
        rows, past, known = self._stage(now.typed_properties, read)
        self._show(now.profiles, rows, "now_key", "true")
        self._show(then.profiles, past, "then_key", known)
        return (
            read_population(now, _events_of(now.profiles), read),
            read_population(then, _events_of(then.profiles), read),
        )

    def _read(self, chosen: Sequence[Segment]) -> Reading:
        """Return what segments read at either instant."""
        then, now = (reading(chosen, self.known, at) for at in (self.then, self.now))
        return then.also(now)

    def _stage(self, types: Mapping[str, str], read: Reading) -> tuple[Name, Name, str]:
        """Stage the rows; return those of now, those of then, and which of these."""
        table, since = self.touched.table, self.changed.since
        types = {name: types[name] for name in types if name in read.properties}
        subjects = self._stage_subjects()
        rows = self.lake.stage(f"{table}_row", self._rows(types, read, subjects))
        if self.changed.only_added(_EVENT):
            return rows, rows, f"snapshot_id <= {since}"
        past = self._rows(types, read, subjects, at_snapshot(since))
        return rows, self.lake.stage(f"{table}_row_then", past), "true"

    def _show(self, people: str, rows: Name, key: str, where: str) -> None:
        columns = "event_id, event, occurred_at, properties"
        query = (
            f"select {key} as {KEY}, {columns} from {rows} "
            f"where {key} is not null and {where}"
        )
        self.lake.view(_events_of(people), Query(query))

    def _stage_subjects(self) -> Name:
        """Stage the subjects of the touched: whose they are and were, and for what."""
        masks = self.touched.masks
        if not self.changed.of(_ASSIGNMENT):
            placed = self._subjects(KEY, KEY)
        else:
            placed = sql(
                "select subject_id, max(now_key) as now_key, "
                "max(then_key) as then_key, {masks} "
                "from ({now} union all {then}) group by subject_id",
                masks=Query(masks.gathered),
                now=self._subjects(KEY, "null::bigint"),
                then=self._subjects(
                    "null::bigint", KEY, at_snapshot(self.changed.since)
                ),
            )
        return self.lake.stage(f"{self.touched.table}_subject", placed)

    def _subjects(self, now: str, then: str, at: str = "") -> Query:
        columns = ", ".join(self.touched.masks.columns)
        return sql(
            f"select subject_id, {now} as now_key, {then} as then_key, {columns} "
            f"from {_ASSIGNMENT}{at} join {{t}} as t using ({KEY}) "
            "where valid_to is null",
            t=Name(self.touched.table),
        )

    def _rows(
        self, types: Mapping[str, str], read: Reading, subjects: Name, at: str = ""
    ) -> Query:
        """Return the select of the events that the segments read of whom they touch."""
        snapshot = "0" if at else "e.snapshot_id"
        return sql(
            "select s.now_key, s.then_key, e.event_id, e.event, e.occurred_at, "
            "{properties}, {snapshot} as snapshot_id "
            "from core.event as e{at} join {subjects} as s using (subject_id) "
            "where {limits} and {whose}",
            properties=Query(_packed(types)),
            snapshot=Query(snapshot),
            at=Query(at),
            subjects=subjects,
            limits=Query(read.limits(self.now).sql("duckdb")),
            whose=Query(self._whose(read)),
        )

    def _whose(self, read: Reading) -> str:
        """Return the test that an event is of a name read for whom it is touched."""
        cases, any_name = [], "false"
        for event, names in self._readers().items():
            test = self.touched.masks.any_of(names, "s.")
            low = read.since[event]
            if low is not None:
                since = trees.gte(trees.column("occurred_at", "e"), trees.instant(low))
                test = f"{test} and {since.sql('duckdb')}"
            if event is None:
                any_name = test
            else:
                cases.append(f"when {quote_text(event)} then {test}")
        if not cases:
            return any_name
        return f"(({any_name}) or case e.event {' '.join(cases)} else false end)"

    def _readers(self) -> dict[str | None, set[str]]:
        """Return the segments that read the events of each name."""
        readers: dict[str | None, set[str]] = {}
        for segment in self.chosen:
            for event in self._read([segment]).since:
                readers.setdefault(event, set()).add(segment.id)
        return readers
