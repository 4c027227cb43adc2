"""Judged pairs beside their scores: what a threshold would cost, and how it is chosen.

Pairs to judge are chosen for their worth, so those judged are no fair sample of all
scored pairs. Each judged pair therefore stands for the pairs of about its weight: a
stratum of one bit holds so many pairs, of which so many were judged. A stratum of which
none was judged counts with the nearest of which some were.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dmp.core.errors import UsageError
from dmp.core.sql import sql
from dmp.identity.labels import AGREED
from dmp.identity.measures import Three, three
from dmp.identity.signed_graph import components
from dmp.storage.lake import Lake

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_RESAMPLES = 300
_ANSWERED = ("subject_id_l", "subject_id_r", "is_match")
_WIDEST_BITS = 30


@dataclass(frozen=True)
class Judged:
    """Pairs that people judged and the model scored; arrays of equal length.

    Attributes:
        weight: bits of the model.
        is_match: what people said.
        share: how many scored pairs each stands for, at least 1.
        place: where each is among the scored pairs.
        group: pairs with one number share subjects and are resampled together.
    """

    weight: Floats
    is_match: Flags
    share: Floats
    place: Ints
    group: Ints

    def __len__(self) -> int:
        return len(self.weight)


@dataclass(frozen=True)
class ThresholdRow:
    """What a threshold would do to the pairs that are scored."""

    threshold_bits: float
    precision: float
    recall: float
    f1: float
    false_merges: float
    missed_matches: float
    cost: float


@dataclass(frozen=True)
class Choice:
    """The threshold of least cost.

    Attributes:
        threshold_bits: pairs of this weight or more are taken for one person.
        interval: 95 % bootstrap interval of the threshold.
        cost: expected cost of all scored pairs, in units of a missed match where that
            costs 1.
        calibrated_bits: what would be best if the model's weights were odds exactly:
            log2 of the ratio of the costs.
        curve: every threshold tried, ascending.
        measures: precision, recall and F1 at the threshold.
    """

    threshold_bits: float
    interval: tuple[float, float]
    cost: float
    calibrated_bits: float
    curve: tuple[ThresholdRow, ...]
    measures: Three


@dataclass(frozen=True)
class Answered:
    """Pairs of which somebody, or a known truth, says whether they are one person.

    Attributes:
        left: the smaller subject; `right` the larger.
        is_match: what is known of each.
    """

    left: Ints
    right: Ints
    is_match: Flags

    def __len__(self) -> int:
        return len(self.is_match)


def labelled_pairs(lake: Lake) -> Answered:
    """Return the pairs that most reviewers judged one way."""
    query = sql("from ({agreed}) order by all", agreed=AGREED)
    found = lake.sql(query).fetchnumpy()
    left, right, is_match = (np.asarray(found[name]) for name in _ANSWERED)
    return Answered(left, right, is_match.astype(bool))


def judged_pairs(left: Ints, right: Ints, weight: Floats, known: Answered) -> Judged:
    """Return the scored pairs that are judged.

    Args:
        left: the smaller subject of every scored pair, ascending, then by `right`.
        weight: of every scored pair, in bits.
    """
    place = np.array(
        [
            _place(left, right, *pair)
            for pair in zip(known.left, known.right, strict=True)
        ],
        dtype=np.int64,
    )
    which = np.flatnonzero(place >= 0)
    chosen = place[which]
    share = _shares(_stratum(weight), chosen)
    ends = np.stack([left[chosen], right[chosen]], axis=1)
    is_match = known.is_match[which]
    return Judged(weight[chosen], is_match, share, chosen, _groups(ends))


@dataclass(frozen=True)
class LabelScores:
    """How labelled pairs fare in the profiles as they stand.

    Attributes:
        pairs: labelled pairs that the last resolve run scored.
        measures: precision, recall and F1, each pair standing for those of its weight.
    """

    pairs: int
    measures: Three


@dataclass(frozen=True)
class LabelledEdges:
    """The labelled pairs that a resolve run scored, to be measured before and after."""

    judged: Judged
    left: Ints
    right: Ints

    def scores(self, lake: Lake) -> LabelScores | None:
        """Measure the profiles as they stand now; None where nothing is labelled."""
        if not len(self.judged):
            return None
        together = joined(lake, self.left, self.right)
        return LabelScores(len(self.judged), pair_measures(self.judged, together))


def labelled_edges(lake: Lake) -> LabelledEdges:
    """Return the labelled pairs among `identity.edge`, with the weights there."""
    found = lake.sql(_EDGES).fetchnumpy()
    left, right = (np.asarray(found[f"subject_id_{side}"]) for side in "lr")
    weight = np.asarray(found["match_weight"], dtype=float)
    judged = judged_pairs(left, right, weight, labelled_pairs(lake))
    return LabelledEdges(judged, left[judged.place], right[judged.place])


def joined(lake: Lake, left: Ints, right: Ints) -> Flags:
    """Return for each pair whether its subjects are in one profile now."""
    pairs = pa.table({"n": np.arange(len(left)), "l": left, "r": right})
    lake.connection.register("asked_pair", pairs)
    found = lake.sql(_JOINED).fetchnumpy()["is_one"]
    lake.connection.unregister("asked_pair")
    return np.asarray(found, dtype=bool)


def _place(left: Ints, right: Ints, one: int, other: int) -> int:
    """Return where a pair is among the scored ones, -1 where it is not."""
    first, last = (
        np.searchsorted(left, one, "left"),
        np.searchsorted(left, one, "right"),
    )
    at = first + int(np.searchsorted(right[first:last], other))
    return int(at) if at < last and right[at] == other else -1


def pair_measures(judged: Judged, found: Flags, *, seed: int = 0) -> Three:
    """Return precision, recall and F1 over the scored pairs, as the judged tell.

    Args:
        found: which of the judged pairs are taken for one person.

    """
    both = judged.share * (found & judged.is_match)
    rows = np.stack([both, judged.share * found, both, judged.share * judged.is_match])
    return three(_by_group(rows, judged.group), seed=seed)


def choose_threshold(
    judged: Judged, *, false_merge: float, missed_match: float, seed: int = 0
) -> Choice:
    """Return the threshold at which wrong merges and missed matches cost least.

    Args:
        false_merge: cost of taking two people's pair for one person; more than 0.
        missed_match: cost of taking one person's pair for two; more than 0.

    Raises:
        UsageError: a cost is not positive, or nobody judged a match and a non-match.
    Source: Fellegi & Sunter 1969 on costs; Elkan 2001, "Cost-sensitive learning".
    """
    if false_merge <= 0 or missed_match <= 0:
        raise UsageError("what a false merge and a missed match cost is more than 0")
    if judged.is_match.all() or not judged.is_match.any():
        raise UsageError(
            f"a threshold needs matches and non-matches among the {len(judged)} judged "
            "pairs; the page Match review asks for the most useful ones"
        )
    steps = _steps(judged.weight)
    rows = _curve(judged, steps, judged.share, false_merge, missed_match)
    best = int(np.argmin(rows[:, 5]))
    drawn = _drawn(judged, steps, false_merge, missed_match, seed)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Choice(
        float(steps[best]),
        (float(low), float(high)),
        float(rows[best, 5]),
        log2(false_merge / missed_match),
        tuple(
            ThresholdRow(float(step), *map(float, row))
            for step, row in zip(steps, rows, strict=True)
        ),
        pair_measures(judged, judged.weight >= steps[best], seed=seed),
    )


def _steps(weight: Floats) -> Floats:
    """Thresholds half a bit apart around what was judged."""
    low = np.floor(max(weight.min(), -_WIDEST_BITS))
    high = np.ceil(min(weight.max(), _WIDEST_BITS)) + 0.5
    return np.arange(low, high + 0.25, 0.5)


def _curve(
    judged: Judged, steps: Floats, share: Floats, false_merge: float, missed: float
) -> Floats:
    """Return a row a step: precision, recall, F1, false merges, missed, cost."""
    found = judged.weight[None, :] >= steps[:, None]
    right = (found * (share * judged.is_match)).sum(axis=1)
    wrong = (found * (share * ~judged.is_match)).sum(axis=1)
    true = float((share * judged.is_match).sum())
    precision = np.where(right + wrong > 0, right / np.maximum(right + wrong, 1e-12), 1)
    recall = right / true if true else np.ones(len(steps))
    total = np.maximum(precision + recall, 1e-12)
    cost = false_merge * wrong + missed * (true - right)
    f1 = 2 * precision * recall / total
    return np.stack([precision, recall, f1, wrong, true - right, cost], axis=1)


def _drawn(
    judged: Judged, steps: Floats, false_merge: float, missed: float, seed: int
) -> Floats:
    """Return the best threshold of each bootstrap sample of the groups."""
    groups = int(judged.group.max()) + 1
    random = np.random.default_rng(seed)
    best = []
    for _ in range(_RESAMPLES):
        times = np.bincount(random.integers(0, groups, groups), minlength=groups)
        share = judged.share * times[judged.group]
        cost = _curve(judged, steps, share, false_merge, missed)[:, 5]
        best.append(steps[int(np.argmin(cost))])
    return np.asarray(best)


def _shares(strata: Ints, judged: Ints) -> Floats:
    """Return for how many pairs each judged one stands; together for all of them."""
    seen = np.bincount(strata[judged], minlength=int(strata.max(initial=0)) + 1)
    known = np.flatnonzero(seen)
    if not len(known):
        return np.zeros(0)
    away = np.abs(np.arange(len(seen))[:, None] - known[None, :])
    nearest = known[np.argmin(away, axis=1)]
    size = np.bincount(nearest[strata], minlength=len(seen))
    return np.asarray(size[strata[judged]] / seen[strata[judged]])


def _stratum(weight: Floats) -> Ints:
    bits = np.clip(np.floor(weight), -_WIDEST_BITS, _WIDEST_BITS)
    return (bits + _WIDEST_BITS).astype(np.int64)


def _by_group(rows: Floats, group: Ints) -> Floats:
    size = int(group.max(initial=-1)) + 1
    return np.stack([np.bincount(group, row, minlength=size) for row in rows])


def _groups(ends: Ints) -> Ints:
    """Return a number for each judged pair; pairs that share a subject have one."""
    subjects, numbers = np.unique(ends, return_inverse=True)
    sides = numbers.reshape(-1, 2)
    label = components(len(subjects), sides[:, 0], sides[:, 1])
    return np.unique(label[sides[:, 0]], return_inverse=True)[1].astype(np.int64)


_EDGES = """
select subject_id_l, subject_id_r, match_weight from identity.edge
where kind = 'probabilistic' order by subject_id_l, subject_id_r
"""
_JOINED = """
with placed as (
    select subject_id, profile_key from identity.assignment where valid_to is null
)
select coalesce(a.profile_key = b.profile_key, false) as is_one
from asked_pair as p
left join placed as a on a.subject_id = p.l
left join placed as b on b.subject_id = p.r
order by p.n
"""
