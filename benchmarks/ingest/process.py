"""A command run to its end, with what it took: time, processor time, memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_S = 0.02


@dataclass(frozen=True)
class Run:
    """What a command printed and took.

    Attributes:
        cpu_s: seconds of processor time, of all its threads and children.
        peak_bytes: the most resident memory of its process tree at one sample.
    """

    output: str
    took_s: float
    cpu_s: float
    peak_bytes: int


def run(command: Sequence[str], environ: Mapping[str, str] = os.environ) -> Run:
    """Run a command, looking at its memory fifty times a second.

    Raises:
        CalledProcessError: it failed.
    """
    before, begun = os.times(), time.monotonic()
    peak = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=dict(environ)
    ) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_resident_bytes, _tree(process.pid))))
            time.sleep(_EVERY_S)
        output = process.stdout.read() if process.stdout else ""
    took_s, after = time.monotonic() - begun, os.times()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    cpu_s = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return Run(output, took_s, cpu_s, peak)


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and those that it started, as far as they still are there."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = children.read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in below:
            yield from _tree(int(child))


def _resident_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
