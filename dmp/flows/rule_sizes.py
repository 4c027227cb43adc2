"""The sizes of rules over a workspace: estimated, exact, and a few of their people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dmp.core.sql import Query, quote_name, sql
from dmp.core.traits import TRAITS
from dmp.core.types import Evaluation
from dmp.flows.estimates import Estimate, estimate, stage_sample, stage_sampled
from dmp.flows.population import saved_traits
from dmp.flows.segments import saved_segments
from dmp.flows.shapes import Table
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.segments import build
from dmp.segments.graph import reads_any
from dmp.segments.parsing import ID, parse
from dmp.segments.population import population_of, stage_people
from dmp.segments.rule import Segment
from dmp.segments.saved import Saved, rules
from dmp.segments.sources import Population
from dmp.segments.stats import banded

Document = Mapping[str, Any]
MOST_SHOWN = 6


class Sizes:
    """Counts rules over a connection of its own, from one thread of its own.

    The people are staged once, at the instant of the first count, and kept.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Open nothing yet."""
        self._workspace = workspace
        self._population: Population | None = None
        self._sample: Population | None = None
        self._as_of: datetime | None = None
        self._staged: dict[str, bool] = {}

    def count(self, document: Document) -> Evaluation:
        """Return the exact funnel of a rule, and what each condition admits alone.

        Raises:
            RuleInvalid: the rule has faults.
            QueryFailed: `cancel` came before the end.
        """
        self._workspace.allow_now(Permission.COUNT)
        one = named(document)
        saved = {**saved_segments(self._workspace), **drafted(one)}
        name, lake = one["segment"], self._workspace.lake
        population, as_of = self._people(saved[name].segment, rules(saved))
        return build.evaluate(lake, population, saved, name, as_of)

    def estimate(self, document: Document) -> Estimate | None:
        """Return the size by one person in a hundred; None where that says little."""
        self._workspace.allow_now(Permission.COUNT)
        lake, segment = self._workspace.lake, parse(named(document))
        known = {**rules(saved_segments(self._workspace)), segment.id: segment}
        population, as_of = self._people(segment, known)
        if "sample" not in self._staged:
            self._sample = stage_sample(lake, population, as_of)
            self._staged["sample"] = True
        if (sample := self._sample) is None:
            return None
        plain = sample.attributes.keys() - trait_names(sample)
        self._once(
            "sampled",
            self._reads_traits(segment, known),
            lambda traits: stage_sampled(
                lake, sample, as_of, read=None if traits else plain
            ),
        )
        people = int(lake.value(f"select count(*) from {population.profiles}"))
        return estimate(lake, sample, segment, known, as_of, people=people)

    def people(self, document: Document, limit: int) -> Table:
        """Return a few members of a rule, their attributes in bands and without ids."""
        self._workspace.allow_now(Permission.COUNT)
        one = named(document)
        saved = {**rules(saved_segments(self._workspace)), **rules(drafted(one))}
        segment, lake = saved[one["segment"]], self._workspace.lake
        population, as_of = self._people(segment, saved)
        build.stage_members(lake, population, segment, saved, as_of)
        names = [n for n in population.attributes if not is_trait(population, n)]
        columns = [name for name in names if name != "_"][:MOST_SHOWN]
        cells = [
            banded(f"p.{quote_name(name)}", population.attributes[name])
            for name in columns
        ]
        rows = lake.rows(
            sql(
                "select {cells} from member join person as p using (profile_key) "
                "order by md5(p.profile_id) limit $limit",
                cells=Query(", ".join(cells)),
                limit=limit,
            )
        )
        note = "Values in bands; names, addresses and ids are not in the lake."
        return Table(tuple(columns), tuple(rows), note)

    def cancel(self) -> None:
        """Break off the count that runs, if one does; safe from any thread."""
        if self._population is not None:
            self._workspace.lake.connection.interrupt()

    @property
    def as_of(self) -> datetime:
        """The instant that rules are counted at."""
        return self._as_of or newest_instant(self._workspace)

    def _people(
        self, segment: Segment, known: Mapping[str, Segment]
    ) -> tuple[Population, datetime]:
        """Stage everybody; traits, which take long, only where the rule reads one."""
        as_of, lake = self.as_of, self._workspace.lake
        if self._population is None:
            traits = saved_traits(self._workspace)
            self._population = population_of(lake, as_of, traits=traits)
            self._as_of = as_of
        population = self._population
        self._once(
            "people",
            self._reads_traits(segment, known),
            lambda traits: stage_people(
                lake, population, as_of, read=None if traits else ()
            ),
        )
        return population, as_of

    def _reads_traits(self, segment: Segment, known: Mapping[str, Segment]) -> bool:
        population = self._population
        assert population is not None
        return reads_any(segment, known, trait_names(population))

    def _once(self, what: str, traits: bool, stage: Callable[[bool], None]) -> None:
        """Stage something unless it is, with all that is asked of it."""
        if what not in self._staged or (traits and not self._staged[what]):
            stage(traits)
            self._staged[what] = traits


def trait_names(population: Population) -> set[str]:
    """Return the attributes that are computed from what people did."""
    defined = {trait.name for trait in population.traits}
    return {name for name in population.attributes if name in {*TRAITS, *defined}}


def is_trait(population: Population, attribute: str) -> bool:
    """Say whether an attribute is computed from what people did."""
    return attribute in trait_names(population)


def named(document: Document) -> dict[str, Any]:
    """Return a document under its id, or under `draft` while it has none to go by.

    >>> named({"segment": "", "rule": {}})["segment"], named({"segment": "a"})
    ('draft', {'segment': 'a'})
    """
    id_ = document.get("segment")
    is_one = isinstance(id_, str) and re.fullmatch(ID, id_) is not None
    return {**document, "segment": id_ if is_one else "draft"}


def drafted(document: Document) -> dict[str, Saved]:
    """Return a document as if it were saved.

    Raises:
        RuleInvalid: it has faults.
    """
    return {document["segment"]: Saved(parse(dict(document)), document)}


def newest_instant(workspace: Workspace) -> datetime:
    """Return the instant of the newest stored evaluation, or now without one."""
    found = workspace.lake.value("select max(as_of) from segment.result")
    return found if isinstance(found, datetime) else workspace.clock()
