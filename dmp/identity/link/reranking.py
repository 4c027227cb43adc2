"""Match weights corrected by labels.

Two learners correct the unsupervised weight: a logistic regression that starts from it
and moves little on few labels, and gradient boosting over levels, frequencies and the
weight itself, which is trusted more the more labels there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from dmp.identity.link.classes import RANDOM, SAME
from dmp.identity.link.comparing import Compared
from dmp.identity.link.hashing import Ints
from dmp.identity.link.labels import Labels
from dmp.identity.link.model import JudgedModel
from dmp.identity.link.patterns import Floats
from dmp.identity.link.training import Parameters
from dmp.identity.link.vectors import MISSING, Levels

_LOG2 = float(np.log(2))
_FIRM_BITS = 4.0
"""Standard deviation to which few labels may move one comparison's weight."""
_HALF_TRUST = 150.0
"""Labels at which boosting and regression count alike."""
_LEAST_LABELS = 10
_SEED = 1
_SURE_SHARE = 0.5
_SURE_BITS = 10.0
_MOST_BITS = 20.0


@dataclass(frozen=True)
class Features:
    """What the learners see of pairs.

    Attributes:
        weight: the unsupervised match weight in bits.
        levels: one column a comparison.
        rarity: log2 of how many nodes hold the agreed value, NaN where none is.
    """

    weight: Floats
    levels: Levels
    rarity: Floats

    def __len__(self) -> int:
        return len(self.weight)

    def of(self, rows: Ints) -> Features:
        """Return some of the pairs."""
        return Features(self.weight[rows], self.levels[rows], self.rarity[rows])

    def followed_by(self, other: Features) -> Features:
        """Return these pairs and others after them."""
        return Features(
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.levels, other.levels]),
            np.concatenate([self.rarity, other.rarity]),
        )


@dataclass(frozen=True)
class Judged:
    """Pairs that people judged: what was compared of them, 1 where they match."""

    seen: Features
    match: Floats

    @property
    def teaches(self) -> bool:
        """Whether there are enough, and of both kinds."""
        return len(self.match) >= _LEAST_LABELS and 0 < self.match.mean() < 1


def features(compared: Compared, weight: Floats) -> Features:
    """Return what the learners see of every compared pair."""
    rarity = np.full(compared.levels.shape, np.nan)
    for place, comparison in enumerate(compared.comparisons):
        codes = compared.nodes.fields[comparison.field].codes
        counts = np.bincount(codes[codes >= 0])
        rows = np.flatnonzero(compared.levels[:, place] == 0)
        rarity[rows, place] = np.log2(counts[codes[compared.pairs.left[rows]]])
    return Features(weight, compared.levels, rarity)


def places_of(compared: Compared, labels: Labels) -> tuple[Ints, Ints]:
    """Return which labels were compared, and the row of each among the pairs."""
    n = len(compared.nodes)
    keys = compared.pairs.left * n + compared.pairs.right
    wanted = labels.left * n + labels.right
    if not len(keys):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = np.flatnonzero(keys[place] == wanted)
    return found, place[found]


def judged(
    compared: Compared, seen: Features, labels: Labels, before: JudgedModel
) -> Judged:
    """Return the pairs judged before, as a model holds them, and those of now."""
    which, rows = places_of(compared, labels)
    fields = [comparison.name for comparison in compared.comparisons]
    match = np.concatenate(
        [np.array(before.match, dtype=np.float64), labels.is_match[which]]
    )
    return Judged(_earlier(before, fields).followed_by(seen.of(rows)), match)


def _earlier(before: JudgedModel, fields: list[str]) -> Features:
    """Return the model's judged pairs in the order of the fields compared now."""
    shape = len(before.match), len(fields)
    levels = np.full(shape, MISSING, dtype=np.int8)
    rarity = np.full(shape, np.nan)
    for place, name in enumerate(fields):
        if name in before.fields:
            at = before.fields.index(name)
            levels[:, place] = [row[at] for row in before.levels]
            rarity[:, place] = [
                np.nan if row[at] is None else row[at] for row in before.rarity
            ]
    return Features(np.array(before.weight, dtype=np.float64), levels, rarity)


def judged_model(compared: Compared, known: Judged) -> JudgedModel:
    """Return judged pairs as a model holds them."""
    return JudgedModel(
        fields=tuple(comparison.name for comparison in compared.comparisons),
        weight=tuple(known.seen.weight.tolist()),
        levels=tuple(map(tuple, known.seen.levels.tolist())),
        rarity=tuple(
            tuple(None if np.isnan(value) else value for value in row)
            for row in known.seen.rarity.tolist()
        ),
        match=tuple((known.match > 0).tolist()),
    )


def corrected(seen: Features, known: Judged, parameters: Parameters) -> Floats:
    """Return the match weights in bits after the labels; unchanged without enough."""
    if not known.teaches:
        return seen.weight
    regressed, at_known = _regressed(seen, known, parameters)
    trust = len(known.match) / (len(known.match) + _HALF_TRUST)
    boosted = _boosted(seen, regressed, known, at_known)
    return (1 - trust) * regressed + trust * boosted


def _terms(seen: Features, parameters: Parameters) -> Floats:
    """Return tens of bits of each comparison by itself, 0 where missing."""
    terms = np.zeros(seen.levels.shape)
    for place, table in enumerate(parameters.levels):
        bits = np.append(np.log2(table[SAME] / table[RANDOM]), 0.0)
        terms[:, place] = np.clip(bits[seen.levels[:, place]], -10, 10) / 10
    return terms


def _regressed(
    seen: Features, known: Judged, parameters: Parameters
) -> tuple[Floats, Floats]:
    """Shift the weight and scale each comparison's part, as far as labels ask for.

    Returns the weights of all pairs, and those of the judged ones.
    """
    base = np.clip(known.seen.weight, -_MOST_BITS, _MOST_BITS)
    terms = _terms(known.seen, parameters)

    def loss(moved: Floats) -> tuple[float, Floats]:
        odds = (moved[1] * base + moved[0] + terms @ moved[2:]) * _LOG2
        error = 1 / (1 + np.exp(-odds)) - known.match
        off = moved - start
        likely = np.logaddexp(0, odds).sum() - known.match @ odds
        slope = np.concatenate([[error.sum(), error @ base], error @ terms])
        value = float(likely + (off**2 / spread).sum())
        return value, slope * _LOG2 + 2 * off / spread

    n = terms.shape[1]
    start = np.concatenate([[0.0, 1.0], np.zeros(n)])
    spread = np.concatenate([[2 * _FIRM_BITS**2, 0.1], np.full(n, _FIRM_BITS**2 / 2)])
    moved = minimize(loss, start, jac=True, method="L-BFGS-B").x

    def at(part: Features) -> Floats:
        bits = np.clip(part.weight, -_MOST_BITS, _MOST_BITS)
        shifted = moved[1] * bits + moved[0] + _terms(part, parameters) @ moved[2:]
        return np.asarray(shifted)

    return at(seen), at(known.seen)


def _boosted(
    seen: Features, regressed: Floats, known: Judged, at_known: Floats
) -> Floats:
    """Boost over the labels and as many pairs again that are sure by weight."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    sure = _sure(regressed, len(known.match))
    taught = known.seen.followed_by(seen.of(sure))
    table = _table(taught, np.concatenate([at_known, regressed[sure]]))
    told = _varying(table)
    truth = np.concatenate([known.match, (regressed[sure] > 0).astype(float)])
    trust = np.concatenate([np.ones(len(known.match)), np.full(len(sure), _SURE_SHARE)])
    model = HistGradientBoostingClassifier(
        max_iter=150,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=8,
        l2_regularization=2.0,
        early_stopping=False,
        random_state=_SEED,
    )
    with threadpool_limits(1):  # OpenMP's threads wait busily on a loaded machine
        model.fit(table[:, told], truth, sample_weight=trust)
        bits = model.decision_function(_table(seen, regressed)[:, told]) / _LOG2
    return np.asarray(np.clip(bits, -_MOST_BITS, _MOST_BITS))


def _varying(table: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return the columns that hold two values or more; others can teach nothing."""
    filled = ~np.isnan(table)
    least = np.where(filled, table, np.inf).min(axis=0)
    most = np.where(filled, table, -np.inf).max(axis=0)
    return np.asarray(least < most)


def _table(seen: Features, regressed: Floats) -> npt.NDArray[np.float32]:
    """Return levels, rarities and weights as one table, NaN where missing."""
    levels = np.where(seen.levels < 0, np.nan, seen.levels)
    missing = (seen.levels < 0).sum(axis=1)
    columns = [levels, seen.weight, missing, seen.rarity, regressed]
    return np.column_stack(columns).astype(np.float32)


def _sure(weight: Floats, n: int) -> Ints:
    """Return some pairs far on either side, spread evenly over all of them."""
    sides = np.flatnonzero(weight > _SURE_BITS), np.flatnonzero(weight < -_SURE_BITS)
    found = [side[:: max(len(side) // max(n // 2, 1), 1)][: n // 2] for side in sides]
    return np.concatenate(found)
