"""A calibrated score in [0, 1] from features, and how it does on people held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dmp.core.errors import UsageError
from dmp.segments.science.lifetime import Interval
from dmp.segments.science.matrix import Floats, Matrix

if TYPE_CHECKING:
    import pandas as pd

Flags: TypeAlias = NDArray[np.bool_]
FOLDS, BINS, DRAWS = 5, 10, 200
LEAST_EACH = 20


@dataclass(frozen=True)
class Bin:
    """People of like scores: what was promised and what was found."""

    people: int
    promised: float
    found: float


@dataclass(frozen=True)
class Scored:
    """Scores of people, each by a model that never saw that person.

    Attributes:
        score: the probability that the person is one of the positives.
        area: area under the ROC curve: 0.5 says nothing, 1 tells all apart.
        calibration_error: mean distance of promised and found, weighted by people.
        bins: tenths of the people by score, the lowest first.
        drivers: columns and their weights in log-odds from the lowest to the highest
            value, the strongest first.
        matrix, model: what scores further people.
    """

    score: Floats
    area: Interval
    calibration_error: float
    bins: tuple[Bin, ...]
    drivers: tuple[tuple[str, float], ...]
    matrix: Matrix
    model: Any

    def scores_of(self, rows: pd.DataFrame) -> Floats:
        """Return the scores of other people, by the model of everybody."""
        found = self.model.predict_proba(self.matrix.of(rows))[:, 1]
        return np.asarray(found, np.float64)


def score(
    rows: pd.DataFrame, positive: Flags, *, without: Sequence[str] = (), seed: int = 0
) -> Scored:
    """Learn who is positive and score everybody out of fold.

    Logistic regression on ranks, its strength chosen within the training folds. Its
    probabilities are calibrated by what they are fitted to; the bins say how well.

    Args:
        rows: features, one row a person.
        positive: for each row whether the person is one of those looked for.
        without: features that are left out.
        seed: decides the folds.

    Raises:
        UsageError: fewer than twenty people on one side, or no feature is left.
    """
    from sklearn.model_selection import StratifiedKFold

    matrix, model = learn(rows, positive, without=without, seed=seed)
    told = matrix.of(rows)
    out = np.zeros(len(rows))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(told, positive):
        held = _fitted(told[train], positive[train], seed)
        out[test] = held.predict_proba(told[test])[:, 1]
    bins = _bins(out, positive)
    gaps = [abs(one.promised - one.found) * one.people for one in bins]
    return Scored(
        score=out,
        area=area(out, positive, seed=seed),
        calibration_error=sum(gaps) / len(rows),
        bins=bins,
        drivers=_drivers(matrix, model),
        matrix=matrix,
        model=model,
    )


def learn(
    rows: pd.DataFrame, positive: Flags, *, without: Sequence[str] = (), seed: int = 0
) -> tuple[Matrix, Any]:
    """Return the matrix and the model of everybody; raises as `score`."""
    check_sides(positive)
    matrix = Matrix.made_from(rows, without=without)
    if not matrix.columns:
        raise UsageError("no feature is left to learn from")
    return matrix, _fitted(matrix.of(rows), positive, seed)


def area(found: Floats, positive: Flags, *, seed: int = 0) -> Interval:
    """Return the area under the ROC curve with its interval, by the bootstrap."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        some = rng.integers(0, len(found), len(found))
        if 0 < positive[some].sum() < len(some):
            drawn.append(_area(found[some], positive[some]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(_area(found, positive), float(low), float(high))


def single_areas(rows: pd.DataFrame, positive: Flags) -> dict[str, float]:
    """Return how well each feature alone tells the positives apart, in [0.5, 1].

    Of a feature with several columns the best one counts.
    """
    matrix = Matrix.made_from(rows)
    told = matrix.of(rows)
    found: dict[str, float] = {}
    for place, column in enumerate(matrix.columns):
        one = _area(told[:, place], positive)
        found[column.feature] = max(found.get(column.feature, 0.5), one, 1 - one)
    return found


def check_sides(positive: Flags) -> None:
    """Go on only with enough people on both sides.

    Raises:
        UsageError: fewer than twenty on one.
    """
    inside, outside = int(positive.sum()), int((~positive).sum())
    if min(inside, outside) < LEAST_EACH:
        raise UsageError(
            f"a model needs {LEAST_EACH} people of each kind; there are {inside} of "
            f"those looked for and {outside} others; give another segment, an as_of at "
            "which it has people, or a purpose that more of them consent to"
        )


def _fitted(told: Floats, positive: Flags, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from threadpoolctl import threadpool_limits

    search = GridSearchCV(
        LogisticRegression(max_iter=1000, tol=1e-3),
        {"C": [0.003, 0.03, 0.3, 3.0]},
        scoring="neg_log_loss",
        cv=StratifiedKFold(3, shuffle=True, random_state=seed),
    )
    with threadpool_limits(1):  # so small a problem is slower on several threads
        return search.fit(told, positive).best_estimator_


def _area(found: Floats, positive: Flags) -> float:
    """Return the Mann-Whitney statistic over its largest value; ties count half."""
    from scipy.stats import rankdata

    inside = int(positive.sum())
    ranks = rankdata(found)[positive].sum() - inside * (inside + 1) / 2
    return float(ranks / (inside * (len(found) - inside)))


def _bins(found: Floats, positive: Flags) -> tuple[Bin, ...]:
    order = np.argsort(found, kind="stable")
    return tuple(
        Bin(len(part), float(found[part].mean()), float(positive[part].mean()))
        for part in np.array_split(order, BINS)
        if len(part)
    )


def _drivers(matrix: Matrix, model: Any) -> tuple[tuple[str, float], ...]:
    weights = model.coef_[0].tolist()
    pairs = zip(matrix.names, weights, strict=True)
    return tuple(sorted(pairs, key=lambda pair: (-abs(pair[1]), pair[0])))
