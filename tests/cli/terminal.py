"""A command in a terminal of its own, where Ctrl-C can be typed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

DMP = Path(sys.executable).parent / "dmp"
WAIT_S = 120.0
CTRL_C = b"\x03"


class Terminal:
    """A command that runs in a pseudo-terminal, and what it has shown so far."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process, self._master = process, master
        self._shown = b""

    @property
    def shown(self) -> str:
        return self._shown.decode(errors="replace")

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def below(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def until(self, condition: Callable[[], object]) -> None:
        """Read what is shown until something holds."""
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, self.shown
            assert self._read() or condition(), f"it ended first:\n{self.shown}"

    def wait(self) -> int:
        """Read all that is shown until the command ends; return its exit code."""
        end = time.monotonic() + WAIT_S
        while self._read():
            assert time.monotonic() < end, self.shown
        return self.process.wait(WAIT_S)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 0.02)[0]:
            return True
        try:
            part = os.read(self._master, 1 << 16)
        except OSError:  # the other side is closed: nothing runs there any more
            return False
        self._shown += part
        return bool(part)


@contextmanager
def terminal(*arguments: str, cwd: Path | None = None) -> Iterator[Terminal]:
    """Start `dmp` with the arguments in a terminal; killed where it still runs."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(DMP), *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
