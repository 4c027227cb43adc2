"""Lookalikes: the people outside a seed who are most like those in it.

The score of a person is the probability, by what is known of them, that somebody like
that is in the seed. Everybody is scored by a model that never saw them, so the seed's
own people show what the score is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dmp.core.errors import UsageError
from dmp.segments.science.matrix import KEY, Floats
from dmp.segments.science.scoring import Flags, Scored, score

if TYPE_CHECKING:
    import pandas as pd

POINTS = 20


@dataclass(frozen=True)
class Point:
    """One reach of the curve: so many people, so alike.

    Attributes:
        reach: people outside the seed whose score is at least `similarity`.
        similarity: the lowest score among them.
        mean_score: their mean score: that share of them would be expected in the seed.
        seed_found: share of the seed's people, unseen by the model, who score so high.
        lift: how many times likelier than anybody a person who scores so high is to be
            in the seed.
    """

    reach: int
    similarity: float
    mean_score: float
    seed_found: float
    lift: float


@dataclass(frozen=True)
class Lookalikes:
    """Everybody outside the seed by likeness, and what the model is worth.

    Attributes:
        profile_ids, scores: people outside the seed, the likest first.
        seed: people in the seed.
        left_out: features that would give the seed away, with the reason.
        curve: reach against similarity, the smallest reach first.
    """

    profile_ids: tuple[str, ...]
    scores: Floats
    seed: int
    left_out: Mapping[str, str]
    curve: tuple[Point, ...]
    scored: Scored

    def reach(self, people: int) -> tuple[str, ...]:
        """Return the likest people.

        Raises:
            UsageError: fewer than one, or more than there are.
        """
        if not 1 <= people <= len(self.profile_ids):
            raise UsageError(
                f"reach: {people} is not in [1, {len(self.profile_ids)}], the people "
                "outside the seed"
            )
        return self.profile_ids[:people]


def lookalikes(
    rows: pd.DataFrame, positive: Flags, left_out: Mapping[str, str], *, seed: int = 0
) -> Lookalikes:
    """Rank the people outside the seed; raises as `score`.

    Args:
        rows: features with profile_id, one row a person who may be used for it.
        positive: whether the person is in the seed.
        left_out: features not to be read, with the reason.
        seed: decides the folds.
    """
    scored = score(rows, positive, without=tuple(left_out), seed=seed)
    ids = rows[KEY].to_numpy(str)
    outside = np.flatnonzero(~positive)
    order = outside[np.lexsort((ids[outside], -scored.score[outside]))]
    return Lookalikes(
        profile_ids=tuple(ids[order].tolist()),
        scores=scored.score[order],
        seed=int(positive.sum()),
        left_out=left_out,
        curve=_curve(scored.score, positive, order),
        scored=scored,
    )


def _curve(found: Floats, positive: Flags, order: np.ndarray) -> tuple[Point, ...]:
    base = float(positive.mean())
    sizes = np.unique(np.linspace(1, len(order), POINTS + 1).astype(int)[1:])
    points = []
    for size in sizes.tolist():
        similarity = float(found[order[size - 1]])
        high = found >= similarity
        points.append(
            Point(
                reach=size,
                similarity=similarity,
                mean_score=float(found[order[:size]].mean()),
                seed_found=float(high[positive].mean()),
                lift=float(positive[high].mean() / base),
            )
        )
    return tuple(points)
