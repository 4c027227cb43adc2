"""The saved segments at a glance: how large, of when, where they go, what is to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dmp.flows.activate import destinations
from dmp.flows.explore import used_by, viewer_of
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.segments.notes import approval_of, form_of, notes
from dmp.segments.saved import Saved


@dataclass(frozen=True)
class ListedSegment:
    """One saved segment.

    Attributes:
        members: people in it when it was last built, as the caller may see counts: None
            below the minimum, and where it was never built.
        as_of: the instant that it was last built of; None where it never was.
        used_by: segments that refer to it, destinations that it goes to.
        state: archived, never built, changed since, not approved; none where all is
            well.
    """

    segment: str
    name: str
    purpose: str
    members: int | None
    as_of: datetime | None
    used_by: tuple[str, ...]
    state: tuple[str, ...]


def list_segments(workspace: Workspace) -> list[ListedSegment]:
    """Return the saved segments by id, each with its newest build.

    Raises:
        RuleInvalid: the faults of the files.
        NotAllowed: the caller may not count.
    """
    workspace.allow(Permission.COUNT)
    saved = saved_segments(workspace)
    built = {segment: rest for segment, *rest in workspace.lake.rows(_NEWEST)}
    cells, sent = viewer_of(workspace).cells, destinations(workspace)
    found = []
    for name, one in sorted(saved.items()):
        version, members, as_of = built.get(name, (None, None, None))
        found.append(
            ListedSegment(
                name,
                one.segment.name,
                one.segment.purpose,
                None if members is None else cells.shown(members),
                as_of,
                used_by(name, saved, sent),
                tuple(_state(workspace, saved, one, version)),
            )
        )
    return found


def _state(
    workspace: Workspace, saved: dict[str, Saved], one: Saved, version: str | None
) -> list[str]:
    if one.segment.archived:
        return ["archived"]
    found = []
    if version is None:
        found.append("never built")
    elif version != one.version:
        found.append("changed since")
    if workspace.settings.approval != "none":
        said = notes(workspace.lake, one.segment.id)
        if approval_of(said, form_of(saved, one.segment.id)) is None:
            found.append("not approved")
    return found


_NEWEST = """
select segment, version, members, as_of from segment.result
qualify row_number() over (partition by segment order by computed_at desc) = 1
"""
