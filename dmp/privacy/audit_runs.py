"""Processes that change the lake, and how much of it each has put on record.

What changes the lake is on record once the change is in, so a process that dies between
the two would leave it unrecorded. Each has a file of its own for as long as it runs,
holds its lock, and notes there how many of its commits are on record. The kernel drops
the lock of a process that dies: what is left of its commits is for the next to record.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dmp.core.ground import on_ground
from dmp.privacy.private_files import exclusive, make_private_folder

RUNNING = "running"
"""The folder of these files, in that of the audit log."""
_LOCK = "lock"
_DIGITS = 20


class Run:
    """The commits of one process that belong on record, numbered from 1."""

    def __init__(self, folder: Path) -> None:
        """Begin a file in `folder`.

        Raises:
            GroundFailed: nothing can be written there.
        """
        self.id = secrets.token_hex(8)
        self._committed = self._noted = 0
        self._path = folder / self.id
        with on_ground(folder):
            make_private_folder(folder)
            with exclusive(folder / _LOCK):
                flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o600)
                fcntl.flock(self._file, fcntl.LOCK_EX)
            self.note()

    def next_commit(self) -> int:
        """Return the number of the commit that is about to be made."""
        self._committed += 1
        return self._committed

    def note(self) -> None:
        """Note that all commits so far are on record; on disk when this returns."""
        os.pwrite(self._file, f"{self._committed:0{_DIGITS}d}".encode(), 0)
        os.fsync(self._file)
        self._noted = self._committed

    def end(self) -> None:
        """Let go; the file stays for the next to see where not all is on record."""
        if self._noted == self._committed:
            self._path.unlink(missing_ok=True)
        os.close(self._file)


@dataclass(frozen=True)
class DeadRun:
    """A process that ended without a word.

    Attributes:
        id: of the run.
        recorded: how many of its commits are on record.
    """

    id: str
    recorded: int


@contextmanager
def dead_runs(folder: Path) -> Iterator[tuple[DeadRun, ...]]:
    """Give those that ended so, to this process alone; forgotten at a good end."""
    if not folder.exists():
        yield ()
        return
    with ExitStack() as held:
        with exclusive(folder / _LOCK):
            paths = [path for path in sorted(folder.iterdir()) if path.name != _LOCK]
            dead = [path for path in paths if _is_mine(path, held)]
        yield tuple(DeadRun(path.name, int(path.read_text() or 0)) for path in dead)
        for path in dead:
            path.unlink()


def _is_mine(path: Path, held: ExitStack) -> bool:
    """Say whether no process held the file's lock; then this one does."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    held.callback(os.close, file)
    return True
