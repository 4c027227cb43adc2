"""`dmp link` as a person runs it, with labels answered from the truth."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dmp.cli.main import cli

ROUNDS = (50, 100, 200, 400, 700, 1000)
"""Labels after each round of questions; a person would not ask one at a time."""


def link(records: Path, out: Path, *more: str) -> pa.Table:
    """Run the command and return `record_id`, `cluster_id`, `confidence`."""
    args = ["link", str(records), "--id", "record_id", "--source", "source"]
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main([*args, "--out", str(out), *more], standalone_mode=False)
    return pq.read_table(out)


def without_truth(records: pa.Table, path: Path) -> Path:
    """Write the records without their truth; return where."""
    pq.write_table(records.drop_columns("true_id"), path)
    return path


def answered(records: pa.Table, wanted: Sequence[int], home: Path) -> dict[int, Path]:
    """Ask and answer in rounds; return the file of labels for each number wanted.

    Args:
        records: people who may be asked about, with their truth.
        wanted: numbers of labels.
        home: a folder for the files.
    """
    asked_of = without_truth(records, home / "asked-of.parquet")
    ids, truths = (
        records.column(name).to_pylist() for name in ("record_id", "true_id")
    )
    truth = dict(zip(ids, truths, strict=True))
    labels: list[dict[str, str]] = []
    files: dict[int, Path] = {}
    for n in sorted({*wanted, *(n for n in ROUNDS if n <= max(wanted))}):
        known = _written(labels, home / f"labels-{len(labels)}.csv")
        labels += _asked(asked_of, known, n - len(labels), home, truth)
        files[n] = _written(labels, home / f"labels-{n}.csv")
    return {n: files[n] for n in wanted}


def _asked(
    records: Path, labels: Path, n: int, home: Path, truth: dict[str, str]
) -> list[dict[str, str]]:
    """Have `n` pairs chosen, and answer them."""
    pairs = home / "pairs.csv"
    more = ["--labels", str(labels)] if labels.stat().st_size else []
    link(
        records, home / "asking.parquet", "--ask", str(n), "--pairs", str(pairs), *more
    )
    with pairs.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        same = truth[row["record_id_l"]] == truth[row["record_id_r"]]
        row["match"] = str(int(same))
    return rows


def _written(labels: Sequence[dict[str, str]], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        if labels:
            writer = csv.DictWriter(file, fieldnames=list(labels[0]))
            writer.writeheader()
            writer.writerows(labels)
    return path


def clusters(linked: pa.Table, records: pa.Table) -> pa.Array:
    """Return each record's cluster as a number from 0, in the order of `records`."""
    place = pc.index_in(records.column("record_id"), linked.column("record_id"))
    names = linked.column("cluster_id").take(place)
    return names.combine_chunks().dictionary_encode().indices
