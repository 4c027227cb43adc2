"""What the segment pages read and do, for one viewer, over one workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dmp.activation.destinations import Destination
from dmp.core.errors import UsageError
from dmp.core.sql import Query, quote_name, sql
from dmp.flows.activate import destinations
from dmp.flows.approval import (
    approve_segment,
    archive_segment,
    comment_segment,
    segment_notes,
)
from dmp.flows.population import population_at, saved_traits
from dmp.flows.rule_sizes import trait_names
from dmp.flows.segment_answers import explain_segment
from dmp.flows.segment_sending import downloaded, exported, places, reach_of
from dmp.flows.segments import saved_segments
from dmp.flows.shapes import (
    ConditionCount,
    DestinationSummary,
    Discussion,
    ExportOutcome,
    FileFormat,
    Funnel,
    FunnelStep,
    Intersection,
    Reach,
    Remark,
    SegmentSummary,
    Share,
    Table,
    TrendPoint,
    Version,
    Viewer,
    Why,
)
from dmp.flows.versions import versions
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.roles import may
from dmp.segments import build
from dmp.segments.checks import references
from dmp.segments.compiler import compile_segment
from dmp.segments.graph import reads_instant
from dmp.segments.notes import form_of
from dmp.segments.population import KEY, population_of
from dmp.segments.saved import Saved, chosen, rules
from dmp.segments.sentence import conditions_said, sentence
from dmp.segments.sources import Population
from dmp.segments.stats import banded, makeup, most_telling
from dmp.storage.lake import Lake

MOST_COMPARED = 6
TREND_POINTS, TREND_STEP = 8, timedelta(days=7)
_HIDDEN = {"_"}
_WORDS = {"VARCHAR", "BOOLEAN"}


def segment_source(workspace: Workspace) -> WorkspaceSegments:
    """Return the segments of a workspace for its caller."""
    return WorkspaceSegments(workspace)


def viewer_of(workspace: Workspace) -> Viewer:
    """Return who looks at the pages of a workspace, and whether counts are exact."""
    caller = workspace.caller
    roles = tuple(sorted(str(role) for role in caller.roles))
    exact = may(caller, Permission.READ_PSEUDONYMOUS)
    return Viewer(caller.actor, roles, exact, workspace.settings.minimum_cell)


class WorkspaceSegments:
    """Segments over the lake. Roles are checked at each call, never before.

    Numbers come from the newest stored evaluation; make-up, examples and sizes over
    time are evaluated anew at its instant.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Read nothing yet."""
        self._workspace = workspace
        self._people_at: tuple[datetime, int] | None = None
        self._size = lru_cache(maxsize=512)(self._size_at)
        self._zone = ZoneInfo(workspace.settings.timezone)

    @cached_property
    def _known(self) -> Population:
        """What segments can name; its people are staged by `_staged`."""
        workspace = self._workspace
        traits = saved_traits(workspace)
        return population_of(workspace.lake, workspace.clock(), traits=traits)

    @property
    def viewer(self) -> Viewer:
        """Who looks: the pseudonymous actor, with roles."""
        return viewer_of(self._workspace)

    def segments(self) -> list[SegmentSummary]:
        """Return every built segment with its newest evaluation, largest first."""
        self._workspace.allow_now(Permission.COUNT)
        saved = saved_segments(self._workspace)
        rows = self._workspace.lake.records(NEWEST)
        sent = destinations(self._workspace)
        found = [
            self._summary(row, saved, sent) for row in rows if row["segment"] in saved
        ]
        return sorted(found, key=lambda one: (-one.members, one.segment))

    def funnel(self, segment: str) -> Funnel:
        """Return the funnel of the newest evaluation, and of the newest sync."""
        self._workspace.allow_now(Permission.COUNT)
        row = self._row(segment)
        losses = json.loads(row["losses"])
        sent = self._workspace.lake.records(_SENT, segment=segment, as_of=row["as_of"])
        last = sent[0] if sent else {}
        losses += [
            one for one in json.loads(last.get("losses", "[]")) if one not in losses
        ]
        steps = [
            ("Members", row["members"], ""),
            ("Consented", row["consented"], "consented"),
            ("After exclusions", row["after_exclusions"], "after_exclusions"),
            ("Addressable", last.get("addressable"), "addressable"),
            ("Sent", last.get("sent"), "sent"),
            ("Accepted", last.get("accepted"), "accepted"),
        ]
        return Funnel(
            tuple(
                FunnelStep(
                    label,
                    people,
                    tuple((reason, n) for at, reason, n in losses if at == step),
                )
                for label, people, step in steps
            )
        )

    def conditions(self, segment: str) -> list[ConditionCount]:
        """Return how many people each condition admits alone, in the rule's order."""
        self._workspace.allow_now(Permission.COUNT)
        rule = chosen(saved_segments(self._workspace), segment).segment.rule
        said = conditions_said(rule)
        counts = json.loads(self._row(segment)["conditions"])
        return [
            ConditionCount(path, said.get(path, path), people)
            for path, people in counts
        ]

    def attributes(self) -> list[str]:
        """Return the attributes that a make-up can be asked for.

        Those of words come first: what has a few values tells more than a date.
        """
        types = self._known.attributes
        return sorted(
            set(types) - _HIDDEN, key=lambda name: (types[name] not in _WORDS, name)
        )

    def telling(self, segment: str) -> tuple[str, list[Share]] | None:
        """Return the make-up by the attribute of words that is least like everyone's.

        None where no such attribute differs beyond chance.
        """
        self._workspace.allow_now(Permission.COUNT)
        self._stage_members(segment)
        types = self._known.attributes
        words = [name for name in self.attributes() if types[name] in _WORDS]
        found = {name: makeup(self._workspace.lake, name, types) for name in words}
        best = most_telling(found)
        return (best, [Share(*row) for row in found[best]]) if best else None

    def makeup(self, segment: str, attribute: str) -> list[Share]:
        """Return the bands of an attribute in the segment beside everyone's."""
        self._workspace.allow_now(Permission.COUNT)
        self._stage_members(segment)
        types = self._known.attributes
        return [Share(*row) for row in makeup(self._workspace.lake, attribute, types)]

    def trend(self, segment: str) -> Iterator[TrendPoint]:
        """Return the sizes of the last eight weeks, by today's rule evaluated anew.

        Each week is evaluated, and the role checked, when it is taken.
        """
        self._workspace.allow_now(Permission.COUNT)
        row = self._row(segment)
        for back in reversed(range(TREND_POINTS)):
            self._workspace.allow_now(Permission.COUNT)
            at = row["as_of"] - back * TREND_STEP
            people = self._size(segment, row["version"], at, row["as_of"])
            yield TrendPoint(at.astimezone(self._zone), people)

    def examples(self, segment: str, limit: int) -> Table:
        """Return example members: for an analyst with profile_id, else bands alone."""
        self._workspace.allow_now(Permission.COUNT)
        self._stage_members(segment)
        exact = self.viewer.exact_counts
        columns = [name for name in _EXAMPLE_COLUMNS if name in self._known.attributes]
        types = self._known.attributes
        values = {name: f"p.{quote_name(name)}" for name in columns}
        expressions = [
            value if exact else banded(value, types[name])
            for name, value in values.items()
        ]
        ids = ["p.profile_id"] if exact else []
        rows = self._workspace.lake.rows(
            sql(
                "select {cells} from member join person as p using (profile_key) "
                "order by md5(p.profile_id) limit $limit",
                cells=Query(", ".join([*ids, *expressions])),
                limit=limit,
            )
        )
        note = "" if exact else "Ids and exact values need the analyst role."
        heads = (["profile_id"] if exact else []) + columns
        cells = tuple(
            tuple(
                _shown(value, name, self._zone)
                for name, value in zip(heads, row, strict=True)
            )
            for row in rows
        )
        return Table(tuple(heads), cells, note)

    def overlap(self, segments: Sequence[str]) -> list[Intersection]:
        """Return how many people are in exactly which of the segments, largest first.

        All are evaluated at the instant of the first one's newest evaluation.

        Raises:
            UsageError: fewer than two or more than six.
        """
        self._workspace.allow_now(Permission.COUNT)
        if not 2 <= len(set(segments)) <= MOST_COMPARED:
            raise UsageError(f"an overlap is of 2 to {MOST_COMPARED} segments")
        as_of, lake = self._row(segments[0])["as_of"], self._workspace.lake
        saved = saved_segments(self._workspace)
        known, population = rules(saved), self._staged(as_of)
        sides = []
        for place, name in enumerate(segments):
            segment = chosen(saved, name).segment
            staged = build.stage_members(
                lake, population, segment, known, as_of, name=f"compared_{place}"
            )
            sides.append(f"select {KEY}, {1 << place} as bit from {staged}")
        return _intersections(lake, sides)

    def versions(self, segment: str) -> list[Version]:
        """Return the stored versions of the rule with their sizes and changes."""
        self._workspace.allow_now(Permission.COUNT)
        chosen(saved_segments(self._workspace), segment)
        found = versions(self._workspace.lake, segment)
        zone = self._zone
        return [replace(one, began_at=one.began_at.astimezone(zone)) for one in found]

    def why(self, segment: str, profile_id: str) -> Why:
        """Return which conditions hold for one person at the newest evaluation.

        Raises:
            UnknownProfile: no such profile was ever given.
        """
        self._workspace.allow_now(Permission.EXPLAIN)
        self._people_at, as_of = None, self._row(segment)["as_of"]
        found = explain_segment(self._workspace, segment, as_of, profile_id=profile_id)
        rule = chosen(saved_segments(self._workspace), segment).segment.rule
        said = conditions_said(rule)
        return Why(
            found.profile_id or profile_id,
            bool(found.holds),
            tuple((said[one.path], bool(one.holds)) for one in found.conditions),
        )

    def reach(self, segment: str) -> list[Reach]:
        """Return how many people each destination could get now, by a dry run each."""
        self._people_at = None
        self._workspace.allow_now(Permission.SEND)
        return reach_of(self._workspace, segment, self._row(segment)["as_of"])

    def discussion(self, segment: str) -> Discussion:
        """Return what was said of the segment, the newest first."""
        said = segment_notes(self._workspace, segment)
        form = form_of(saved_segments(self._workspace), segment)
        remarks = tuple(
            Remark(
                one.kind,
                one.text,
                one.actor,
                one.noted_at.astimezone(self._zone),
                one.form == form,
            )
            for one in reversed(said)
        )
        return Discussion(remarks, self._workspace.settings.approval == "required")

    def comment(self, segment: str, text: str) -> None:
        """Keep a comment on the segment."""
        comment_segment(self._workspace, segment, text)

    def approve(self, segment: str) -> None:
        """Approve the segment as it is now; its author may not."""
        approve_segment(self._workspace, segment)

    def archive(self, segment: str, *, archived: bool) -> None:
        """Put the segment out of use, or bring it back."""
        archive_segment(self._workspace, segment, archived=archived)

    def destinations(self) -> list[DestinationSummary]:
        """Return the destinations of the workspace."""
        return places(self._workspace)

    def export(self, segment: str, destination: str, *, dry_run: bool) -> ExportOutcome:
        """Sync the segment to the destination at the instant of its evaluation."""
        self._people_at, as_of = None, self._row(segment)["as_of"]
        given = self._workspace, segment, destination, as_of
        return exported(*given, dry_run=dry_run)

    def download(self, segment: str, file_format: FileFormat) -> tuple[str, bytes]:
        """Return the consented members' hashed e-mails, read as sender and audited."""
        self._people_at = None
        self._workspace.allow_now(Permission.EXPORT)
        as_of = self._row(segment)["as_of"]
        return downloaded(self._workspace, segment, file_format, as_of)

    def _row(self, segment: str) -> dict[str, Any]:
        chosen(saved_segments(self._workspace), segment)
        rows = self._workspace.lake.records(
            f"select * from ({NEWEST}) where segment = $segment", segment=segment
        )
        if not rows:
            raise UsageError(
                f"{segment} was not built yet; build it: dmp segment build {segment}"
            )
        return rows[0]

    def _summary(
        self,
        row: Mapping[str, Any],
        saved: Mapping[str, Saved],
        sent: Mapping[str, Destination],
    ) -> SegmentSummary:
        segment = saved[row["segment"]].segment
        return SegmentSummary(
            segment=segment.id,
            name=segment.name or segment.id,
            description=segment.description,
            purpose=segment.purpose,
            sentence=sentence(segment.rule),
            members=row["members"],
            people=row["people"],
            as_of=row["as_of"].astimezone(self._zone),
            computed_at=row["computed_at"].astimezone(self._zone),
            owner=segment.owner,
            tags=segment.tags,
            used_by=used_by(segment.id, saved, sent),
            folder=segment.folder,
            archived=segment.archived,
        )

    def _stage_members(self, segment: str) -> None:
        """Stage the members at the instant of the evaluation; consent is not asked."""
        as_of = self._row(segment)["as_of"]
        segments = rules(saved_segments(self._workspace))
        lake, population = self._workspace.lake, self._staged(as_of)
        build.stage_members(lake, population, segments[segment], segments, as_of)

    def _staged(self, as_of: datetime) -> Population:
        """Stage people as they were, unless they are already."""
        key = as_of, self._workspace.lake.snapshot()
        if self._people_at != key:
            self._known = population_at(self._workspace, as_of)
            self._people_at = key
        return self._known

    def _size_at(
        self, segment: str, version: str, at: datetime, staged_at: datetime
    ) -> int:
        """Evaluate a segment as it was; its people are staged of an instant anyway."""
        lake, segments = self._workspace.lake, rules(saved_segments(self._workspace))
        if reads_instant(segments[segment], segments, trait_names(self._known)):
            self._people_at = None
            population = population_at(self._workspace, at)
        else:
            population = self._staged(staged_at)
        rule = segments[segment]
        query = compile_segment(rule, population, at, segments=segments).sql("duckdb")
        return int(lake.value(f"select count(*) from ({query})"))


def _intersections(lake: Lake, sides: Sequence[str]) -> list[Intersection]:
    """Return the combinations of selects of a key and a bit, one a segment."""
    rows = lake.rows(
        f"select mask, count(*) as people from (select {KEY}, sum(bit)::bigint as mask "
        f"from ({' union all '.join(sides)}) group by {KEY}) "
        "group by mask order by people desc, mask"
    )
    places = range(len(sides))
    return [
        Intersection(tuple(bool(mask >> place & 1) for place in places), people)
        for mask, people in rows
    ]


def used_by(
    segment: str, saved: Mapping[str, Saved], sent: Mapping[str, Destination]
) -> tuple[str, ...]:
    """Return the segments that refer to one, and the destinations it goes to."""
    referring = [
        f"segment {one.segment.name or name}"
        for name, one in saved.items()
        if segment in references(one.segment)
    ]
    going = [name for name, one in sent.items() if segment in one.segments]
    return (*referring, *(f"destination {name}" for name in going))


def _shown(value: Any, column: str, zone: ZoneInfo) -> Any:
    """Return a cell as people read it: lists with commas, years without separators."""
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, datetime):
        return value.astimezone(zone)
    return str(value) if column.endswith("_year") and value is not None else value


_EXAMPLE_COLUMNS = (
    "sources",
    "order_count",
    "order_total",
    "event_count",
    "last_event_at",
    "loyalty_tier",
    "birth_year",
    "interest",
)
NEWEST = """
select segment, version, as_of, people, members, consented, after_exclusions,
    losses::varchar as losses, conditions::varchar as conditions, computed_at
from segment.result
qualify row_number() over (partition by segment order by computed_at desc) = 1
"""
_SENT = """
select addressable, sent, accepted, losses::varchar as losses from activation.sync
where segment = $segment and as_of = $as_of order by synced_at desc, sync_id
limit 1
"""
