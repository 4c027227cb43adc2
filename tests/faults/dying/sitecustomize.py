"""Loaded by every Python below a test of kills: a kernel dies at a chosen write.

`DMP_DIE_LOG` names a file for the kernel's writes, one a line; `DMP_DIE_AT` is the
number of the write at which kernel and runner are killed, `DMP_DIE_AFTER_S` the seconds
after it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from pathlib import Path

_WRITES = {"open", "os.rename", "os.link", "os.remove", "os.mkdir"}
_VARYING = re.compile(r"(?<=load-|pill-)[a-z0-9_]{8}(?!\w)|[0-9a-f]{6,}|\d+")
"""What differs in paths from run to run: names of temporary folders, ids, numbers."""


class Writes:
    """Counts writes below the workspace and the keys, and dies at one of them."""

    def __init__(self) -> None:
        self.roots = tuple(
            str(Path(os.environ[name]).resolve())
            for name in ("DMP_HOME", "DMP_KEY_DIR")
        )
        self.log = os.open(os.environ["DMP_DIE_LOG"], os.O_WRONLY | os.O_APPEND)
        self.at = int(os.environ.get("DMP_DIE_AT", "-1"))
        self.after_s = float(os.environ.get("DMP_DIE_AFTER_S", "0"))
        self.count = 0

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in _WRITES or not self._is_write(event, arguments):
            return
        self.count += 1
        shape = _VARYING.sub("#", str(arguments[0]))
        os.write(self.log, f"{event} {shape}\n".encode())
        if self.count == self.at and self.after_s:
            threading.Timer(self.after_s, die).start()
        elif self.count == self.at:
            die()

    def _is_write(self, event: str, arguments: tuple[object, ...]) -> bool:
        if not str(arguments[0]).startswith(self.roots):
            return False
        if event == "os.mkdir":
            return not Path(str(arguments[0])).is_dir()
        if event != "open":
            return True
        mode, flags = arguments[1], arguments[2]
        if isinstance(mode, str) and set(mode) & set("wax+"):
            return True
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def die() -> None:
    """End the runner and this kernel as a power cut would."""
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if "DMP_DIE_LOG" in os.environ and "ipykernel_launcher" in " ".join(sys.orig_argv):
    sys.addaudithook(Writes())
