"""How a workspace is: what it holds, who works in it, which fences stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dmp.core.sql import sql
from dmp.flows.key_backup import are_keys_backed_up
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.published import published_to
from dmp.privacy.roles import permissions_of
from dmp.storage.loads import LOADS_BY_SOURCE
from dmp.storage.lock import holder

FENCES = (
    "direct identifiers: held by cryptography; no key, no value, whatever code runs",
    "served pages: held by token or identity, from a service under its own user",
    "this folder: whoever owns it can read pseudonyms; roles guide and are logged",
)


@dataclass(frozen=True)
class Status:
    """A workspace at a glance; counts are 0 and instants None where nothing is yet.

    Attributes:
        actor: the caller's pseudonym, as the audit log names it.
        roles: what the caller holds, narrowed by `DMP_ROLE`.
        permissions: what these roles may do.
        published: the tables and views that they may read by SQL.
        keys_backed_up: whether the keys in use are in a back-up of keys.
    """

    home: str
    snapshot: int
    counts: dict[str, int]
    sources: list[dict[str, Any]]
    refused_open: int
    last_resolved_at: datetime | None
    model: str
    commit_lock: str
    run_lock: str
    actor: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    published: tuple[str, ...]
    keys_backed_up: bool
    fences: tuple[str, ...] = FENCES


_COUNTS = {
    "people": "select count(*) from profile.profile where valid_to is null",
    "subjects": "select count(*) from identity.subject",
    "records": "select count(*) from core.record",
    "events": "select count(*) from core.event",
    "transactions": "select count(*) from core.transaction",
    "segments": "select count(*) from segment.definition where valid_to is null "
    "and not starts_with(segment, 'list:')",
    "syncs": "select count(*) from activation.sync",
}


def status(workspace: Workspace) -> Status:
    """Return how the workspace is; reads only.

    Raises:
        NotAllowed: the caller holds no role here.
    """
    workspace.allow(Permission.STATUS)
    lake, caller = workspace.lake, workspace.caller
    resolved = lake.rows(
        "select resolved_at, model from identity.resolution "
        "order by generation desc limit 1"
    )
    return Status(
        home=str(workspace.paths.home),
        snapshot=lake.snapshot(),
        counts={name: int(lake.value(query)) for name, query in _COUNTS.items()},
        sources=lake.records(
            sql(
                "select source, loads, rows_read, rows_refused, loaded_at "
                "from ({loads}) order by source",
                loads=LOADS_BY_SOURCE,
            )
        ),
        refused_open=int(
            lake.value(
                "select count(distinct (load_id, line)) from raw.refused "
                "where action = 'refused' and replayed_by is null"
            )
        ),
        last_resolved_at=resolved[0][0] if resolved else None,
        model=resolved[0][1] if resolved else "",
        commit_lock=str(holder(lake.lock_folder) or "free"),
        run_lock=str(holder(workspace.paths.data / "run-lock") or "free"),
        actor=caller.actor,
        roles=tuple(sorted(caller.roles)),
        keys_backed_up=are_keys_backed_up(workspace.key_files),
        permissions=permissions_of(caller),
        published=published_to(caller),
    )
