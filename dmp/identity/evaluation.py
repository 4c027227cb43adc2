"""How good a partition is, measured against known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake

_RESAMPLES = 200


@dataclass(frozen=True)
class Scores:
    """Pairwise scores of a partition over all true pairs.

    `interval` is the 95 % bootstrap interval of F1, resampling true entities. A side
    without any pair scores 1.
    """

    precision: float
    recall: float
    f1: float
    interval: tuple[float, float]
    true_pairs: int
    found_pairs: int


def pairwise_scores(lake: Lake, labelled: Query, *, seed: int = 0) -> Scores:
    """Score the partition of `labelled`: rows of `cluster`, `truth`, one a record.

    Pairs are counted from the sizes of the overlaps of clusters with entities, never
    made. A found pair counts for the entity of its first record, half a pair for each
    side where the two differ.
    Source: Hand & Christen 2018 on pairwise measures; specification of the metric in
    docs/adr/0004-clustering.md.
    """
    rows = lake.sql(sql(_BY_ENTITY, labelled=labelled)).fetchnumpy()
    both = np.asarray(rows["both"], dtype=np.float64)
    true = np.asarray(rows["true_pairs"], dtype=np.float64)
    found = np.asarray(rows["found_pairs"], dtype=np.float64)
    precision, recall, f1 = _scores(
        float(both.sum()), float(true.sum()), float(found.sum())
    )
    return Scores(
        precision,
        recall,
        f1,
        _interval(both, true, found, seed),
        round(true.sum()),
        round(found.sum()),
    )


_BY_ENTITY = """
with labelled as ({labelled}),
overlap as (select cluster, truth, count(*) as n from labelled group by all),
sized as (select *, sum(n) over (partition by cluster) as size from overlap)
select sum(n * (n - 1) / 2) as both, sum(n) * (sum(n) - 1) / 2 as true_pairs,
    sum(n * (size - 1) / 2) as found_pairs
from sized group by truth order by truth
"""


def _scores(both: float, true: float, found: float) -> tuple[float, float, float]:
    precision = both / found if found else 1.0
    recall = both / true if true else 1.0
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def _interval(
    both: npt.NDArray[np.float64],
    true: npt.NDArray[np.float64],
    found: npt.NDArray[np.float64],
    seed: int,
) -> tuple[float, float]:
    if not len(both):
        return (1.0, 1.0)
    random = np.random.default_rng(seed)
    values = []
    for _ in range(_RESAMPLES):
        pick = random.integers(0, len(both), len(both))
        values.append(_scores(both[pick].sum(), true[pick].sum(), found[pick].sum())[2])
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
