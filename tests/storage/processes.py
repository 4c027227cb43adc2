"""What the other processes of these tests run."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.concurrency.workload import Report, write_once
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.migrate import ensure_fields, migrate

PATIENCE_S = 60.0


def make_lake(root: Path) -> tuple[bool, bool]:
    """Return whether this process laid out the lake, and whether it added the field."""
    with Lake(root) as lake:
        migrated = migrate(lake)
        return migrated, ensure_fields(
            lake, "core.event", "properties", {"price": "double"}
        )


def pass_through(folder: Path, number: int) -> None:
    """Write the number to `passed` while alone inside the lock."""
    with fair_lock(folder, timeout_s=PATIENCE_S):
        inside = folder / "inside"
        inside.touch(exist_ok=False)
        time.sleep(0.02)
        with (folder / "passed").open("a") as passed:
            passed.write(f"{number}\n")
        inside.unlink()


def hold(folder: Path) -> None:
    """Hold the lock until killed; `held` says that it is held."""
    with fair_lock(folder, timeout_s=PATIENCE_S):
        (folder / "held").touch()
        time.sleep(PATIENCE_S)


def write_and_tell(root: Path, writer: int, told: Path) -> None:
    """Commit until killed; each commit that is acknowledged is a byte in `told`."""
    report = Report()
    with Lake(root) as lake, told.open("ab", buffering=0) as file:
        while True:
            write_once(lake, writer, report)
            report.operations += 1
            file.write(b".")
