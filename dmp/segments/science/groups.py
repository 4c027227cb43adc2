"""Groups that people fall into by themselves, each told in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dmp.core.errors import UsageError
from dmp.segments.science.matrix import KEY, Column, Floats, Matrix

if TYPE_CHECKING:
    import pandas as pd

Labels: TypeAlias = NDArray[np.int64]
CHOICES = tuple(range(3, 9))
LEAST_PEOPLE, LEAST_SHARE = 60, 0.03
MOST_WORDS, REDUNDANT = 4, 0.8
STABILITY_DRAWS, SILHOUETTE_PEOPLE = 5, 2_000
_NOTABLE = 0.15
_PRESENT = {
    "days_since_event": "were seen",
    "order_mean": "have bought",
    "days_since_order": "have bought",
    "order_gap_days": "have bought more than once",
}


@dataclass(frozen=True)
class Trait:
    """One thing that sets a group apart.

    Attributes:
        column: what it is of, such as `order_count` or `tier = gold`.
        inside, outside: the median, or the share, in the group and in all others.
        difference: of the mean ranks, in [-1, 1]; the larger, the more it tells.
        words: the same for people.
    """

    column: str
    inside: float
    outside: float
    difference: float
    words: str


@dataclass(frozen=True)
class Group:
    """People who are alike.

    Attributes:
        name: letters, the largest group first.
        traits: what sets it apart, the most telling first; at most four.
    """

    name: str
    profile_ids: tuple[str, ...]
    share: float
    traits: tuple[Trait, ...]

    @property
    def words(self) -> str:
        """What sets the group apart, in one sentence."""
        said = "; ".join(trait.words for trait in self.traits)
        return said or "nothing sets these people apart from the others"


@dataclass(frozen=True)
class Groups:
    """All groups, with how clear and how stable they are.

    Attributes:
        silhouette: how much nearer people are to their own group than to the next, in
            [-1, 1]; below about 0.1 there are no groups worth the name.
        stability: how alike the grouping of resampled people is (adjusted Rand index);
            1 is the same each time, 0 is chance.
        by_count: silhouette for each number of groups tried.
    """

    groups: tuple[Group, ...]
    silhouette: float
    stability: float
    by_count: tuple[tuple[int, float], ...]


def discover(
    rows: pd.DataFrame,
    *,
    count: int | None = None,
    without: Sequence[str] = (),
    seed: int = 0,
) -> Groups:
    """Return the groups that people fall into.

    K-means over ranks; without a `count` the number of groups is the one, from 3 to
    8, of the best silhouette in which none is smaller than 3 per cent.

    Args:
        rows: features with profile_id, one row a person.
        count: how many groups; from 2 to 20.
        without: features that are left out.
        seed: decides where the search begins.

    Raises:
        UsageError: fewer than sixty people, or a count that cannot be.
    """
    if len(rows) < LEAST_PEOPLE:
        raise UsageError(f"groups need {LEAST_PEOPLE} people; there are {len(rows)}")
    if count is not None and not 2 <= count <= 20:
        raise UsageError(f"count: {count} is not in [2, 20]")
    matrix = Matrix.made_from(rows, without=without)
    if not matrix.columns:
        raise UsageError("no feature is left that tells people apart")
    told = _spread(matrix, matrix.of(rows))
    tried = {n: _labels(told, n, seed) for n in ([count] if count else CHOICES)}
    by_count = tuple((n, _silhouette(told, tried[n], seed)) for n in tried)
    best = _best(tried, by_count)
    labels = tried[best]
    return Groups(
        groups=_groups(rows, matrix, labels),
        silhouette=dict(by_count)[best],
        stability=_stability(told, labels, best, seed),
        by_count=by_count,
    )


def _spread(matrix: Matrix, told: Floats) -> Floats:
    """Let every feature weigh the same, however many columns it is made of."""
    features = [column.feature for column in matrix.columns]
    weights = np.array([1 / features.count(name) for name in features])
    return np.asarray((told - told.mean(axis=0)) * np.sqrt(weights), np.float64)


def _labels(told: Floats, count: int, seed: int) -> Labels:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # so small a problem is slower on several threads
        found = KMeans(count, n_init=5, random_state=seed).fit_predict(told)
    return np.asarray(found, np.int64)


def _silhouette(told: Floats, labels: Labels, seed: int) -> float:
    from sklearn.metrics import silhouette_score

    if len(np.unique(labels)) < 2:
        return 0.0
    size = min(len(told), SILHOUETTE_PEOPLE)
    found = silhouette_score(told, labels, sample_size=size, random_state=seed)
    return float(found)


def _best(tried: dict[int, Labels], by_count: Sequence[tuple[int, float]]) -> int:
    large = [
        (value, -n)
        for n, value in by_count
        if np.bincount(tried[n], minlength=n).min() >= LEAST_SHARE * len(tried[n])
    ]
    return -max(large or [(value, -n) for n, value in by_count])[1]


def _stability(told: Floats, labels: Labels, count: int, seed: int) -> float:
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(seed)
    found = []
    for draw in range(STABILITY_DRAWS):
        some = rng.permutation(len(told))[: max(len(told) * 4 // 5, count)]
        again = _labels(told[some], count, seed + draw + 1)
        found.append(adjusted_rand_score(labels[some], again))
    return float(np.mean(found))


def _groups(rows: pd.DataFrame, matrix: Matrix, labels: Labels) -> tuple[Group, ...]:
    ids = rows[KEY].to_numpy(str)
    ranks = matrix.of(rows)
    sizes = np.bincount(labels)
    found = []
    for place, label in enumerate(np.argsort(-sizes, kind="stable")):
        inside = labels == label
        traits = _traits(rows, matrix, ranks, inside)
        name = chr(ord("A") + place)
        members = tuple(sorted(ids[inside].tolist()))
        found.append(Group(name, members, float(inside.mean()), traits))
    return tuple(found)


def _traits(
    rows: pd.DataFrame, matrix: Matrix, ranks: Floats, inside: NDArray[np.bool_]
) -> tuple[Trait, ...]:
    """Return the most telling columns, none that repeats one already told."""
    gaps = ranks[inside].mean(axis=0) - ranks[~inside].mean(axis=0)
    chosen: list[int] = []
    for place in np.argsort(-np.abs(gaps), kind="stable").tolist():
        if abs(gaps[place]) < _NOTABLE or len(chosen) == MOST_WORDS:
            break
        if not any(_alike(ranks[:, place], ranks[:, one]) for one in chosen):
            chosen.append(place)
    return tuple(
        _trait(rows, matrix.columns[place], ranks[:, place], inside, float(gaps[place]))
        for place in chosen
    )


def _alike(left: Floats, right: Floats) -> bool:
    return bool(abs(np.corrcoef(left, right)[0, 1]) > REDUNDANT)


def _trait(
    rows: pd.DataFrame,
    column: Column,
    ranks: Floats,
    inside: NDArray[np.bool_],
    gap: float,
) -> Trait:
    is_share = column.is_presence or column.value is not None
    if is_share:
        own, other = float(ranks[inside].mean()), float(ranks[~inside].mean())
    else:
        values = rows[column.feature].astype(float).to_numpy()
        own, other = _middle(values[inside]), _middle(values[~inside])
    return Trait(column.name, own, other, gap, _words(column, own, other, gap))


def _middle(values: Floats) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else float("nan")


def _words(column: Column, own: float, other: float, gap: float) -> str:
    name = column.feature.removeprefix("attribute_").replace("_", " ")
    if column.is_presence:
        what = _PRESENT.get(column.feature, f"have a known {name}")
        return f"{own:.0%} {what}, of the others {other:.0%}"
    if column.value is not None:
        return f"{name} is {column.value} for {own:.0%}, of the others {other:.0%}"
    side = "more" if gap > 0 else "less"
    if own == other:
        return f"{name} is mostly {side} than that of the others"
    return f"{name} is {side}: {own:.3g} in the middle, of the others {other:.3g}"
