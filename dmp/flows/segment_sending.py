"""What leaves of a segment from its page: reach, sends, downloads."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from dmp.activation.audience import stage_audience
from dmp.activation.destinations import IdentifierSpec, write_audience
from dmp.core.errors import UsageError
from dmp.core.sql import Name
from dmp.flows.activate import destinations, sync_segments
from dmp.flows.approval import hindrance
from dmp.flows.population import population_at
from dmp.flows.segments import saved_segments
from dmp.flows.shapes import DestinationSummary, ExportOutcome, FileFormat, Reach
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.roles import as_sender
from dmp.segments import build
from dmp.segments.saved import chosen

_MESSAGES = {
    "written": "Sent. ",
    "unchanged": "Nothing to change: the destination already holds these people. ",
    "dry run": "Nothing was sent. ",
    "held": "Not sent: ",
}


def places(workspace: Workspace) -> list[DestinationSummary]:
    """Return the destinations of the workspace."""
    return [
        DestinationSummary(
            one.destination,
            f"{one.file.format} file",
            one.purpose,
            one.identifier.column,
        )
        for one in destinations(workspace).values()
    ]


def reach_of(workspace: Workspace, segment: str, as_of: datetime) -> list[Reach]:
    """Return how many people each destination could get now, by a dry run each."""
    workspace.allow_now(Permission.SEND)
    purpose = chosen(saved_segments(workspace), segment).segment.purpose
    found = []
    for name, one in destinations(workspace).items():
        if one.purpose != purpose:
            found.append(Reach(name, None, f"needs consent for {one.purpose}"))
            continue
        (outcome,) = sync_segments(
            workspace, [name], [segment], as_of=as_of, dry_run=True
        )
        found.append(Reach(name, outcome.addressable))
    return found


def exported(
    workspace: Workspace,
    segment: str,
    destination: str,
    as_of: datetime,
    *,
    dry_run: bool,
) -> ExportOutcome:
    """Sync a segment to a destination, and say what came of it."""
    (outcome,) = sync_segments(
        workspace, [destination], [segment], as_of=as_of, dry_run=dry_run
    )
    lines = (
        f"{outcome.members:,} members, {outcome.consented:,} with consent, "
        f"{outcome.addressable:,} addressable",
        f"{outcome.added:,} to add, {outcome.removed:,} to remove, "
        f"{outcome.kept:,} stay",
        *(f"{people:,} lost: {reason}" for _, reason, people in outcome.losses),
    )
    files = tuple((file.name, file.rows, file.sha256) for file in outcome.files)
    return ExportOutcome(lines, files, _MESSAGES[outcome.status] + outcome.reason)


def downloaded(
    workspace: Workspace, segment: str, file_format: FileFormat, as_of: datetime
) -> tuple[str, bytes]:
    """Return the consented members' hashed e-mails, read as sender and audited."""
    workspace.allow_now(Permission.EXPORT)
    saved = saved_segments(workspace)
    if wrong := hindrance(workspace, segment):
        raise UsageError(wrong)
    lake, population = workspace.lake, population_at(workspace, as_of)
    consent_at = max(as_of, workspace.clock())
    build.evaluate(lake, population, saved, segment, as_of, consent_at=consent_at)
    sender = as_sender(
        workspace.caller, "download", chosen(saved, segment).segment.purpose
    )
    identifier = IdentifierSpec()
    audience = stage_audience(lake, workspace.vault, identifier, sender)
    with tempfile.TemporaryDirectory(dir=workspace.paths.scratch) as folder:
        path = Path(folder) / f"{segment}.{file_format}"
        write_audience(lake, Name("desired"), identifier.column, path, file_format)
        content = path.read_bytes()
    workspace.record("download", segment=segment, people=audience.people)
    return path.name, content
