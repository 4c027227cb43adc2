"""Send segments to destinations, under roles, consent and audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dmp.activation.destinations import Destination, chosen, read_destinations
from dmp.activation.sync import Outcome, sync
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.roles import as_sender
from dmp.segments import build
from dmp.segments.population import workspace_population


def destinations(workspace: Workspace) -> dict[str, Destination]:
    """Return the destinations of `config/destinations` by name."""
    return read_destinations(workspace.paths.config / "destinations")


def sync_segments(
    workspace: Workspace,
    names: Sequence[str] = (),
    segments: Sequence[str] = (),
    *,
    as_of: datetime,
    dry_run: bool = False,
    force: bool = False,
) -> list[Outcome]:
    """Sync destinations; without names all, each with the segments it is given.

    Every segment is evaluated anew at `as_of`, and consent as it is when data leaves:
    now, not at an `as_of` of the past. What was built earlier decides nothing.
    Identifiers are read as the service role `sender`, for one destination and purpose
    at a time.

    Raises:
        UnknownName: no such destination or segment.
        UsageError: a purpose does not fit, or a change is too large; the destinations
            before it are done.
        NotAllowed: the caller may not send.
    """
    workspace.allow(Permission.SEND)
    known = destinations(workspace)
    saved = saved_segments(workspace)
    population = workspace_population(workspace.lake, as_of)
    outcomes = []
    for name in names or known:
        destination = chosen(known, name)
        for segment in segments or destination.segments:
            now = workspace.clock()
            found = build.evaluate(
                workspace.lake,
                population,
                saved,
                segment,
                as_of,
                consent_at=max(as_of, now),
            )
            sender = as_sender(workspace.caller, name, destination.purpose)
            outcome = sync(
                workspace.lake,
                workspace.vault,
                destination,
                found,
                home=workspace.paths.home,
                sender=sender,
                now=now,
                dry_run=dry_run,
                force=force,
            )
            _record(workspace, outcome)
            outcomes.append(outcome)
    return outcomes


def _record(workspace: Workspace, outcome: Outcome) -> None:
    if not outcome.is_new:
        return
    workspace.record(
        "sync",
        sync=outcome.sync_id,
        status=outcome.status,
        addressable=outcome.addressable,
        added=outcome.added,
        removed=outcome.removed,
    )
