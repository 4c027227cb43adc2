"""Seconds and greatest memory of a piece of work within this process."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


def measured(work: Callable[[], Result]) -> tuple[Result, float, float]:
    """Return what the work returned, its seconds, and the GB it held at most.

    Where Linux lets the high-water mark be reset the memory is this work's alone, with
    what the process held before; elsewhere it is the greatest since the start.
    """
    _reset_high_water()
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun, _high_water_gb()


def _reset_high_water() -> None:
    control = Path("/proc/self/clear_refs")
    if control.exists():
        control.write_text("5")


def _high_water_gb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
