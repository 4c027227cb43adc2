"""Send segments to destinations, under roles, consent and audit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime

from dmp.activation.destinations import Destination, chosen, read_destinations
from dmp.activation.plan import Outcome
from dmp.activation.sync import HeldBack, sync, syncing
from dmp.core.types import Evaluation, Progress, silent
from dmp.flows.approval import hindrance
from dmp.flows.population import population_at
from dmp.flows.segments import saved_segments
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.roles import as_sender
from dmp.segments import build
from dmp.storage.instants import not_before


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
    progress: Progress = silent,
) -> list[Outcome]:
    """Sync destinations; without names all, each with the segments it is given.

    Every segment is evaluated anew at `as_of`, and consent as it is when data leaves:
    now, not at an `as_of` of the past. What was built earlier decides nothing.
    Identifiers are read as the service role `sender`, for one destination and purpose
    at a time. One process at a time serves a destination.

    Raises:
        UnknownName: no such destination or segment.
        UsageError: a purpose does not fit; the destinations before it are done.
        HeldBack: segments are archived or not approved, all of them named; the same.
        ChangeTooLarge: changes are too large, all of them named; there only
            withdrawals were sent, everything else is done.
        NotAllowed: the caller may not send.
    """
    workspace.allow_work(Permission.SEND)
    known = destinations(workspace)
    wanted = [chosen(known, name) for name in names or known]
    outcomes: list[Outcome] = []
    held_back: list[HeldBack] = []
    steps = [(one, s) for one in wanted for s in segments or one.segments]
    for done, (destination, segment) in enumerate(steps):
        progress(done, len(steps))
        try:
            outcome = _sync_one(
                workspace, destination, segment, as_of, dry_run=dry_run, force=force
            )
        except HeldBack as error:
            held_back.append(error)
        else:
            outcomes.append(outcome)
    progress(len(steps), len(steps))
    if held_back:
        kind = type(held_back[0])
        raise kind("\n".join(map(str, held_back)), None) from held_back[0]
    return outcomes


def _sync_one(
    workspace: Workspace,
    destination: Destination,
    segment: str,
    as_of: datetime,
    *,
    dry_run: bool,
    force: bool,
) -> Outcome:
    """Evaluate and send one segment; what was sent is on record."""
    lake, name = workspace.lake, destination.destination
    with nullcontext() if dry_run else syncing(lake, name):
        now = not_before(lake, workspace.clock(), "ops.load.loaded_at")
        found = _evaluated(workspace, segment, as_of, consent_at=max(as_of, now))
        try:
            outcome = sync(
                lake,
                workspace.vault,
                destination,
                found,
                home=workspace.paths.home,
                sender=as_sender(workspace.caller, name, destination.purpose),
                now=now,
                dry_run=dry_run,
                force=force,
                hold=hindrance(workspace, segment),
            )
        except HeldBack as error:
            if error.outcome:
                _record(workspace, error.outcome)
            raise
        _record(workspace, outcome)
    return outcome


def _evaluated(
    workspace: Workspace, segment: str, as_of: datetime, *, consent_at: datetime
) -> Evaluation:
    lake = workspace.lake
    population = population_at(workspace, as_of)
    saved = saved_segments(workspace)
    return build.evaluate(
        lake, population, saved, segment, as_of, consent_at=consent_at
    )


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
