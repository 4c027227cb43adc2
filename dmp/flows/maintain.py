"""Maintenance of a workspace: files, snapshots, outdated refused bodies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from dmp.core.types import Progress, silent
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.storage.maintenance import tidy

_SPARED = timedelta(days=1)
"""Longer than any query runs; with `keep_days=0` nothing is spared."""


@dataclass(frozen=True)
class Maintained:
    """What maintenance did.

    Attributes:
        files_before: that the newest snapshot read; `files_after` likewise.
        files_kept: others on disk, for older snapshots or queries that still run.
    """

    files_before: int
    files_after: int
    files_kept: int
    snapshots_expired: int
    bodies_destroyed: int


def maintain(
    workspace: Workspace, *, keep_days: int, progress: Progress = silent
) -> Maintained:
    """Compact the lake, expire snapshots, destroy refused bodies past their days.

    Raises:
        KeyMissing: there is no vault key; nothing was done.
        NotAllowed: the caller may not maintain.
    """
    workspace.allow_work(Permission.MAINTAIN)
    bodies = workspace.stores.bodies
    now = workspace.clock()
    kept = timedelta(days=keep_days)
    tidied = tidy(
        workspace.lake,
        keep_since=now - kept,
        spared=min(kept, _SPARED),
        progress=progress,
    )
    days = workspace.settings.retention.refused_bodies_days
    destroyed = bodies.destroy((now - timedelta(days=days)).date())
    done = Maintained(**asdict(tidied), bodies_destroyed=destroyed)
    workspace.record("maintain", expired=done.snapshots_expired, destroyed=destroyed)
    return done
