"""The saved segments at a glance: how large, of when, where they go, what is to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dmp.flows.activate import destinations
from dmp.flows.approval import lacks_approval
from dmp.flows.explore import NEWEST, used_by, viewer_of
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
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
    built = {row["segment"]: row for row in workspace.lake.records(NEWEST)}
    cells, sent = viewer_of(workspace).cells, destinations(workspace)
    found = []
    for name, one in sorted(saved.items()):
        row = built.get(name)
        found.append(
            ListedSegment(
                name,
                one.segment.name,
                one.segment.purpose,
                cells.shown(row["members"]) if row else None,
                row["as_of"] if row else None,
                used_by(name, saved, sent),
                tuple(_state(workspace, saved, one, row["version"] if row else None)),
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
    if lacks_approval(workspace, saved, one.segment.id):
        found.append("not approved")
    return found
