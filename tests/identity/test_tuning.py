from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sample_workspace import copy_workspace, open_at

from dmp.core.errors import UsageError
from dmp.flows.evaluate import Evaluator
from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.tuning import Tuning
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.frequencies import are_frozen, inherit
from dmp.identity.labels import Judgement, give
from dmp.identity.pair_levels import pair_levels
from dmp.identity.tuning import moved_model

MOVES = {
    ("email", "exact"): -4.0,
    ("first_name", "all else"): -6.0,
    ("phone", "all else"): 1.5,
}


@pytest.fixture
def own(resolved_sample: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    with open_at(copy_workspace(resolved_sample.paths.home, tmp_path / "ws")) as opened:
        yield opened


def chosen(tuning: Tuning) -> dict[tuple[str, str], float]:
    """Return the moves of `MOVES` whose levels the model has."""
    known = {(level.comparison, level.level) for level in tuning.levels}
    found = {place: bits for place, bits in MOVES.items() if place in known}
    assert len(found) >= 2, known
    return found


def test_moving_weights_foretells_what_the_moved_model_scores(own: Workspace) -> None:
    """The look ahead is arithmetic; scoring anew with the saved model is the truth."""
    tuning = Tuning(own)
    moves = chosen(tuning)
    settings = identity_settings(own)
    key = linkage_key(own)
    before = pair_levels(own.lake, own.vault, Basis(settings, tuning.model, key))
    told = tuning.preview(moves, prior_bits=-1)
    with pytest.raises(UsageError, match="say why"):
        tuning.save(moves, reason=" ")
    saved = tuning.save(moves, reason="shared e-mails join households", prior_bits=-1)
    assert are_frozen(own.lake, saved)
    after = pair_levels(own.lake, own.vault, Basis(settings, saved, key))
    assert before and after
    assert np.allclose(before.moved(moves, prior_bits=-1), after.weight, atol=1e-6)
    assert told.pairs == len(before)
    assert told.lost == int(np.sum((before.weight >= 0) & (after.weight < 0))) > 0
    assert told.gained == int(np.sum((before.weight < 0) & (after.weight >= 0)))
    current = current_model(own, settings)
    assert current and current.name == saved.name != saved.parent
    assert (current.actor, current.reason) == (own.caller.actor, saved.reason)
    drift = Evaluator(own, "truth").drift()
    assert {row["model"] for row in drift} == {saved.name, saved.parent}


def test_labels_tell_what_moved_weights_are_worth(own: Workspace) -> None:
    """Labels that follow the truth: a model that joins nobody loses all recall."""
    evaluator = Evaluator(own, "truth")
    pairs, judged = evaluator.judged(evaluator.model)
    given = [
        Judgement(
            int(pairs.left[place]),
            int(pairs.right[place]),
            "match" if is_match else "no_match",
        )
        for place, is_match in zip(judged.place, judged.is_match, strict=True)
    ][:: len(judged) // 60]
    give(own.lake, given, reviewer="u_test", now=own.clock())
    tuning = Tuning(own)
    found = tuning.preview({}, prior_bits=-60)
    assert found.judged >= 30 and found.before and found.after
    assert found.before.recall.value > 0.9 > found.after.recall.value == 0
    by_labels = Evaluator(own).evaluate()
    assert by_labels.source == "labels" and by_labels.people is None
    whole = Evaluator(own, "truth").evaluate()
    assert whole.people and whole.people.pairs.f1.value > 0.9
    told = by_labels.pairs.precision.value
    assert told == pytest.approx(whole.pairs.precision.value, abs=0.1)
    simulated = tuning.simulate({}, prior_bits=-60)
    assert simulated.labels_before and simulated.labels_after
    assert simulated.split > 0
    assert (
        simulated.labels_after.measures.recall.value
        < simulated.labels_before.measures.recall.value
    )


def test_a_move_is_refused_where_it_cannot_be(resolved_sample: Workspace) -> None:
    tuning = Tuning(resolved_sample)
    now = resolved_sample.clock()

    def move(moves: dict[tuple[str, str], float]) -> None:
        moved_model(tuning.model, moves, actor="u_1", reason="r", now=now)

    with pytest.raises(UsageError, match="nothing to save"):
        move({})
    with pytest.raises(UsageError, match="has no level shoe / size"):
        move({("shoe", "size"): 1.0})
    top = next(level for level in tuning.levels if level.most < 30)
    with pytest.raises(UsageError, match="it can say -30"):
        move({(top.comparison, top.level): top.most - top.match_weight + 1})


def test_the_costs_move_the_threshold_and_a_model_beside_itself_is_the_same(
    resolved_sample: Workspace,
) -> None:
    evaluator = Evaluator(resolved_sample, "truth")
    cheap = evaluator.choose(false_merge=1, missed_match=10)
    dear = evaluator.choose(false_merge=100, missed_match=1)
    assert cheap.threshold_bits <= dear.threshold_bits
    assert dear.measures.precision.value >= cheap.measures.precision.value
    same = evaluator.compare(evaluator.model)
    assert same.only_one == same.only_other == 0 < same.both
    assert {level.moved_bits for level in same.levels} == {0.0}
    model = moved_model(
        evaluator.model,
        {},
        prior_bits=-8,
        actor="u",
        reason="r",
        now=resolved_sample.clock(),
    )
    inherit(resolved_sample.lake, model)
    beside = evaluator.compare(model)
    assert beside.only_other == 0 < beside.only_one
    assert next(iter(beside.levels)).moved_bits == pytest.approx(-8)
