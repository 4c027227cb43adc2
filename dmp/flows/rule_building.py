"""Building a rule over one workspace: what it can name, its size, saving it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dmp.core.config import fingerprint
from dmp.core.errors import Fault, RuleInvalid, UsageError
from dmp.core.sql import Query, quote_name, sql
from dmp.core.types import Evaluation
from dmp.flows.approval import note_saved, write_segment
from dmp.flows.catalog import Catalog, catalog
from dmp.flows.explore import viewer_of
from dmp.flows.population import saved_traits
from dmp.flows.rule_sizes import Document, Sizes, drafted, is_trait
from dmp.flows.segments import build_segments, saved_segments
from dmp.flows.shapes import Viewer
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.segments.compiler import faults_in
from dmp.segments.parsing import parse
from dmp.segments.population import population_of, stage_people
from dmp.segments.saved import Saved, chosen, rules
from dmp.segments.sentence import sentence
from dmp.segments.sound import read_sound
from dmp.segments.sources import Population
from dmp.segments.stats import banded
from dmp.segments.templates import filled, templates

MOST_SUGGESTED = 30


def rule_source(workspace: Workspace, beside: Workspace) -> WorkspaceRules:
    """Return the rules of a workspace; `beside` is the same one, opened for counts."""
    return WorkspaceRules(workspace, Sizes(beside))


class WorkspaceRules:
    """Rules of one workspace, for one viewer. Roles are checked at each call."""

    def __init__(self, workspace: Workspace, sizes: Sizes) -> None:
        """Read nothing yet."""
        self._workspace = workspace
        self.sizes = sizes
        self._described: Population | None = None
        self._staged: bool | None = None

    @property
    def viewer(self) -> Viewer:
        """Who looks: the pseudonymous actor, with roles."""
        return viewer_of(self._workspace)

    @property
    def as_of(self) -> datetime:
        """The instant that rules are counted at."""
        return self.sizes.as_of

    def catalog(self, segment: str) -> Catalog:
        """Return what a rule can name; the segment itself is not among the others."""
        self._workspace.allow_now(Permission.COUNT)
        others = {
            id_: one.segment.name or id_
            for id_, one in saved_segments(self._workspace).items()
            if id_ != segment
        }
        return catalog(self._workspace.lake, self._population, others)

    def saved(self) -> dict[str, str]:
        """Return the ids and names of the saved segments."""
        self._workspace.allow_now(Permission.COUNT)
        found = saved_segments(self._workspace)
        return {id_: one.segment.name or id_ for id_, one in found.items()}

    def document(self, segment: str) -> dict[str, Any]:
        """Return a saved segment as it is written.

        Raises:
            UnknownName: no such segment.
        """
        self._workspace.allow_now(Permission.COUNT)
        return dict(chosen(saved_segments(self._workspace), segment).document)

    def templates(self) -> list[dict[str, Any]]:
        """Return the segments to start from that this workspace has the data for."""
        self._workspace.allow_now(Permission.COUNT)
        found = [filled(name, name)[1].document for name in templates()]
        return [dict(one) for one in found if not self.faults(one)]

    def faults(self, document: Document) -> list[Fault]:
        """Return every fault of a rule, alone and beside the data."""
        segment, faults = read_sound(dict(document))
        others = rules(saved_segments(self._workspace))
        return faults + faults_in(segment, self._population, others)

    def sentence(self, document: Document) -> str:
        """Return a rule without faults in plain English."""
        return sentence(parse(dict(document)).rule)

    def suggest(self, subject: str, name: str, event: str = "") -> list[Any]:
        """Return `(value, people or events)` of an attribute or property.

        Values of too few people are left out for who may not see exact counts.
        """
        self._workspace.allow_now(Permission.COUNT)
        population = self._population
        known = (
            population.attributes
            if subject == "attribute"
            else population.typed_properties
        )
        if name not in known:
            return []
        cells = self.viewer.cells
        least = 1 if cells.exact else cells.minimum
        if subject == "attribute":
            self._stage(traits=is_trait(self._population, name))
        query = _attribute_values if subject == "attribute" else _property_values
        return self._workspace.lake.rows(query(name, known[name], event, least))

    def save(self, document: Document, before: Document | None) -> str:
        """Write the segment's file, whole or not at all, and say where it is.

        Args:
            before: the saved document that the change began from; None for a new one.

        Raises:
            NotAllowed: the role may not define segments.
            RuleInvalid: it has faults; nothing was written.
            UsageError: the id is taken, or somebody else changed the file meanwhile.
        """
        self._workspace.allow_now(Permission.DEFINE_SEGMENT)
        faults = self.faults(document)
        if faults:
            raise RuleInvalid("this segment", faults)
        segment = document["segment"]
        now = saved_segments(self._workspace).get(segment)
        _refuse_conflict(segment, now, before)
        path = write_segment(self._workspace, document)
        note_saved(self._workspace, segment)
        version = drafted(document)[segment].version
        self._workspace.record("define_segment", segment=segment, version=version)
        return f"config/segments/{path.name}"

    def build(self, segment: str) -> Evaluation:
        """Evaluate and store a saved segment at the instant of the counts.

        Raises:
            NotAllowed: the role may not build segments.
        """
        return build_segments(self._workspace, [segment], as_of=self.as_of)[0]

    @property
    def _population(self) -> Population:
        """What rules can name; its people are staged by `_stage` alone."""
        if self._described is None:
            traits = saved_traits(self._workspace)
            lake = self._workspace.lake
            self._described = population_of(lake, self.as_of, traits=traits)
        return self._described

    def _stage(self, *, traits: bool) -> None:
        if self._staged is None or (traits and not self._staged):
            lake, population = self._workspace.lake, self._population
            stage_people(lake, population, self.as_of, read=None if traits else ())
            self._staged = traits


def _refuse_conflict(segment: str, now: Saved | None, before: Document | None) -> None:
    if now is not None and before is None:
        raise UsageError(f"there is a segment {segment} already; give another id")
    if before is None:
        return
    if now is None or fingerprint(dict(now.document)) != fingerprint(dict(before)):
        raise UsageError(
            f"{segment} was changed by somebody else meanwhile; nothing was saved. "
            "Open it again to see their version, and bring your change in there"
        )


def _attribute_values(name: str, type_: str, event: str, least: int) -> Query:
    quoted = quote_name(name)
    rows = "person"
    if type_.endswith("[]"):
        rows = f"(select unnest({quoted}) as {quoted} from person)"
    return _values(quoted, rows, type_.removesuffix("[]"), least, {})


def _property_values(name: str, type_: str, event: str, least: int) -> Query:
    value = f"struct_extract(properties, {_text(name)})"
    where = "where event = $event" if event else ""
    rows = f"(select {value} as value from core.event {where})"
    if type_.endswith("[]"):
        rows = f"(select unnest(value) as value from {rows})"
    return _values(
        "value",
        rows,
        type_.removesuffix("[]"),
        least,
        {"event": event} if event else {},
    )


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _values(
    value: str, rows: str, type_: str, least: int, bound: dict[str, Any]
) -> Query:
    dated = type_.startswith(("TIMESTAMP", "DATE"))
    shown = banded(value, type_) if dated else f"{value}"
    return sql(
        "select {shown} as value, count(*) as n from {rows} where {value} is not null "
        "group by 1 having count(*) >= $least order by n desc, 1 limit $most",
        shown=Query(shown),
        rows=Query(rows, bound),
        value=Query(value),
        least=least,
        most=MOST_SUGGESTED,
    )
