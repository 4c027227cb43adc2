"""Precision and recall of a partition, by pairs and by records, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.core.sql import Query, sql
from dmp.storage.lake import Lake

Floats = npt.NDArray[np.float64]
RESAMPLES = 500
_CENTRE = (0.025, 0.975)


@dataclass(frozen=True)
class Measure:
    """A number with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return `value (low to high)`, three decimals.

        >>> str(Measure(0.98, 0.97, 0.99))
        '0.980 (0.970 to 0.990)'
        """
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Three:
    """Precision, recall and their harmonic mean; a side without anything scores 1."""

    precision: Measure
    recall: Measure
    f1: Measure


@dataclass(frozen=True)
class PartitionMeasures:
    """How right a partition is.

    Attributes:
        pairs: over pairs of records; large clusters weigh by their square.
        records: B-cubed, the mean over records: of a record's cluster the share that
            is its person (precision), of its person the share that is in its cluster
            (recall). It flatters where most people have one record.
        n_records: records judged; `n_entities` people among them.
    """

    pairs: Three
    records: Three
    n_records: int
    n_entities: int


def partition_measures(
    lake: Lake, labelled: Query, *, seed: int = 0
) -> PartitionMeasures:
    """Measure the partition of `labelled`: rows of `cluster`, `truth`, one a record.

    Nothing is made pair by pair: the sizes of the overlaps of clusters and people are
    enough. Intervals resample people.
    Source: Bagga & Baldwin 1998 (B-cubed); Hand & Christen 2018 (pairs).
    """
    found = lake.sql(sql(_BY_ENTITY, labelled=labelled)).fetchnumpy()
    rows = {name: np.asarray(values, float) for name, values in found.items()}
    n, share_p, share_r = rows["n"], rows["share_precision"], rows["share_recall"]
    by_pair = np.stack([rows["both"], rows["found"], rows["both"], rows["true"]])
    by_record = np.stack([share_p, n, share_r, n])
    return PartitionMeasures(
        three(by_pair, seed=seed),
        three(by_record, seed=seed),
        int(n.sum()),
        len(n),
    )


def three(parts: Floats, *, seed: int = 0) -> Three:
    """Return precision, recall and F1 of sums over groups, which are resampled.

    Args:
        parts: a column a group; rows: right of the found, found, right of the true,
            true.
    """
    drawn = _resampled(parts, seed)
    whole = parts.sum(axis=1)
    return Three(
        _measure(whole, drawn, lambda s: _share(s[0], s[1])),
        _measure(whole, drawn, lambda s: _share(s[2], s[3])),
        _measure(whole, drawn, _f1),
    )


def _resampled(parts: Floats, seed: int) -> Floats:
    """Return the sums of bootstrap samples of the groups: a column a sample."""
    groups = parts.shape[1]
    random = np.random.default_rng(seed)
    if not groups:
        return np.zeros((parts.shape[0], 1))
    picks = (random.integers(0, groups, groups) for _ in range(RESAMPLES))
    return np.stack([parts[:, pick].sum(axis=1) for pick in picks], axis=1)


def _measure(whole: Floats, drawn: Floats, of: Callable[[Floats], Floats]) -> Measure:
    low, high = np.quantile(of(drawn), _CENTRE)
    return Measure(float(of(whole[:, None])[0]), float(low), float(high))


def _share(part: Floats, of: Floats) -> Floats:
    return np.where(of > 0, part / np.maximum(of, 1e-12), 1.0)


def _f1(sums: Floats) -> Floats:
    precision, recall = _share(sums[0], sums[1]), _share(sums[2], sums[3])
    total = precision + recall
    return np.where(total > 0, 2 * precision * recall / np.maximum(total, 1e-12), 0.0)


_BY_ENTITY = """
with labelled as ({labelled}),
overlap as (select cluster, truth, count(*) as n from labelled group by all),
sized as (
    select truth, n, sum(n) over (partition by cluster) as size,
        sum(n) over (partition by truth) as people from overlap
)
select sum(n)::double as n,
    sum(n * n / size)::double as share_precision,
    sum(n * n / people)::double as share_recall,
    sum(n * (n - 1) / 2)::double as both,
    sum(n * (size - 1) / 2)::double as found,
    any_value(people * (people - 1) / 2)::double as "true"
from sized group by truth order by truth
"""
