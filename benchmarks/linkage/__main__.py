"""Measure `dmp link` beside Splink's documented recipe, on labelled people.

    python -m benchmarks.linkage FOLDER ... [--labels 0,50,200,1000] [--only splink]

A FOLDER holds records.parquet: `record_id`, `source`, `true_id` and fields. The truth
is used for the scores, for Splink's best threshold, and to answer the questions of
`dmp link --ask`: half the people may be asked about, the others judge. Printed are
pairwise precision, recall and F1 of the final clusters over all true pairs, with 95 %
intervals by entity; `gain at least` is the 2.5 % quantile of F1 less Splink's, at the
best threshold, over the same resamples.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.linkage import bare_splink, ours
from benchmarks.linkage.measure import measured
from benchmarks.linkage.people import Flags, People, read_people
from benchmarks.linkage.scores import PairCounts, interval, least_gain, pair_counts
from dmp.identity.signed_graph import components

USUAL_BITS = float(np.log2(0.95 / 0.05))
"""Match weight of the probability 0.95."""
_TRIED_BITS = np.arange(-10.0, 60.0, 0.5)


def main() -> None:
    """Read the command line and measure folder after folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--labels", default="0", help="numbers of labels, 0,50,…")
    parser.add_argument("--only", choices=("splink", "dmp"))
    given = parser.parse_args()
    labels = [int(n) for n in given.labels.split(",")]
    for folder in given.folders:
        measure(read_people(folder), labels, only=given.only)


def measure(people: People, labels: Sequence[int], *, only: str | None) -> None:
    """Print the lines of one folder."""
    n_people = len(np.unique(people.entity))
    print(f"\n{people.name}: {len(people.entity):,} records, {n_people:,} people")
    best = None if only == "dmp" else _splink(people)
    if only == "splink":
        return
    with tempfile.TemporaryDirectory() as folder:
        _ours(people, labels, best, Path(folder))


def _splink(people: People) -> PairCounts:
    scored, seconds, peak = measured(lambda: bare_splink.scored(people.path))
    usual = _joined(people, scored, USUAL_BITS)
    at = {float(bits): _joined(people, scored, bits) for bits in _TRIED_BITS}
    best = max(at, key=lambda bits: at[bits].cluster_f1)
    cost = f"{seconds:6.1f} s {peak:5.2f} GB  {len(scored.left):,} pairs"
    _line("Splink at .95", usual, cost)
    _line("Splink, best by truth", at[best], f"at {best:+.1f} bits")
    return at[best]


def _joined(
    people: People, scored: bare_splink.Scored, least_bits: float
) -> PairCounts:
    kept = scored.weight >= least_bits
    left, right = scored.left[kept], scored.right[kept]
    return pair_counts(components(scored.n_records, left, right), people.entity)


def _ours(
    people: People, labels: Sequence[int], best: PairCounts | None, home: Path
) -> None:
    plain = ours.without_truth(people.records, home / "records.parquet")
    everyone = np.ones(int(people.entity.max()) + 1, dtype=np.bool_)
    if 0 in labels:
        _linked("dmp link", people, plain, (), everyone, best)
    wanted = [n for n in labels if n]
    if not wanted:
        return
    asked_of = people.records.filter(pa.array(~people.judging[people.entity]))
    for n, file in ours.answered(asked_of, wanted, home).items():
        more = ("--labels", str(file))
        _linked(f"dmp link, {n} labels", people, plain, more, people.judging, best)


def _linked(
    name: str,
    people: People,
    plain: Path,
    more: Sequence[str],
    judging: Flags,
    best: PairCounts | None,
) -> None:
    out = plain.with_name("clusters.parquet")
    linked, seconds, peak = measured(lambda: ours.link(plain, out, *more))
    cluster = ours.clusters(linked, people.records).to_numpy().astype(np.int64)
    counts = pair_counts(cluster, people.entity).of(judging)
    cost = f"{seconds:6.1f} s {peak:5.2f} GB"
    if best:
        cost += f"  gain at least {least_gain(counts, best.of(judging)):+.4f}"
    _line(name, counts, cost)


def _line(name: str, counts: PairCounts, more: str) -> None:
    low, high = interval(counts)
    print(
        f"  {name:<22} precision {counts.precision:.4f}  recall {counts.recall:.4f}  "
        f"F1 {counts.cluster_f1:.4f} [{low:.4f}, {high:.4f}]  {more}",
        flush=True,
    )


if __name__ == "__main__":
    main()
