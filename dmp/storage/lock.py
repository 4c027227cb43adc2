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
def fair_lock(folder: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock of `folder` for the length of the `with` block.

    Raises:
        LakeBusy: the turn did not come within `timeout_s`; names the holder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    ticket, number = _take_ticket(folder)
    try:
        _await_predecessor(folder, number, deadline)
        with (folder / "main").open("a+") as main:
            _acquire(main, fcntl.LOCK_EX, deadline, folder)
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
        with (folder / "main").open("r+") as main:
            with suppress(BlockingIOError):
                fcntl.flock(main, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            main.seek(0)
            return Holder(**json.loads(main.read()))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _take_ticket(folder: Path) -> tuple[IO[str], int]:
    file = os.open(folder / "counter", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(file, "r+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        number = int(counter.read() or 0) + 1
        ticket = (folder / f"ticket-{number}").open("w")
        fcntl.flock(ticket, fcntl.LOCK_EX)
        os.pwrite(counter.fileno(), f"{number:020d}".encode(), 0)
    return ticket, number


def _await_predecessor(folder: Path, number: int, deadline: float) -> None:
    ticket = folder / f"ticket-{number - 1}"
    with suppress(FileNotFoundError), ticket.open() as before:
        _acquire(before, fcntl.LOCK_SH, deadline, folder)
        ticket.unlink(missing_ok=True)  # left behind by a process that died waiting


def _acquire(file: IO[str], kind: int, deadline: float, folder: Path) -> None:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return
        if time.monotonic() > deadline:
            raise LakeBusy(
                f"the lake is busy: {holder(folder) or 'a process that just ended'} "
                "holds the commit lock; try again, or see `dmp status`"
            )
        time.sleep(_POLL_S)


def _write_holder(main: IO[str]) -> None:
    command = " ".join([os.path.basename(sys.argv[0] or "python"), *sys.argv[1:2]])
    main.truncate(0)
    main.write(
        json.dumps({"pid": os.getpid(), "command": command, "since": time.time()})
    )
    main.flush()
