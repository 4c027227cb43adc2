"""Validate, count, preview and build saved segments, under roles and audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dmp.activation.destinations import read_destinations
from dmp.core.errors import UsageError
from dmp.core.sql import Query
from dmp.core.types import Evaluation, Progress, silent
from dmp.flows.population import population_at, saved_traits
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.segments import build
from dmp.segments.dialects import named_population, segment_sql
from dmp.segments.graph import Use, uses
from dmp.segments.history import (
    Crossing,
    MembersAt,
    Size,
    crossings,
    members_at,
    sizes,
)
from dmp.segments.saved import Saved, changed, check, chosen, read_saved, rules
from dmp.segments.templates import filled


def saved_segments(workspace: Workspace) -> dict[str, Saved]:
    """Return the segments of `config/segments` by id."""
    return read_saved(workspace.paths.config / "segments")


def validate_segments(workspace: Workspace) -> list[str]:
    """Return the ids of the saved segments, all of which compile.

    Raises:
        RuleInvalid: every fault of every segment, with its path.
    """
    workspace.allow(Permission.COUNT)
    saved = saved_segments(workspace)
    check(population_at(workspace, workspace.clock()), saved)
    return list(saved)


def new_segment(workspace: Workspace, segment: str, template: str) -> str:
    """Write a segment's file as a template has it, and say where it is.

    Args:
        segment: its id.
        template: one of `dmp.segments.templates`.

    Raises:
        NotAllowed: the role may not define segments.
        RuleInvalid: the id is none, or the template does not fit the workspace.
        UsageError: there is no such template, or such a segment already.
    """
    workspace.allow_now(Permission.DEFINE_SEGMENT)
    text, one = filled(template, segment)
    saved = saved_segments(workspace)
    path = workspace.paths.config / "segments" / f"{segment}.yaml"
    if segment in saved or path.exists():
        raise UsageError(f"there is a segment {segment} already; give another id")
    check(population_at(workspace, workspace.clock()), {**saved, segment: one})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    workspace.record("define_segment", segment=segment, version=one.version)
    return f"config/segments/{path.name}"


def count_segment(workspace: Workspace, segment: str, as_of: datetime) -> Evaluation:
    """Evaluate one segment without storing anything.

    Raises:
        UnknownName: no such segment.
    """
    workspace.allow(Permission.COUNT)
    saved = saved_segments(workspace)
    population = population_at(workspace, as_of)
    return build.evaluate(workspace.lake, population, saved, segment, as_of)


def segment_members(workspace: Workspace, segment: str, as_of: datetime) -> list[str]:
    """Return the profile_ids of a segment, sorted.

    Raises:
        NotAllowed: the caller lacks the analyst role.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    count_segment(workspace, segment, as_of)
    rows = workspace.lake.rows(
        "select profile_id from member join person using (profile_key) "
        "order by profile_id"
    )
    return [profile_id for (profile_id,) in rows]


def preview_segment(
    workspace: Workspace, segment: str, as_of: datetime, *, limit: int = 10
) -> list[dict[str, Any]]:
    """Return example members with their attributes, never an identifier.

    Raises:
        NotAllowed: the caller lacks the analyst role.
    """
    workspace.allow(Permission.PREVIEW)
    count_segment(workspace, segment, as_of)
    return workspace.lake.records(
        Query(
            "select p.* exclude (profile_key) from member "
            "join person as p using (profile_key) "
            "order by md5(p.profile_id) limit $limit",
            {"limit": limit},
        )
    )


def build_segments(
    workspace: Workspace,
    names: Sequence[str] = (),
    *,
    as_of: datetime,
    full: bool = False,
    progress: Progress = silent,
) -> list[Evaluation]:
    """Evaluate and store segments, all at one instant; without names, all in use.

    Judges only people touched since the last build, or everybody with `full`: the
    result is the same.

    What changed in a rule since it was built last is written to the audit log,
    condition by condition; the versions themselves are in `segment.definition`.

    Raises:
        RuleInvalid: nothing was stored.
        NotAllowed: the caller may not build.
    """
    workspace.allow_work(Permission.BUILD_SEGMENT)
    saved = saved_segments(workspace)
    wanted = list(names) or [n for n, s in saved.items() if not s.segment.archived]
    differing = {n: changed(workspace.lake, chosen(saved, n)) for n in wanted}
    built = build.build(
        workspace.lake,
        saved,
        wanted,
        as_of=as_of,
        now=workspace.clock(),
        full=full,
        traits=saved_traits(workspace),
        progress=progress,
    )
    for one in built:
        if differing[one.segment]:
            workspace.record(
                "change_rule",
                segment=one.segment,
                version=one.version,
                changes=[f"{c.kind} {c.path}" for c in differing[one.segment]],
            )
        if one.is_new:
            workspace.record(
                "build_segment",
                segment=one.segment,
                version=one.version,
                as_of=one.as_of.isoformat(),
                members=one.members,
            )
    return built


def segment_graph(workspace: Workspace) -> list[Use]:
    """Return what destinations, saved segments and computed traits use, in order.

    Raises:
        RuleInvalid, ConfigInvalid: the faults of the files.
        NotAllowed: the caller may not count.
    """
    workspace.allow(Permission.COUNT)
    places = read_destinations(workspace.paths.config / "destinations")
    sent = [
        Use("destination", place, "segment", segment)
        for place, one in sorted(places.items())
        for segment in sorted(one.segments)
    ]
    segments = rules(saved_segments(workspace))
    return sent + uses(segments, saved_traits(workspace))


def segment_sizes(workspace: Workspace, segment: str) -> list[Size]:
    """Return the exact sizes of a saved segment at the instants it was built of.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UnknownName: no such segment.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    chosen(saved_segments(workspace), segment)
    return sizes(workspace.lake, segment)


def segment_crossings(
    workspace: Workspace, segment: str, since: datetime, until: datetime
) -> list[Crossing]:
    """Return who entered and left a saved segment in (since, until], with the cause.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UnknownName: no such segment.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    chosen(saved_segments(workspace), segment)
    return crossings(workspace.lake, segment, since, until)


def segment_members_at(
    workspace: Workspace, segment: str, as_of: datetime
) -> MembersAt:
    """Return who was in a saved segment at an instant: stored, or evaluated now.

    Raises:
        NotAllowed: the caller lacks the analyst role.
        UnknownName: no such segment.
    """
    workspace.allow(Permission.READ_PSEUDONYMOUS)
    saved, traits = saved_segments(workspace), saved_traits(workspace)
    return members_at(workspace.lake, saved, segment, as_of, traits=traits)


def dialect_sql(
    workspace: Workspace, segment: str, as_of: datetime, *, dialect: str
) -> str:
    """Return the SQL of a saved segment for a warehouse that holds the same tables.

    Raises:
        RuleInvalid: the dialect cannot say all of it exactly.
        UnknownName: no such segment.
    """
    workspace.allow(Permission.COUNT)
    saved = saved_segments(workspace)
    one = chosen(saved, segment)
    population = population_at(workspace, as_of)
    named = named_population(population)
    return segment_sql(
        one.segment, named, as_of, dialect=dialect, segments=rules(saved)
    )
