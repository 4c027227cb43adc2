from __future__ import annotations

import numpy as np
import pytest

from dmp.ingest.synthetic import generate
from dmp.ingest.synthetic.realism import TARGETS, exponent, gini, top_share


def test_figures_lie_within_their_tolerance(tmp_path):
    report = generate(tmp_path, people=6000, seed=2, sources=["app"])
    assert {figure.name for figure in report.figures} == set(TARGETS)
    apart = {
        figure.name: figure.measured
        for figure in report.figures
        if abs(figure.measured - figure.target) > figure.tolerance
    }
    assert apart == {}


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [([0, 5], 0.0), ([9, 1], 0.9), ([1, 0, 0, 1], 0.5), ([4], 0.0)],
    ids=["all alike", "one has all", "half has all", "nobody has any"],
)
def test_gini_of_known_counts(frequency, expected):
    assert gini(np.array(frequency)) == pytest.approx(expected)


def test_exponent_of_an_exact_power_law():
    counts = [int(1e7 / rank**0.9) for rank in range(1, 5000)]
    assert exponent(counts, 20) == pytest.approx(0.9, abs=0.01)


def test_exponent_needs_enough_names():
    assert exponent([3, 2, 1], 20) is None


def test_top_share_of_nothing_is_nothing():
    assert top_share([]) == 0
    assert top_share([4, 3, 2, 1], top=2) == pytest.approx(0.7)
