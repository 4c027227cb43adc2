from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dmp.core.errors import UsageError
from dmp.flows.simulate import AudienceChange, Simulation
from dmp.flows.tuning import Preview, TunedLevel
from dmp.identity.judged import LabelScores
from dmp.identity.measures import Measure, Three
from dmp.identity.model import LinkageModel
from dmp.ui import tuning_views as views
from dmp.ui.tuning import PRIOR, TuningState
from dmp.ui.tuning_panel import TuningPanel

EMAIL = ("email", "exact")


def three(value: float) -> Three:
    one = Measure(value, value - 0.05, value + 0.05)
    return Three(one, one, one)


class FakeTuning:
    """A model of one comparison; what is asked of it is remembered."""

    def __init__(self) -> None:
        settings = {"probability_two_random_records_match": 0.2, "comparisons": []}
        self.model = LinkageModel("people-1", settings, "2026-01-01", 10)
        self.levels = [
            TunedLevel("email", "exact", 9.0, -30, 12),
            TunedLevel("email", "all else", -2.0, -30, 30),
        ]
        self.looked: list[tuple[dict[Any, float], float]] = []
        self.saved: list[str] = []

    def preview(
        self, moves: Mapping[Any, float], *, prior_bits: float = 0.0
    ) -> Preview:
        self.looked.append((dict(moves), prior_bits))
        return Preview(1000, 3, 40, 25, three(0.9), three(0.8))

    def simulate(
        self, moves: Mapping[Any, float], *, prior_bits: float = 0.0
    ) -> Simulation:
        before, after = (LabelScores(25, three(value)) for value in (0.9, 0.8))
        change = AudienceChange("loyal", 50, 43, 1, 6, 2)
        return Simulation(
            model="people-2",
            is_same=False,
            people_before=90,
            people_after=95,
            merged=1,
            split=6,
            moved_subjects=12,
            largest_before=(9, 8),
            largest_after=(7, 7),
            people_moved=5,
            audiences=(change,),
            examples=(),
            labels_before=before,
            labels_after=after,
        )

    def save(
        self, moves: Mapping[Any, float], *, reason: str, prior_bits: float = 0.0
    ) -> LinkageModel:
        if not reason:
            raise UsageError("say why")
        self.saved.append(reason)
        return LinkageModel("people-2", self.model.settings, "2026-01-02", 10)


@pytest.fixture
def source() -> FakeTuning:
    return FakeTuning()


@pytest.fixture
def state(source: FakeTuning) -> TuningState:
    return TuningState(source)  # type: ignore[arg-type]


def test_moves_are_told_from_the_model_and_nothing_is_scored_before_one(
    state: TuningState, source: FakeTuning
) -> None:
    assert [row["text"] for row in views.weights(state)["rows"]][1] == "+9.0"
    assert views.effect(state)["pairs"] is None and source.looked == []
    state.move(EMAIL, 4.0)
    state.move(PRIOR, -3.0)
    assert source.looked[-1] == ({EMAIL: -5.0}, pytest.approx(-1.0))
    row = views.weights(state)["rows"][1]
    assert (row["text"], row["before"], row["was"]) == ("+4.0", "+9.0", 9.0)
    state.move(EMAIL, 9.0)
    assert state.moves.keys() == {PRIOR}
    state.reset()
    assert state.preview is None and views.weights(state)["moved"] == 0


def test_a_level_says_no_more_than_it_can(state: TuningState) -> None:
    state.move(EMAIL, 99)
    assert views.weights(state)["rows"][1]["now"] == 12


def test_the_effect_is_told_on_pairs_then_people(state: TuningState) -> None:
    state.move(EMAIL, 0)
    pairs = views.effect(state)["pairs"]
    assert "3 of 1,000 scored pairs" in pairs["lines"][0]
    assert "25 labels are few" in pairs["lines"][1]
    assert pairs["rows"][0] == [
        "Precision",
        "0.900 (0.850 to 0.950)",
        "0.800 (0.750 to 0.850)",
    ]
    state.simulate()
    people = views.effect(state)["people"]
    assert ["People", "90", "95"] in people["rows"]
    assert people["audiences"] == [["loyal", "50", "43", "1", "6", "2"]]
    state.move(EMAIL, 1)
    assert views.effect(state)["people"] is None


def test_the_panel_saves_with_a_reason(state: TuningState, source: FakeTuning) -> None:
    panel = TuningPanel(state)
    panel.weights._handle_custom_msg(
        {"kind": "move", "comparison": "email", "level": "exact", "weight": 2}, []
    )
    panel.effect._handle_custom_msg({"kind": "save", "reason": ""}, [])
    assert panel.notice.content["state"] == "failed" and source.saved == []
    panel.effect._handle_custom_msg({"kind": "save", "reason": "households"}, [])
    assert source.saved == ["households"] and state.moves == {}
    assert "people-2" in panel.notice.content["message"]
    assert panel.weights.content["moved"] == 0
    panel.weights._handle_custom_msg(
        {"kind": "move", "comparison": "email", "level": "gone", "weight": 2}, []
    )
    assert panel.notice.content["state"] == "failed"
