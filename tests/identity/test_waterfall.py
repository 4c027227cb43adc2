from __future__ import annotations

from math import log2

import pytest

from dmp.flows.identity import explain_identity
from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.waterfall import Waterfall, waterfalls

_SCORED = """
select subject_id_l, subject_id_r, match_weight from identity.edge
where kind = 'probabilistic' order by hash(subject_id_l, subject_id_r) limit 60
"""


@pytest.fixture(scope="module")
def basis(resolved_sample: Workspace) -> Basis:
    settings = identity_settings(resolved_sample)
    model = current_model(resolved_sample, settings)
    return Basis(settings, model, linkage_key(resolved_sample))


@pytest.fixture(scope="module")
def found(resolved_sample: Workspace, basis: Basis) -> dict[tuple[int, int], Waterfall]:
    pairs = [(left, right) for left, right, _ in resolved_sample.lake.rows(_SCORED)]
    made = waterfalls(resolved_sample.lake, resolved_sample.vault, basis, pairs)
    assert len(made) == len(pairs)
    return {(one.subject_id_l, one.subject_id_r): one for one in made}


def test_the_steps_add_up_to_the_score_of_the_run(
    resolved_sample: Workspace, found: dict[tuple[int, int], Waterfall]
) -> None:
    for left, right, weight in resolved_sample.lake.rows(_SCORED):
        one = found[left, right]
        assert one.match_weight == pytest.approx(weight, abs=1e-9)
        assert one.match_weight == pytest.approx(
            sum(step.match_weight for step in one.steps)
        )
        odds = one.match_probability / (1 - min(one.match_probability, 1 - 1e-15))
        assert abs(weight) > 30 or log2(odds) == pytest.approx(weight, abs=1e-3)


def test_every_comparison_is_told_with_its_level(
    basis: Basis, found: dict[tuple[int, int], Waterfall]
) -> None:
    assert basis.model
    bits = {
        (level["comparison"], level["level"]): level["match_weight"]
        for level in basis.model.levels
    }
    compared = {comparison for comparison, _ in bits}
    extra = {"missing", "contradiction", "rare value", "common value"}
    met = set()
    for one in found.values():
        assert one.steps[0].what == "prior" and one.steps[0].match_weight < 0
        assert {step.what for step in one.steps[1:]} == compared
        for step in one.steps[1:]:
            met.add(step.level)
            if step.level not in extra:
                expected = bits[step.what, step.level]
                assert step.match_weight == pytest.approx(expected)
    assert met >= {"missing", "exact", "rare value", "all else"}


def test_a_pair_of_whom_nothing_is_known_has_none(
    resolved_sample: Workspace, basis: Basis
) -> None:
    lake, vault = resolved_sample.lake, resolved_sample.vault
    assert waterfalls(lake, vault, basis, [(1, 2)]) == []
    alone = Basis(basis.settings, None, basis.key)
    assert waterfalls(lake, vault, alone, [(1, 2)]) == []


def test_why_of_two_subjects_takes_the_score_apart(resolved_sample: Workspace) -> None:
    left, right = resolved_sample.lake.row(
        "select subject_id_l, subject_id_r from identity.edge as e "
        "where kind = 'probabilistic' and is_used and match_weight > 20 and not exists "
        "(select 1 from identity.edge as o where o.kind = 'deterministic' and "
        "o.subject_id_l = e.subject_id_l and o.subject_id_r = e.subject_id_r) "
        "order by match_weight desc limit 1"
    )
    explained = explain_identity(resolved_sample, str(left), str(right))
    reasons = (*explained.path, *explained.against)
    scores = [reason for reason in reasons if reason.kind == "probabilistic"]
    assert scores and explained.waterfalls
    for reason, one in zip(scores[:5], explained.waterfalls, strict=True):
        assert one.match_weight == pytest.approx(reason.match_weight)
    assert explain_identity(resolved_sample, str(left)).waterfalls == ()


def test_why_tells_identifiers_that_a_score_replaces(
    resolved_sample: Workspace,
) -> None:
    left, right, weight = resolved_sample.lake.row(
        "select d.subject_id_l, d.subject_id_r, d.match_weight "
        "from identity.edge as d join identity.edge as s "
        "using (subject_id_l, subject_id_r) where s.kind = 'probabilistic' "
        "and d.kind = 'deterministic' and d.counted_weight = 0 "
        "order by s.match_weight desc, 1, 2 limit 1"
    )
    person = explain_identity(resolved_sample, str(left), str(right))
    assert person.is_one
    [scored] = [r for r in person.path if r.kind == "probabilistic"]
    assert (scored.subject_id_l, scored.subject_id_r) == (left, right)
    [replaced] = person.replaced
    assert (replaced.match_weight, replaced.counted_bits) == (weight, 0)
