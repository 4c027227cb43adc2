"""What a profile puts together was compared, though blocking did not bring it up."""

from __future__ import annotations

import pytest
from sample_workspace import NOW

from dmp.core.sql import Name
from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.clusters import stage_clusters
from dmp.identity.evidence import stage_evidence, weigh
from dmp.identity.inner_pairs import score_inner_pairs, stage_compared_clusters
from dmp.identity.scope import stage_everybody
from dmp.identity.seen import stage_digests
from dmp.identity.signals import stage_rules
from dmp.storage.lake import Lake

pytestmark = pytest.mark.slow

_AGAINST = """
select count(*) from scored_pair as s
join new_cluster as l on l.subject_id = s.subject_id_l
join new_cluster as r on r.subject_id = s.subject_id_r
where l.cluster_id = r.cluster_id and match_weight < 0
"""
"""Pairs that clusters hold though the model says two people."""


@pytest.fixture
def clustered(resolved_sample: Workspace) -> tuple[Lake, Basis]:
    """Everybody, clustered by the pairs that blocking brings up."""
    settings = identity_settings(resolved_sample)
    model = current_model(resolved_sample, settings)
    basis = Basis(settings, model, linkage_key(resolved_sample))
    lake = resolved_sample.lake
    stage_rules(lake, settings, NOW)
    stage_digests(lake)
    stage_everybody(lake)
    stage_evidence(lake, resolved_sample.vault, basis)
    stage_clusters(lake, settings)
    return lake, basis


def score_unseen(lake: Lake, basis: Basis) -> int:
    assert basis.linkage
    return score_inner_pairs(lake, *basis.linkage)


def test_inner_pairs_are_scored_once_and_by_the_model(
    clustered: tuple[Lake, Basis],
) -> None:
    lake, basis = clustered
    before = lake.value("select count(*) from scored_pair")
    added = score_unseen(lake, basis)
    assert lake.value("select count(*) from scored_pair") == before + added > before
    again = "select count(*) from inner_pair semi join scored_pair using (subject_id_l)"
    assert lake.value(again) == added
    assert not score_unseen(lake, basis)


def test_what_disagrees_parts_once_it_is_compared(
    clustered: tuple[Lake, Basis],
) -> None:
    lake, basis = clustered
    assert score_unseen(lake, basis)
    unseen = lake.value(_AGAINST)
    weigh(lake, basis, Name("scope"))
    stage_compared_clusters(lake, basis)
    assert lake.value(_AGAINST) < unseen


def test_looks_at_neighbourhoods_end_as_looks_at_everybody(
    clustered: tuple[Lake, Basis],
) -> None:
    lake, basis = clustered
    lake.stage("blocked_pair", "from scored_pair")
    while score_unseen(lake, basis):
        weigh(lake, basis, Name("scope"))
        rails = stage_clusters(lake, basis.settings)
    lake.stage("expected", "from new_cluster")
    lake.stage("scored_pair", "from blocked_pair")
    weigh(lake, basis, Name("scope"))
    assert stage_compared_clusters(lake, basis) == rails
    differing = "select count(*) from (from new_cluster except from expected)"
    assert lake.value(differing) == 0
