"""Propensity: who will do something in the next days, learned from who did.

The model trains on what was known at an instant in the past and on what was done in
the days after it; both ended before the instant for which people are scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dmp.segments.science.lifetime import Interval
from dmp.segments.science.matrix import KEY, Floats
from dmp.segments.science.scoring import Flags, Scored, area, learn, score

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Propensity:
    """People with the probability that they do it in the days after the instant.

    Attributes:
        profile_ids, scores: the likeliest first.
        judged: area under the ROC curve, of a model one window older on people of the
            window after it: what to expect of this one.
        promised, found: how many that older model expected to do it, and how many did.
        scored: the model, with its drivers.
    """

    profile_ids: tuple[str, ...]
    scores: Floats
    judged: Interval
    promised: float
    found: int
    scored: Scored


@dataclass(frozen=True)
class Window:
    """What was known of people at an instant, and who did it in the days after."""

    rows: pd.DataFrame
    did: Flags


def propensity(
    older: Window, newer: Window, now: pd.DataFrame, *, seed: int = 0
) -> Propensity:
    """Return who will do it; judged on the newer window, then trained on it.

    Args:
        older: the window before `newer`; its model is judged on `newer`.
        newer: the last window that has ended.
        now: features of the instant to score for, with the same columns.
        seed: decides the folds.

    Raises:
        UsageError: a window has fewer than twenty people who did it, or who did not.
    """
    matrix, model = learn(older.rows, older.did, seed=seed)
    past = np.asarray(model.predict_proba(matrix.of(newer.rows))[:, 1], np.float64)
    scored = score(newer.rows, newer.did, seed=seed)
    found = scored.scores_of(now)
    ids = now[KEY].to_numpy(str)
    order = np.lexsort((ids, -found))
    return Propensity(
        profile_ids=tuple(ids[order].tolist()),
        scores=found[order],
        judged=area(past, newer.did, seed=seed),
        promised=float(past.sum()),
        found=int(newer.did.sum()),
        scored=scored,
    )
