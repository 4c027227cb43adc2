"""Sync: make a destination hold exactly the people it should, and remember it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from dmp.activation.audience import Audience, stage_audience
from dmp.activation.destinations import (
    Destination,
    Manifest,
    WrittenFile,
    write_audience,
)
from dmp.activation.destinations.config import MINIMUM_AUDIENCE
from dmp.activation.destinations.file import write_manifest
from dmp.core.config import fingerprint
from dmp.core.errors import NotAllowed, UsageError
from dmp.core.sql import Name, row, sql
from dmp.core.types import Evaluation
from dmp.privacy import Caller, Vault
from dmp.storage.lake import Lake
from dmp.storage.write import Write, commit, upsert


@dataclass(frozen=True)
class Outcome:
    """What a sync did, or in a dry run would do.

    Attributes:
        status: written, unchanged, dry run, or held (nothing was sent; see `reason`).
        reason: why nobody was added, where the audience is below the floor.
        losses: (step, reason, people): whom each step of the funnel lost, and why.
        accepted: people whose identifiers the destination acknowledged.
        is_new: False where the lake held this very outcome already.
    """

    sync_id: str
    destination: str
    segment: str
    as_of: datetime
    snapshot: int
    status: str
    members: int
    consented: int
    after_exclusions: int
    addressable: int
    sent: int
    accepted: int
    added: int
    removed: int
    kept: int
    losses: tuple[tuple[str, str, int], ...]
    files: tuple[WrittenFile, ...] = ()
    reason: str = ""
    is_new: bool = field(default=True, compare=False)


def sync(
    lake: Lake,
    vault: Vault,
    destination: Destination,
    found: Evaluation,
    *,
    home: Path,
    sender: Caller,
    now: datetime,
    dry_run: bool = False,
    force: bool = False,
) -> Outcome:
    """Send one evaluated segment to one destination.

    Reads the scratch tables that `segments.build.evaluate` staged. Adds, removes and
    keeps are counted against what the ledger says the destination holds. The file is
    renamed into place before the ledger is written: after a crash between the two the
    next sync writes the same file again and nothing is lost or doubled. With nothing
    to add or remove nothing is written. Below the destination's floor nobody is added
    and only removals are sent; that is kept on record once.

    Args:
        force: go on where the change is larger than `max_change_share`.

    Raises:
        UsageError: the segment has another purpose than the destination, or the
            change is too large; nothing was sent.
        NotAllowed: the caller is no sender for this destination.
    """
    if found.purpose != destination.purpose:
        raise UsageError(
            f"segment {found.segment} is for {found.purpose or 'no purpose'}, "
            f"{destination.destination} takes {destination.purpose}; consent for one "
            "does not cover the other"
        )
    _check_sender(destination, sender)
    audience = stage_audience(lake, vault, destination.identifier, sender)
    planned = _plan(lake, destination, found, audience)
    path = _path(destination, found, home)
    people = audience.people
    if people < destination.floor:
        planned, people = _held(lake, destination, planned)
        if not planned.removed:
            return _kept_back(lake, destination, planned, now, dry_run=dry_run)
    elif not dry_run:
        _check_change(destination, planned, force=force)
    if not (planned.added or planned.removed) and path.exists():
        same = replace(planned, status="unchanged", sent=people, accepted=people)
        return replace(same, is_new=False)
    return planned if dry_run else _send(lake, destination, planned, people, path, now)


def _check_sender(destination: Destination, sender: Caller) -> None:
    allowed = (sender.destination, sender.purpose)
    if allowed != (destination.destination, destination.purpose):
        raise NotAllowed(
            f"the caller may read identifiers for {sender.destination or 'nobody'}, "
            f"not for {destination.destination}; a sync needs the role sender for it"
        )


def _held(
    lake: Lake, destination: Destination, planned: Outcome
) -> tuple[Outcome, int]:
    """Leave of `desired` only who is there already; return how many people they are.

    Who is to be removed is, whatever the floor: a withdrawn consent does not wait.
    """
    lake.stage(
        "desired",
        "select d.* from desired as d semi join acknowledged as a "
        "using (destination_value)",
    )
    people = int(lake.value("select count(distinct profile_key) from desired"))
    reason = _too_few(destination)
    lost = ("sent", reason, planned.addressable - people)
    losses = (*planned.losses, lost) if lost[-1] else planned.losses
    return replace(planned, reason=reason, added=0, losses=losses), people


def _kept_back(
    lake: Lake,
    destination: Destination,
    planned: Outcome,
    now: datetime,
    *,
    dry_run: bool,
) -> Outcome:
    """Record that nothing was sent, unless the lake says so already."""
    held = replace(planned, status="held")
    if dry_run:
        return held
    if lake.value(
        "select count(*) from activation.sync where sync_id = $id and status = 'held'",
        id=held.sync_id,
    ):
        return replace(held, is_new=False)
    row_of = _sync_row(lake, held, destination.purpose, now)
    commit(lake, [row_of], message=f"hold {held.sync_id}")
    return held


def _too_few(destination: Destination) -> str:
    if destination.floor == 1:
        return "nobody can be addressed"
    return f"fewer than {destination.floor} people: none added at an outside place"


def _plan(
    lake: Lake, destination: Destination, found: Evaluation, audience: Audience
) -> Outcome:
    added, removed, kept = _difference(lake, destination, found)
    content = lake.value(
        "select (count(*), bit_xor(hash(destination_value)))::varchar from desired"
    )
    digest = fingerprint(found.segment, found.as_of.isoformat(), content)
    lost = (("addressable", *loss) for loss in audience.losses)
    return Outcome(
        sync_id=f"{destination.destination}-{digest}",
        destination=destination.destination,
        segment=found.segment,
        as_of=found.as_of,
        snapshot=found.snapshot,
        status="dry run",
        members=found.members,
        consented=found.consented,
        after_exclusions=found.after_exclusions,
        addressable=audience.people,
        sent=0,
        accepted=0,
        added=added,
        removed=removed,
        kept=kept,
        losses=(*found.losses, *lost),
    )


def _difference(
    lake: Lake, destination: Destination, found: Evaluation
) -> tuple[int, int, int]:
    """Stage `acknowledged`, what the destination holds; count added, removed, kept."""
    lake.stage(
        "acknowledged",
        sql(
            "select destination_value, profile_key, subject_id "
            "from activation.ledger where destination = $destination "
            "and segment = $segment and operation = 'add' and status = 'accepted'",
            destination=destination.destination,
            segment=found.segment,
        ),
    )
    added, removed, kept = lake.row(
        """
        select count(*) filter (a.destination_value is null),
            count(*) filter (d.destination_value is null),
            count(*) filter (
                a.destination_value is not null and d.destination_value is not null)
        from desired as d full join acknowledged as a using (destination_value)
        """
    )
    return int(added), int(removed), int(kept)


def _check_change(destination: Destination, planned: Outcome, *, force: bool) -> None:
    before = planned.kept + planned.removed
    changes = planned.added + planned.removed
    if (
        force
        or before < MINIMUM_AUDIENCE
        or changes <= destination.max_change_share * before
    ):
        return
    raise UsageError(
        f"the sync of {planned.segment} to {planned.destination} would change "
        f"{changes:,} of {before:,} identifiers, more than max_change_share = "
        f"{destination.max_change_share:g}; look at `dmp sync --dry-run`, then "
        "repeat with --force"
    )


def _path(destination: Destination, found: Evaluation, home: Path) -> Path:
    folder = home / destination.file.folder
    return folder / f"{found.segment}.{destination.file.format}"


def _send(
    lake: Lake,
    destination: Destination,
    planned: Outcome,
    people: int,
    path: Path,
    now: datetime,
) -> Outcome:
    written = write_audience(
        lake,
        Name("desired"),
        destination.identifier.column,
        path,
        destination.file.format,
    )
    done = replace(
        planned, status="written", sent=people, accepted=people, files=(written,)
    )
    write_manifest(
        path.with_suffix(".manifest.json"),
        Manifest(
            destination.destination,
            planned.segment,
            destination.purpose,
            planned.as_of.isoformat(),
            planned.snapshot,
            people,
            (written,),
        ),
    )
    writes = [*_ledger(lake, done), _sync_row(lake, done, destination.purpose, now)]
    commit(lake, writes, message=f"sync {done.sync_id}")
    return done


_LEDGER = """
with now_there as (
    select profile_key, subject_id, destination_value, 'add' as operation from desired
    union all
    select profile_key, subject_id, destination_value, 'remove' from acknowledged
    where destination_value not in (select destination_value from desired)
)
select $destination as destination, $segment as segment, subject_id, profile_key,
    destination_value, operation, 'accepted' as status, null::varchar as reason,
    $sync_id as sync_id
from now_there order by destination_value
"""


def _ledger(lake: Lake, done: Outcome) -> Iterator[Write]:
    staged = lake.stage(
        "ledger_row",
        sql(
            _LEDGER,
            destination=done.destination,
            segment=done.segment,
            sync_id=done.sync_id,
        ),
    )
    key = ["destination", "segment", "destination_value"]
    yield upsert("activation.ledger", staged, key)


def _sync_row(lake: Lake, done: Outcome, purpose: str, now: datetime) -> Write:
    """Return the write of the outcome to `activation.sync`."""
    columns = {
        name: value
        for name, value in vars(done).items()
        if name not in ("is_new", "losses", "files")
    }
    staged = lake.stage(
        "sync_row",
        row(
            **columns,
            purpose=purpose,
            losses=json.dumps(done.losses),
            files=json.dumps([asdict(file) for file in done.files]),
            synced_at=now,
        ),
    )
    return upsert("activation.sync", staged, ["sync_id"])
