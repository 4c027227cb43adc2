"""Sync: make a destination hold exactly the people it should, and remember it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dmp.activation.audience import stage_audience, stage_permitted
from dmp.activation.destinations import Destination, Manifest, write_audience
from dmp.activation.destinations.config import MINIMUM_AUDIENCE
from dmp.activation.destinations.file import write_manifest
from dmp.activation.plan import Outcome, counted, plan
from dmp.core.errors import NotAllowed, UsageError
from dmp.core.sql import Name, row, sql
from dmp.core.types import Evaluation
from dmp.privacy import Caller
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.write import Write, commit, upsert

if TYPE_CHECKING:
    from dmp.privacy import Vault

_LOCK_TIMEOUT_S = 3600.0


class HeldBack(UsageError):
    """A sync may not take place as a whole; only withdrawals were sent.

    Attributes:
        outcome: what was sent all the same; None where nobody had withdrawn.
    """

    def __init__(self, message: str, outcome: Outcome | None) -> None:
        """Keep what was sent, so that it can be put on record."""
        super().__init__(message)
        self.outcome = outcome


class ChangeTooLarge(HeldBack):
    """A sync would change too much of an audience."""


@contextmanager
def syncing(lake: Lake, destination: str) -> Iterator[None]:
    """Let one process at a time serve a destination, from evaluation to ledger.

    Evaluate inside: an audience from before another's sync could bring back somebody
    who withdrew meanwhile.

    Raises:
        LakeBusy: another sync of the destination took longer than an hour.
    """
    folder = lake.root / "sync-lock" / destination
    with fair_lock(folder, timeout_s=_LOCK_TIMEOUT_S, name=f"sync to {destination}"):
        yield


@dataclass(frozen=True)
class _Way:
    """How to a destination: the file to write, and by whose right."""

    lake: Lake
    vault: Vault
    destination: Destination
    sender: Caller
    path: Path
    now: datetime


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
    hold: str = "",
) -> Outcome:
    """Send one evaluated segment to one destination, within `syncing`.

    Reads the scratch tables that `segments.build.evaluate` staged. Adds, removes and
    keeps are counted against what the ledger says the destination holds. The file is
    renamed into place before the ledger is written: after a crash between the two the
    next sync writes the same file again and nothing is lost or doubled. With nothing
    to add or remove nothing is written. Below the destination's floor nobody is added
    and only removals are sent; that is kept on record once.

    Args:
        force: go on where the change is larger than `max_change_share`.
        hold: why nobody of this segment may be sent now; empty lets it through.

    Raises:
        UsageError: the segment has another purpose than the destination; nothing was
            sent.
        ChangeTooLarge: the change is too large: nobody was added, and removed was only
            who withdrew consent, was erased, or shares an identifier with somebody who
            declined.
        HeldBack: `hold` says why; removed was who a too large change removes.
        NotAllowed: the caller is no sender for this destination.
    """
    _check_purpose(destination, found)
    _check_sender(destination, sender)
    way = _Way(lake, vault, destination, sender, _path(destination, found, home), now)
    audience = stage_audience(lake, vault, destination.identifier, sender)
    planned = plan(lake, destination, found, audience)
    if hold and not dry_run:
        raise HeldBack(*_withdrawn(way, planned, hold, "it is held back"))
    if planned.sent < destination.floor:
        planned = _without_additions(way, planned)
    if not (dry_run or force) and _is_too_large(destination, planned):
        raise ChangeTooLarge(*_too_large(way, planned))
    if not planned.removed and planned.sent < destination.floor:
        return _kept_back(way, planned, dry_run=dry_run)
    if not (planned.added or planned.removed) and way.path.exists():
        same = replace(planned, status="unchanged", accepted=planned.sent)
        return replace(same, is_new=False)
    return replace(planned, sent=0) if dry_run else _send(way, planned)


def _check_purpose(destination: Destination, found: Evaluation) -> None:
    if found.purpose != destination.purpose:
        raise UsageError(
            f"segment {found.segment} is for {found.purpose or 'no purpose'}, "
            f"{destination.destination} takes {destination.purpose}; consent for one "
            "does not cover the other"
        )


def _check_sender(destination: Destination, sender: Caller) -> None:
    allowed = (sender.destination, sender.purpose)
    if allowed != (destination.destination, destination.purpose):
        raise NotAllowed(
            f"the caller may read identifiers for {sender.destination or 'nobody'}, "
            f"not for {destination.destination}; a sync needs the role sender for it"
        )


def _without_additions(way: _Way, planned: Outcome) -> Outcome:
    """Leave of `desired` only who is there already: below the floor nobody is added."""
    way.lake.stage(
        "desired",
        "select d.* from desired as d semi join acknowledged as a "
        "using (destination_value)",
    )
    left = counted(way.lake, planned)
    reason = _too_few(way.destination)
    lost = ("sent", reason, planned.addressable - left.sent)
    losses = (*planned.losses, lost) if lost[-1] else planned.losses
    return replace(left, reason=reason, losses=losses)


def _kept_back(way: _Way, planned: Outcome, *, dry_run: bool) -> Outcome:
    """Record that nothing was sent, unless the lake says so already."""
    held = replace(
        planned, sync_id=f"{planned.sync_id}-held", status="held", sent=0, added=0
    )
    if dry_run:
        return held
    if way.lake.value(
        "select count(*) from activation.sync where sync_id = $id", id=held.sync_id
    ):
        return replace(held, is_new=False)
    commit(way.lake, [_sync_row(way, held)], message=f"hold {held.sync_id}")
    return held


def _too_few(destination: Destination) -> str:
    if destination.floor == 1:
        return "nobody can be addressed"
    return f"fewer than {destination.floor} people: none added at an outside place"


def _is_too_large(destination: Destination, planned: Outcome) -> bool:
    before = planned.kept + planned.removed
    changes = planned.added + planned.removed
    return (
        before >= MINIMUM_AUDIENCE and changes > destination.max_change_share * before
    )


def _too_large(way: _Way, planned: Outcome) -> tuple[str, Outcome | None]:
    message = (
        f"the sync of {planned.segment} to {planned.destination} would change "
        f"{planned.added + planned.removed:,} of {planned.kept + planned.removed:,} "
        "identifiers, more than max_change_share = "
        f"{way.destination.max_change_share:g}; look at `dmp sync --dry-run`, then "
        "repeat with --force"
    )
    return _withdrawn(way, planned, message, "the change is too large")


def _withdrawn(
    way: _Way, planned: Outcome, message: str, why: str
) -> tuple[str, Outcome | None]:
    """Send withdrawals alone, which never wait; return what to tell, and what went."""
    stage_permitted(way.lake, way.vault, way.destination.identifier, way.sender)
    left = counted(way.lake, planned)
    if not left.removed:
        return message, None
    done = _send(way, replace(left, reason=f"{why}: only withdrawals were sent"))
    told = f"{message}. The {done.removed:,} of people who withdrew were taken away"
    return told, done


def _path(destination: Destination, found: Evaluation, home: Path) -> Path:
    folder = home / destination.file.folder
    return folder / f"{found.segment}.{destination.file.format}"


def _send(way: _Way, planned: Outcome) -> Outcome:
    written = write_audience(
        way.lake,
        Name("desired"),
        way.destination.identifier.column,
        way.path,
        way.destination.file.format,
    )
    done = replace(planned, status="written", accepted=planned.sent, files=(written,))
    write_manifest(
        way.path.with_suffix(".manifest.json"),
        Manifest(
            done.destination,
            done.segment,
            way.destination.purpose,
            done.as_of.isoformat(),
            done.snapshot,
            done.sent,
            done.files,
        ),
    )
    writes = [*_ledger(way.lake, done), _sync_row(way, done)]
    commit(way.lake, writes, message=f"sync {done.sync_id}")
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


def _sync_row(way: _Way, done: Outcome) -> Write:
    """Return the write of the outcome to `activation.sync`."""
    columns = {
        name: value
        for name, value in vars(done).items()
        if name not in ("is_new", "losses", "files")
    }
    staged = way.lake.stage(
        "sync_row",
        row(
            **columns,
            purpose=way.destination.purpose,
            losses=json.dumps(done.losses),
            files=json.dumps([asdict(file) for file in done.files]),
            synced_at=way.now,
        ),
    )
    return upsert("activation.sync", staged, ["sync_id"])
