"""Whether `dmp link` finds the same people however a file is written.

    python -m benchmarks.linkage.written_otherwise FOLDER ...

A FOLDER is one of `benchmarks.linkage`. Its records are linked as they are, then with
the rows shuffled and numbered anew, then with the columns renamed by nothing that says
what they hold, in another order. Printed are cluster F1, how far it is from the first,
and the records that stand in another cluster.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.linkage import ours
from benchmarks.linkage.people import Ints, People, read_people
from benchmarks.linkage.scores import pair_counts

_SEED = 5
_KEPT = ("record_id", "source", "true_id")


def shuffled(records: pa.Table) -> tuple[pa.Table, Ints]:
    """Return the records in another order under new ids, and where each was before."""
    order = np.random.default_rng(_SEED).permutation(len(records))
    ids = pa.array([f"x{number}" for number in range(len(records))])
    place = records.schema.get_field_index("record_id")
    return records.take(order).set_column(place, "record_id", ids), order


def renamed(records: pa.Table) -> pa.Table:
    """Return the records with columns that are called f0, f1, … in another order."""
    fields = [name for name in records.column_names if name not in _KEPT]
    random.Random(_SEED).shuffle(fields)
    kept = [name for name in records.column_names if name in _KEPT]
    names = [f"f{number}" for number in range(len(fields))]
    return records.select([*kept, *fields]).rename_columns([*kept, *names])


def main() -> None:
    """Read the command line and measure folder after folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args().folders:
        measure(read_people(folder))


def measure(people: People) -> None:
    """Print the lines of one folder."""
    print(f"\n{people.name}: {len(people.entity):,} records")
    first = _linked(people.records)
    base = _f1(people, first)
    print(f"  {'as it is':<22} F1 {base:.4f}")
    rows, order = shuffled(people.records)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = _linked(rows)
    for name, found in (
        ("shuffled, new ids", back),
        ("columns renamed", _linked(renamed(people.records))),
    ):
        f1 = _f1(people, found)
        moved = _moved(first, found)
        print(f"  {name:<22} F1 {f1:.4f}  {f1 - base:+.4f}  {moved:,} records moved")


def _linked(records: pa.Table) -> Ints:
    with tempfile.TemporaryDirectory() as folder:
        plain = ours.without_truth(records, Path(folder) / "records.parquet")
        found = ours.link(plain, Path(folder) / "clusters.parquet")
    return np.asarray(ours.clusters(found, records)).astype(np.int64)


def _f1(people: People, cluster: Ints) -> float:
    return pair_counts(cluster, people.entity).cluster_f1


def _moved(one: Ints, other: Ints) -> int:
    """Count the records whose cluster does not hold the same records in both."""
    _, both, size = np.unique(
        one * (int(other.max()) + 1) + other, return_inverse=True, return_counts=True
    )
    same = np.bincount(one)[one] == size[both]
    return int((~(same & (np.bincount(other)[other] == size[both]))).sum())


if __name__ == "__main__":
    main()
