"""What a sync would change at a destination, counted against the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from dmp.activation.audience import Audience
from dmp.activation.destinations import Destination, WrittenFile
from dmp.core.config import fingerprint
from dmp.core.sql import sql
from dmp.core.types import Evaluation
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Outcome:
    """What a sync did, or in a dry run would do.

    Attributes:
        status: written, unchanged, dry run, or held (nothing was sent; see `reason`).
        reason: why somebody was held back, where somebody was.
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


def plan(
    lake: Lake, destination: Destination, found: Evaluation, audience: Audience
) -> Outcome:
    """Count what sending `desired` would do, as the outcome of a dry run.

    Stages `acknowledged`: `destination_value, profile_key, subject_id` of what the
    ledger says the destination holds of the segment.
    """
    _stage_acknowledged(lake, destination, found)
    lost = (("addressable", *loss) for loss in audience.losses)
    outcome = Outcome(
        sync_id="",
        destination=destination.destination,
        segment=found.segment,
        as_of=found.as_of,
        snapshot=found.snapshot,
        status="dry run",
        members=found.members,
        consented=found.consented,
        after_exclusions=found.after_exclusions,
        addressable=audience.people,
        sent=audience.people,
        accepted=0,
        added=0,
        removed=0,
        kept=0,
        losses=(*found.losses, *lost),
    )
    return counted(lake, outcome)


def counted(lake: Lake, outcome: Outcome) -> Outcome:
    """Name and count an outcome anew from `desired` and `acknowledged`."""
    added, removed, kept, people, content = lake.row(_COUNTED)
    digest = fingerprint(outcome.segment, outcome.as_of.isoformat(), content)
    return replace(
        outcome,
        sync_id=f"{outcome.destination}-{digest}",
        sent=int(people),
        added=int(added),
        removed=int(removed),
        kept=int(kept),
    )


_COUNTED = """
select count(*) filter (a.destination_value is null),
    count(*) filter (d.destination_value is null),
    count(*) filter (
        a.destination_value is not null and d.destination_value is not null),
    count(distinct d.profile_key),
    (
        select (count(*), bit_xor(hash(destination_value)))::varchar from desired
    )
from desired as d full join acknowledged as a using (destination_value)
"""


def _stage_acknowledged(
    lake: Lake, destination: Destination, found: Evaluation
) -> None:
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
