"""Time `dmp link` beside Splink's documented recipe on the same generated people.

    python -m benchmarks.linkage_speed [--rows 100000,1000000] [--only splink|dmp]

People live in households and are met in four sources; Splink reads a file with
ISO dates and no accents, and is given the truth's best threshold beside its usual .95.
Each side runs in a process of its own, from reading the records to writing the
clusters. Printed are seconds, those of all cores (on a machine that others use they
say more), the greatest resident memory, cluster F1 over all true pairs with its 95 %
interval by person, and at last how the times compare.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.linkage import ours
from benchmarks.linkage.scores import PairCounts, interval, pair_counts
from benchmarks.linkage_speed.people import write_people
from dmp.identity.signed_graph import Ints, components

SIDES = ("splink", "dmp")
_TRIED_BITS = range(-5, 45, 2)


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds, those of all cores, greatest resident memory in GB."""

    seconds: float
    cpu_s: float
    peak_gb: float


def main() -> None:
    """Read the command line and measure size after size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="1_000_000", help="sizes, 100_000,1_000_000")
    parser.add_argument("--only", choices=SIDES)
    given = parser.parse_args()
    for size in given.rows.split(","):
        compare(int(size), (given.only,) if given.only else SIDES)


def compare(n_rows: int, sides: Sequence[str]) -> None:
    """Print the lines of one size."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_people(n_rows, home / "records.parquet")
        table = pq.read_table(home / "records.parquet")
        records = ours.without_truth(table, home / "plain.parquet")
        table = table.select(["record_id", "true_id"])
        print(f"\n{table.num_rows:,} records")
        costs = {side: _run(side, records, home / f"{side}.parquet") for side in sides}
        for side in sides:
            _print_scores(side, costs[side], table, home)
        if len(costs) == len(SIDES):
            mine, theirs = costs["dmp"], costs["splink"]
            print(
                f"  dmp link took {mine.seconds / theirs.seconds:.2f} x the time of "
                f"Splink's recipe, {mine.cpu_s / theirs.cpu_s:.2f} x that of its cores"
            )


def _run(side: str, records: Path, out: Path) -> Cost:
    command = [sys.executable, "-m", "benchmarks.linkage_speed.side", side]
    begun = time.perf_counter()
    child = subprocess.Popen([*command, str(records), str(out)])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{side} ended with {child.returncode}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - begun, cpu_s, usage.ru_maxrss / 1e6)


def _print_scores(side: str, cost: Cost, table: pa.Table, home: Path) -> None:
    truth = table.column("true_id").combine_chunks().dictionary_encode().indices
    entity = truth.to_numpy().astype(np.int64)
    linked = pq.read_table(home / f"{side}.parquet")
    cluster = ours.clusters(linked, table).to_numpy().astype(np.int64)
    name = "Splink at .95" if side == "splink" else "dmp link"
    took = f"{cost.seconds:7.1f} s  {cost.cpu_s:7.1f} cpu s  {cost.peak_gb:5.2f} GB"
    _line(name, pair_counts(cluster, entity), took)
    if side == "splink":
        _line("Splink, best by truth", *_best(home / "pairs.parquet", entity))


def _best(pairs: Path, entity: Ints) -> tuple[PairCounts, str]:
    table = pq.read_table(pairs)
    left, right, bits = (table.column(name).to_numpy() for name in "lrw")
    found = {
        least: pair_counts(
            components(len(entity), left[bits >= least], right[bits >= least]), entity
        )
        for least in _TRIED_BITS
    }
    best = max(found, key=lambda least: found[least].cluster_f1)
    return found[best], f"at {best:+} bits of {len(left):,} pairs"


def _line(name: str, counts: PairCounts, more: str) -> None:
    low, high = interval(counts)
    print(
        f"  {name:<22} F1 {counts.cluster_f1:.4f} [{low:.4f}, {high:.4f}]  {more}",
        flush=True,
    )


if __name__ == "__main__":
    main()
