from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmp.core.errors import UsageError
from dmp.core.sql import Query
from dmp.identity.evaluation import pairwise_scores
from dmp.identity.judged import (
    Answered,
    Judged,
    choose_threshold,
    judged_pairs,
    pair_measures,
)
from dmp.identity.measures import partition_measures
from dmp.storage.lake import Lake


def labelled(cluster: list[int], truth: list[int]) -> Query:
    return Query(
        "select unnest($c::int[]) as cluster, unnest($t::int[]) as truth",
        {"c": cluster, "t": truth},
    )


def bcubed(cluster: list[int], truth: list[int]) -> tuple[float, float]:
    """By the definition, record by record; source: Bagga & Baldwin 1998."""
    c, t = np.array(cluster), np.array(truth)
    precision = [np.mean(t[c == a] == b) for a, b in zip(c, t, strict=True)]
    recall = [np.mean(c[t == b] == a) for a, b in zip(c, t, strict=True)]
    return float(np.mean(precision)), float(np.mean(recall))


@pytest.mark.parametrize("seed", range(6))
def test_bcubed_and_pairs_are_those_of_the_definitions(lake: Lake, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 40, 120).tolist()
    cluster = [t if random.random() < 0.8 else 99 - t for t in truth]
    found = partition_measures(lake, labelled(cluster, truth))
    precision, recall = bcubed(cluster, truth)
    assert found.records.precision.value == pytest.approx(precision)
    assert found.records.recall.value == pytest.approx(recall)
    scores = pairwise_scores(lake, labelled(cluster, truth))
    assert found.pairs.f1.value == pytest.approx(scores.f1)
    assert found.pairs.precision.value == pytest.approx(scores.precision)
    for three in (found.pairs, found.records):
        for one in vars(three).values():
            assert one.low <= one.value <= one.high
    assert (found.n_records, found.n_entities) == (120, len(set(truth)))


def test_a_perfect_partition_measures_one(lake: Lake) -> None:
    found = partition_measures(lake, labelled([1, 1, 2], [7, 7, 8]))
    assert str(found.records.f1) == "1.000 (1.000 to 1.000)"


def world(
    n: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scored pairs whose weights are calibrated: odds of a match are 2 ** weight."""
    random = np.random.default_rng(seed)
    weight = random.uniform(-8, 8, n)
    is_match = random.random(n) < 1 / (1 + 2.0**-weight)
    return np.arange(n) * 2, np.arange(n) * 2 + 1, weight, is_match


def everything(n: int, *, seed: int) -> Judged:
    left, right, weight, is_match = world(n, seed=seed)
    return judged_pairs(left, right, weight, Answered(left, right, is_match))


def test_few_labels_of_doubtful_pairs_tell_of_all_pairs() -> None:
    """Judged are mostly pairs near zero; plain shares would be far off."""
    left, right, weight, is_match = world(40_000, seed=1)
    random = np.random.default_rng(2)
    chance = np.where(np.abs(weight) < 2, 0.06, 0.012)
    some = np.flatnonzero(random.random(len(weight)) < chance)
    known = Answered(left[some], right[some], is_match[some])
    judged = judged_pairs(left, right, weight, known)
    told = pair_measures(judged, judged.weight >= 0)
    true = is_match & (weight >= 0)
    precision, recall = true.sum() / (weight >= 0).sum(), true.sum() / is_match.sum()
    assert told.precision.low <= precision <= told.precision.high
    assert told.recall.low <= recall <= told.recall.high
    naive = (is_match & (weight >= 0))[some].sum() / (weight[some] >= 0).sum()
    assert abs(told.precision.value - precision) < abs(naive - precision)
    assert judged.share.sum() == pytest.approx(len(weight))


@pytest.mark.parametrize("ratio", [0.125, 1.0, 16.0])
def test_the_threshold_of_calibrated_weights_is_the_ratio_of_costs(
    ratio: float,
) -> None:
    found = choose_threshold(
        everything(20_000, seed=3), false_merge=ratio, missed_match=1
    )
    assert found.calibrated_bits == pytest.approx(np.log2(ratio))
    assert found.interval[0] <= found.threshold_bits <= found.interval[1]
    assert found.threshold_bits == pytest.approx(np.log2(ratio), abs=1.1)
    assert found.cost == min(row.cost for row in found.curve)


def test_a_dearer_merge_never_lowers_the_threshold() -> None:
    judged = everything(3_000, seed=4)
    found = [
        choose_threshold(judged, false_merge=cost, missed_match=1).threshold_bits
        for cost in (0.1, 1, 10, 100)
    ]
    assert found == sorted(found) and found[0] < found[-1]


def test_a_threshold_needs_costs_and_both_answers() -> None:
    judged = everything(50, seed=5)
    with pytest.raises(UsageError, match="more than 0"):
        choose_threshold(judged, false_merge=0, missed_match=1)
    left, right, weight, _ = world(9, seed=6)
    alike = judged_pairs(left, right, weight, Answered(left, right, weight > -99))
    with pytest.raises(UsageError, match="matches and non-matches"):
        choose_threshold(alike, false_merge=1, missed_match=1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), unique=True))
def test_pairs_that_share_a_subject_are_resampled_together(
    pairs: list[tuple[int, int]],
) -> None:
    pairs = sorted(pairs)
    left = np.array([one for one, _ in pairs], dtype=np.int64)
    right = np.array([other for _, other in pairs], dtype=np.int64)
    weight = np.zeros(len(pairs))
    judged = judged_pairs(left, right, weight, Answered(left, right, weight == 0))
    assert len(judged) == len(pairs)
    for i, one in enumerate(pairs):
        for j, other in enumerate(pairs):
            if set(one) & set(other):
                assert judged.group[i] == judged.group[j]


def test_labels_stand_for_all_pairs_also_where_none_is_labelled() -> None:
    left, right, weight, is_match = world(500, seed=8)
    some = np.flatnonzero(np.abs(weight) < 1)
    known = Answered(left[some], right[some], is_match[some])
    judged = judged_pairs(left, right, weight, known)
    assert judged.share.sum() == pytest.approx(500)
    below = judged.share[judged.weight < 0].sum()
    assert below == pytest.approx((weight < 0).sum())


def test_answers_about_pairs_that_are_not_scored_are_left_out() -> None:
    left, right, weight, is_match = world(5, seed=7)
    known = Answered(
        np.append(left, 2), np.append(right, 99), np.append(is_match, True)
    )
    assert len(judged_pairs(left, right, weight, known)) == 5
    nothing = np.zeros(0, dtype=np.int64)
    empty = judged_pairs(left, right, weight, Answered(nothing, nothing, nothing > 0))
    assert len(empty) == 0
