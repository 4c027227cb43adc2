"""Let writers, readers, an idle reader and a half-read result work on one lake.

    python -m benchmarks.concurrency [--seconds 60] [--writers 4] [--readers 4]

Prints what each did. Ends with 1 where an operation failed, or a row was lost or
doubled; how long a commit waits is shown, for it depends on the machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.concurrency.workload import (
    ROWS,
    WRITTEN,
    Report,
    half_read,
    idle,
    lay_out,
    read_things,
    write_things,
)
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Outcome:
    """Reports by process, and what the lake holds at the end, as `WRITTEN` tells it."""

    writers: dict[int, Report]
    others: dict[str, Report]
    written: dict[int, tuple[int, int, int]]

    @property
    def faults(self) -> list[str]:
        """What may never be: failed operations, idle processes, lost or double rows."""
        reports = {f"writer {n}": r for n, r in self.writers.items()} | self.others
        failed = [f"{name}: {f}" for name, r in reports.items() for f in r.failures]
        idle_ones = [
            f"{name}: did nothing" for name, r in reports.items() if not r.operations
        ]
        wrong = [
            f"writer {n}: {r.operations} commits acknowledged, in the lake are "
            f"(commits, rows, distinct rows) {self.written.get(n)}"
            for n, r in self.writers.items()
            if self.written.get(n, (0, 0, 0)) != _expected(r)
        ]
        return [*failed, *idle_ones, *wrong]

    @property
    def fairness(self) -> float:
        """Jain's index over the commits of the writers: 1 is equal, 1/n all to one."""
        commits = np.array([report.operations for report in self.writers.values()])
        return float(commits.sum() ** 2 / (len(commits) * (commits**2).sum()))


def _expected(report: Report) -> tuple[int, int, int]:
    rows = report.operations * ROWS
    return report.operations, rows, rows


def run(root: Path, *, seconds: float, writers: int, readers: int) -> Outcome:
    """Let all work on a new lake in `root` for some seconds."""
    lay_out(root)
    context, processes = get_context("spawn"), writers + readers + 2
    ready = context.Barrier(processes)
    with ProcessPoolExecutor(
        processes, mp_context=context, initializer=ready.wait
    ) as pool:
        writing = {
            n: pool.submit(write_things, root, n, seconds) for n in range(writers)
        }
        others: dict[str, Future[Report]] = {
            f"reader {n}": pool.submit(read_things, root, seconds)
            for n in range(readers)
        }
        others["open transaction"] = pool.submit(idle, root, seconds)
        others["half-read result"] = pool.submit(half_read, root, seconds)
        reports = {n: future.result() for n, future in writing.items()}
        rest = {name: future.result() for name, future in others.items()}
    with Lake(root, read_only=True) as lake:
        written = {writer: tuple(counts) for writer, *counts in lake.rows(WRITTEN)}
    return Outcome(reports, rest, written)


def show(outcome: Outcome) -> None:
    """Print a line a process."""
    print(f"{'process':18}{'done':>7}{'failed':>8}{'rows':>9}{'found':>9}", end="")
    print(f"{'wait p50':>10}{'p99':>8}{'max':>8}{'held p50':>10}  (ms)")
    for number, report in outcome.writers.items():
        rows, found = report.operations * ROWS, outcome.written.get(number, (0, 0))[1]
        waits, held = 1000 * np.array(report.waits_s), 1000 * np.array(report.holds_s)
        print(
            f"writer {number:<11}{report.operations:7}{len(report.failures):8}"
            f"{rows:9,}{found:9,}{np.median(waits):10.0f}"
            f"{np.percentile(waits, 99):8.0f}{waits.max():8.0f}{np.median(held):10.0f}"
        )
    for name, report in outcome.others.items():
        print(f"{name:18}{report.operations:7}{len(report.failures):8}")
    print(f"fairness among writers (Jain's index): {outcome.fairness:.4f}")
    for fault in outcome.faults:
        print(f"FAULT {fault}")


def main() -> int:
    """Parse, run, print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.concurrency")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(
            Path(folder) / "lake",
            seconds=chosen.seconds,
            writers=chosen.writers,
            readers=chosen.readers,
        )
    show(outcome)
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
