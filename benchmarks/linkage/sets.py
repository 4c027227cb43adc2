"""Make labelled people of very different kinds.

    python -m benchmarks.linkage.sets OUT [NAME ...]

Each kind becomes OUT/NAME/records.parquet: `record_id`, `source`, `true_id` and text
fields, in shuffled order. The same seed gives the same rows. No
real person is in any of them.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.linkage.kinds import KINDS, SEED
from benchmarks.linkage.unseen import UNSEEN

_ALL = {**KINDS, **UNSEEN}


def table(name: str) -> pa.Table:
    """Return one kind's records, shuffled and numbered."""
    dice = random.Random(f"{SEED} {name}")
    rows = [{**row, "true_id": str(row["true_id"])} for row in _ALL[name](dice)]
    dice.shuffle(rows)
    numbered = [{"record_id": f"r{n}", **row} for n, row in enumerate(rows)]
    columns = {key: [row[key] or None for row in numbered] for key in numbered[0]}
    return pa.table(columns)


def main(out: Path, names: list[str]) -> None:
    """Write the kinds, all of them if none is named, and print their sizes."""
    for name in names or _ALL:
        made = table(name)
        (out / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(made, out / name / "records.parquet")
        people = len(made.column("true_id").unique())
        print(f"{name:16} {made.num_rows:7,} records {people:6,} people")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
