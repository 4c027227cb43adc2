"""How far reviewers agree beyond chance: Cohen's kappa, with what it was counted of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from dmp.core.sql import sql
from dmp.identity.labels import IN_FORCE, VERDICTS
from dmp.storage.lake import Lake

Counts = npt.NDArray[np.int64]
_RESAMPLES = 1000


@dataclass(frozen=True)
class Agreement:
    """Two reviewers on the pairs that both judged.

    Attributes:
        pairs: how many both judged; `agreed` of them alike.
        kappa: 1 for full agreement, 0 for what chance gives; None where chance alone
            would give full agreement, as when both said one thing throughout.
        interval: 95 % bootstrap interval of kappa over the pairs; None without kappa.
        counts: by the first one's verdict the second one's, in the order of `VERDICTS`.
    """

    one: str
    other: str
    pairs: int
    agreed: int
    kappa: float | None
    interval: tuple[float, float] | None
    counts: tuple[tuple[int, ...], ...]


def agreements(lake: Lake) -> list[Agreement]:
    """Return the agreement of each two reviewers with pairs in common, most first."""
    rows = lake.rows(sql(_BOTH, in_force=IN_FORCE))
    found = [
        agreement(one, other, _table(group))
        for (one, other), group in groupby(rows, key=lambda row: (row[0], row[1]))
    ]
    return sorted(found, key=lambda each: -each.pairs)


def agreement(one: str, other: str, counts: Counts, *, seed: int = 0) -> Agreement:
    """Return the agreement that a square table of counts holds.

    Source: Cohen 1960, "A coefficient of agreement for nominal scales".
    """
    pairs, agreed = int(counts.sum()), int(np.trace(counts))
    (kappa,) = _kappas(counts[None])
    return Agreement(
        one,
        other,
        pairs,
        agreed,
        None if np.isnan(kappa) else float(kappa),
        None if np.isnan(kappa) else _interval(counts, seed),
        tuple(tuple(int(n) for n in row) for row in counts),
    )


def _table(rows: Iterator[tuple[str, str, str, str, int]]) -> Counts:
    counts = np.zeros((len(VERDICTS), len(VERDICTS)), dtype=np.int64)
    place = {verdict: number for number, verdict in enumerate(VERDICTS)}
    for _, _, left, right, n in rows:
        counts[place[left], place[right]] = n  # type: ignore[index]
    return counts


def _kappas(counts: Counts) -> npt.NDArray[np.float64]:
    """Return kappa of each table; nan where chance alone gives full agreement."""
    total = counts.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = np.trace(counts, axis1=1, axis2=2) / total
        chance = (counts.sum(axis=1) * counts.sum(axis=2)).sum(axis=1) / total**2
        return np.asarray((observed - chance) / (1 - chance))


def _interval(counts: Counts, seed: int) -> tuple[float, float]:
    total = int(counts.sum())
    random = np.random.default_rng(seed)
    drawn = random.multinomial(total, counts.ravel() / total, size=_RESAMPLES)
    low, high = np.nanquantile(
        _kappas(drawn.reshape(-1, *counts.shape)), [0.025, 0.975]
    )
    return float(low), float(high)


_BOTH = """
with label as ({in_force})
select a.reviewer, b.reviewer, a.verdict, b.verdict, count(*) as n
from label as a join label as b using (subject_id_l, subject_id_r)
where a.reviewer < b.reviewer
group by all order by all
"""
