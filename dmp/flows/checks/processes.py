"""Checks of what processes do and leave behind: locks, scratch, runs."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dmp.flows.checks.finding import Finding, Ground, ok, problem, warning
from dmp.storage.lock import holder, stale_tickets

_LOCKS = ("run-lock", "lake/lock", "lake/*-lock", "lake/*-lock/*")
_SPILL = "dmp-spill-"


def locks(ground: Ground) -> Iterator[Finding]:
    """Say who holds a lock, and since when."""
    folders = _lock_folders(ground)
    held = [one for folder in folders for one in _held(ground, folder)]
    yield from held
    if not held:
        yield ok("locks: holders", f"{len(folders)} locks, all free")


def tickets(ground: Ground) -> Iterator[Finding]:
    """Find places in a queue whose process died; a live one locks its own at once."""
    latest = ground.clock().timestamp() - 1
    stale = [
        ticket
        for folder in _lock_folders(ground)
        for ticket in stale_tickets(folder)
        if ticket.stat().st_mtime < latest
    ]
    if stale:
        yield warning(
            "locks: stale tickets",
            f"{len(stale)} left by processes that were killed while they waited or "
            "wrote; they block nobody",
            _remove(stale),
        )
    else:
        yield ok("locks: stale tickets", "none")


def scratch(ground: Ground) -> Iterator[Finding]:
    """Find what killed processes left in the scratch folder."""
    folder = ground.paths.scratch
    left = [path for path in _entries(folder) if _is_left(ground, path)]
    if left:
        yield warning(
            "scratch: leftovers",
            f"{len(left)} in {folder}: spill is encrypted, a copy of an input is not",
            _remove(left),
        )
    else:
        yield ok("scratch: leftovers", "none")


def runs(ground: Ground) -> Iterator[Finding]:
    """Find runs that are on record as running while no run holds the workspace."""
    is_held = holder(ground.paths.data / "run-lock") is not None
    open_runs, unread = [], []
    for file in sorted(ground.paths.runs.glob("*/run.json")):
        try:
            record = json.loads(file.read_text())
            if record["status"] == "running":
                open_runs.append((file.parent.name, str(record["notebook"])))
        except (ValueError, KeyError, TypeError):
            unread.append(file)
    if unread:
        text = f"{len(unread)} records cannot be read, such as {unread[0]}"
        yield problem("runs: records", text, _remove([file.parent for file in unread]))
    if open_runs and not is_held:
        run_id, notebook = open_runs[-1]
        yield warning(
            "runs: abandoned",
            f"{len(open_runs)} were killed, such as {run_id}; what they committed "
            "stays, and the next run closes their records",
            ground.dmp("run", notebook),
        )
    elif not unread:
        yield ok("runs: records", f"{len(open_runs)} running, none abandoned")


def _lock_folders(ground: Ground) -> list[Path]:
    return sorted(
        folder
        for pattern in _LOCKS
        for folder in ground.paths.data.glob(pattern)
        if (folder / "counter").exists()
    )


def _held(ground: Ground, folder: Path) -> Iterator[Finding]:
    found = holder(folder)
    if found is None:
        return
    name = str(folder.relative_to(ground.paths.data))
    since = datetime.fromtimestamp(found.since, UTC)
    text = (
        f"process {found.pid} ({found.command}) holds it since {since:%H:%M:%S} UTC, "
        f"{ground.clock().timestamp() - found.since:,.0f} s"
    )
    if ground.clock() - since < ground.limits.held_for:
        yield ok(f"locks: {name}", text)
    else:
        text += "; others wait. If its work is not going on, end it"
        yield warning(f"locks: {name}", text, f"kill {found.pid}")


def _is_left(ground: Ground, path: Path) -> bool:
    """Say whether nobody uses an entry: it is not locked, nor was it touched lately."""
    if path.name.startswith(_SPILL):
        return not _is_locked(path)
    age = ground.clock().timestamp() - path.stat().st_mtime
    return age > ground.limits.leftover_after.total_seconds()


def _is_locked(folder: Path) -> bool:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def _remove(paths: list[Path]) -> str:
    return shlex.join(["rm", "-r", *map(str, paths)])
