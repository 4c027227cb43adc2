"""Talking a segment over before it leaves: comments, approval, the archive."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dmp.activation.destinations import read_destinations
from dmp.core.errors import NotAllowed, UsageError
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.segments.checks import references
from dmp.segments.notes import (
    MOST_TEXT,
    Kind,
    Note,
    add_note,
    approval_of,
    authors_of,
    form_of,
    notes,
)
from dmp.segments.rewriting import rewritten
from dmp.segments.saved import Saved, chosen


def segment_notes(workspace: Workspace, segment: str) -> list[Note]:
    """Return what was said of a saved segment, the oldest first.

    Raises:
        UnknownName: no such segment.
        NotAllowed: the caller may not count.
    """
    workspace.allow_now(Permission.COUNT)
    chosen(saved_segments(workspace), segment)
    return notes(workspace.lake, segment)


def comment_segment(workspace: Workspace, segment: str, text: str) -> None:
    """Keep a comment on a saved segment; the audit log has that, not the text.

    Raises:
        UsageError: it is empty, or longer than 2,000 characters.
        NotAllowed: the caller may not count.
    """
    _allow(workspace, Permission.COUNT)
    saved = saved_segments(workspace)
    chosen(saved, segment)
    if not 0 < len(text.strip()) <= MOST_TEXT:
        raise UsageError(f"a comment has between 1 and {MOST_TEXT:,} characters")
    _note(workspace, saved, segment, "comment", text.strip())
    workspace.record("comment_segment", segment=segment)


def approve_segment(workspace: Workspace, segment: str) -> None:
    """Approve a saved segment as it is now; any change of it asks for approval anew.

    Approving what stands approved already changes nothing.

    Raises:
        NotAllowed: the caller may not approve, or saved this form of it.
    """
    _allow(workspace, Permission.APPROVE_SEGMENT)
    saved = saved_segments(workspace)
    one = chosen(saved, segment)
    form, said = form_of(saved, segment), notes(workspace.lake, segment)
    if workspace.caller.actor in authors_of(said, form):
        raise NotAllowed(
            f"you saved {segment} as it is now; somebody else has to approve it"
        )
    if approval_of(said, form) is None:
        _note(workspace, saved, segment, "approval")
        workspace.record("approve_segment", segment=segment, version=one.version)


def hindrance(workspace: Workspace, segment: str) -> str:
    """Return why a saved segment may not leave as it is now; empty where it may.

    It is archived, or not approved where `approval` is required.
    """
    saved = saved_segments(workspace)
    if chosen(saved, segment).segment.archived:
        return (
            f"{segment} is archived and goes nowhere; bring it back: "
            f"dmp segment unarchive {segment}"
        )
    if not lacks_approval(workspace, saved, segment):
        return ""
    return (
        f"{segment} is not approved as it is now; somebody with the right "
        f"approve_segment does that: dmp segment approve {segment}"
    )


def lacks_approval(
    workspace: Workspace, saved: Mapping[str, Saved], segment: str
) -> bool:
    """Say whether approval is required, and a segment has none as it is now."""
    if workspace.settings.approval == "none":
        return False
    said = notes(workspace.lake, segment)
    return approval_of(said, form_of(saved, segment)) is None


def archive_segment(
    workspace: Workspace, segment: str, *, archived: bool = True
) -> None:
    """Put a segment out of use, or bring it back; its file and its past stay.

    Raises:
        UsageError: other segments or destinations still use it; they are named.
        NotAllowed: the caller may not define segments.
    """
    _allow(workspace, Permission.DEFINE_SEGMENT)
    saved = saved_segments(workspace)
    one = chosen(saved, segment)
    if one.segment.archived == archived:
        return
    if archived and (users := _users(workspace, saved, segment)):
        raise UsageError(f"{segment} is still used by {', '.join(users)}")
    document = {key: v for key, v in one.document.items() if key != "archived"}
    if archived:
        document = {**document, "archived": True}
    write_segment(workspace, document)
    action = "archive_segment" if archived else "unarchive_segment"
    workspace.record(action, segment=segment)


def write_segment(workspace: Workspace, document: Mapping[str, Any]) -> Path:
    """Write a segment's file whole or not at all; comments in it stay."""
    path = workspace.paths.config / "segments" / f"{document['segment']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    partial = path.with_suffix(".yaml.partial")
    partial.write_text(rewritten(before, document), encoding="utf-8")
    os.replace(partial, path)
    return path


def note_saved(workspace: Workspace, segment: str) -> None:
    """Keep who saved a segment as it is now."""
    _note(workspace, saved_segments(workspace), segment, "saved")


def _allow(workspace: Workspace, permission: Permission) -> None:
    """Go on only if the caller may, and what they do can be put on record."""
    workspace.allow_now(permission)
    assert workspace.audit is not None


def _note(
    workspace: Workspace,
    saved: Mapping[str, Saved],
    segment: str,
    kind: Kind,
    text: str = "",
) -> None:
    form, actor = form_of(saved, segment), workspace.caller.actor
    note = Note(kind, form, text, actor, workspace.clock())
    add_note(workspace.lake, segment, note)


def _users(workspace: Workspace, saved: Mapping[str, Saved], segment: str) -> list[str]:
    places = read_destinations(workspace.paths.config / "destinations")
    sent = [name for name, one in places.items() if segment in one.segments]
    referring = [
        name
        for name, one in saved.items()
        if name != segment
        and not one.segment.archived
        and segment in references(one.segment)
    ]
    return [
        *(f"segment {name}" for name in sorted(referring)),
        *(f"destination {name}" for name in sorted(sent)),
    ]
