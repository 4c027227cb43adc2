"""A fair lock between processes: writers go in the order in which they came.

A CLH queue of files: each writer holds an exclusive `flock` on a ticket file of its
own and waits for its predecessor's. The kernel drops the locks of a process that dies,
so a crash never blocks the queue; a main lock on top keeps exclusion even when a
waiting predecessor died before its turn.
Source: Craig 1993, Landin and Hagersten 1994 (queue locks); `man 2 flock`.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dmp.core.errors import LakeBusy
from dmp.core.ground import on_ground

_POLL_S = 0.01


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock."""

    pid: int
    command: str
    since: float

    def __str__(self) -> str:
        """Return a line for people."""
        return f"process {self.pid} ({self.command}), {time.time() - self.since:.0f} s"


@contextmanager
def fair_lock(
    folder: Path, *, timeout_s: float, name: str = "commit"
) -> Iterator[None]:
    """Hold the lock of `folder` for the length of the `with` block.

    Args:
        name: what the lock is called in an error.

    Raises:
        LakeBusy: the turn did not come within `timeout_s`; names the holder.
        GroundFailed: nothing can be written in `folder`.
    """
    deadline = time.monotonic() + timeout_s
    with on_ground(folder):
        folder.mkdir(parents=True, exist_ok=True)
        ticket, number = _take_ticket(folder)
    try:
        _await_predecessor(folder, number, deadline, name)
        with (folder / "main").open("a+") as main:
            _acquire(main, fcntl.LOCK_EX, deadline, folder, name)
            _write_holder(main)
            try:
                yield
            finally:
                main.truncate(0)
    finally:
        (folder / f"ticket-{number}").unlink(missing_ok=True)
        ticket.close()


def holder(folder: Path) -> Holder | None:
    """Return who holds the lock of `folder`, or None where nobody does."""
    try:
        with (folder / "main").open() as main:
            with suppress(BlockingIOError):
                fcntl.flock(main, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            main.seek(0)
            return Holder(**json.loads(main.read()))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def stale_tickets(folder: Path) -> list[Path]:
    """Return the tickets of processes that died: nobody holds them any more.

    They block nobody; the next in the queue removes its predecessor's.
    """
    return [path for path in sorted(folder.glob("ticket-*")) if not _is_held(path)]


def _is_held(path: Path) -> bool:
    try:
        with path.open() as ticket:
            fcntl.flock(ticket, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # its process just left the queue
        return True
    return False


def _take_ticket(folder: Path) -> tuple[IO[str], int]:
    file = os.open(folder / "counter", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(file, "r+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        number = int(counter.read() or 0) + 1
        ticket = (folder / f"ticket-{number}").open("w")
        fcntl.flock(ticket, fcntl.LOCK_EX)
        os.pwrite(counter.fileno(), f"{number:020d}".encode(), 0)
    return ticket, number


def _await_predecessor(folder: Path, number: int, deadline: float, name: str) -> None:
    ticket = folder / f"ticket-{number - 1}"
    with suppress(FileNotFoundError), ticket.open() as before:
        _acquire(before, fcntl.LOCK_SH, deadline, folder, name)
        ticket.unlink(missing_ok=True)  # left behind by a process that died waiting


def _acquire(
    file: IO[str], kind: int, deadline: float, folder: Path, name: str
) -> None:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return
        if time.monotonic() > deadline:
            raise LakeBusy(
                f"the lake is busy: {holder(folder) or 'a process that just ended'} "
                f"holds the {name} lock; try again, or see `dmp status`"
            )
        time.sleep(_POLL_S)


def _write_holder(main: IO[str]) -> None:
    command = " ".join([os.path.basename(sys.argv[0] or "python"), *sys.argv[1:2]])
    main.truncate(0)
    main.write(
        json.dumps({"pid": os.getpid(), "command": command, "since": time.time()})
    )
    main.flush()
