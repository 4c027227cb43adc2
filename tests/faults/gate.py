"""A gate before the commit: it stops a command at the moment that a test chooses."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boxes import PATIENCE_S

from dmp.storage.lock import fair_lock, holder


class Turn:
    """A place of the test's own in the queue of writers, held until it is left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = threading.Event()
        self.held = threading.Event()
        self._thread = threading.Thread(target=self._stand, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        self._left.set()
        self._thread.join()

    def _stand(self) -> None:
        with fair_lock(self._folder, timeout_s=PATIENCE_S):
            self.held.set()
            self._left.wait()


@contextmanager
def before_commit(
    lake: Path, start: Callable[[], subprocess.Popen[str]]
) -> Iterator[subprocess.Popen[str]]:
    """Give a command that has staged everything and waits to commit."""
    turn = Turn(lake / "lock")
    assert turn.held.wait(PATIENCE_S)
    process = start()
    _await(process, lambda: _tickets(lake) == 2)
    yield process
    turn.leave()


@contextmanager
def inside_commit(
    lake: Path, start: Callable[[], subprocess.Popen[str]]
) -> Iterator[subprocess.Popen[str]]:
    """Give a command that is stopped with its first files written, of several."""
    before = _files(lake)
    process = start()
    _await(process, lambda: _files(lake) > before)
    os.killpg(process.pid, signal.SIGSTOP)
    assert _is_holding(lake, process), "it came to its end before it was stopped"
    yield process


@contextmanager
def after_commit(
    lake: Path, start: Callable[[], subprocess.Popen[str]]
) -> Iterator[subprocess.Popen[str]]:
    """Give a command that has just committed: the next turn is the test's."""
    with before_commit(lake, start) as process:
        next_turn = Turn(lake / "lock")
        _await(process, lambda: _tickets(lake) == 3)
    assert next_turn.held.wait(PATIENCE_S)
    yield process
    next_turn.leave()


def _await(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the command did not come to its commit"
        time.sleep(0.001)


def _tickets(lake: Path) -> int:
    return len(list((lake / "lock").glob("ticket-*")))


def _files(lake: Path) -> int:
    return len(list((lake / "files").rglob("*.parquet")))


def _is_holding(lake: Path, process: subprocess.Popen[str]) -> bool:
    found = holder(lake / "lock")
    return found is not None and found.pid == process.pid
