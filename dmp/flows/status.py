"""How a workspace is: what it holds, who works in it, which fences stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dmp.flows.workspace import Workspace
from dmp.storage.lock import holder

FENCES = (
    "direct identifiers: held by cryptography; no key, no value, whatever code runs",
    "served pages: held by token or identity, from a service under its own user",
    "this folder: whoever owns it can read pseudonyms; roles guide and are logged",
)


@dataclass(frozen=True)
class Status:
    """A workspace at a glance; counts are 0 and instants None where nothing is yet."""

    home: str
    snapshot: int
    counts: dict[str, int]
    sources: list[dict[str, Any]]
    refused_open: int
    last_resolved_at: datetime | None
    model: str
    commit_lock: str
    run_lock: str
    roles: tuple[str, ...]
    fences: tuple[str, ...] = FENCES


_COUNTS = {
    "people": "select count(*) from profile.profile where valid_to is null",
    "subjects": "select count(*) from identity.subject",
    "records": "select count(*) from core.record",
    "events": "select count(*) from core.event",
    "transactions": "select count(*) from core.transaction",
    "segments": "select count(*) from segment.definition where valid_to is null",
    "syncs": "select count(*) from activation.sync",
}


def status(workspace: Workspace) -> Status:
    """Return how the workspace is; reads only."""
    lake = workspace.lake
    resolved = lake.rows(
        "select resolved_at, model from identity.resolution "
        "order by generation desc limit 1"
    )
    return Status(
        home=str(workspace.paths.home),
        snapshot=lake.snapshot(),
        counts={name: int(lake.value(query)) for name, query in _COUNTS.items()},
        sources=lake.records(
            "select source, count(*) as loads, sum(rows_read)::bigint as rows_read, "
            "sum(rows_refused)::bigint as rows_refused, max(loaded_at) as loaded_at "
            "from ops.load group by source order by source"
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
        roles=tuple(sorted(workspace.caller.roles)),
    )
