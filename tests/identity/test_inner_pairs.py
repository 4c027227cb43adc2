"""What a profile puts together was compared, though blocking did not bring it up."""

from __future__ import annotations

import pytest
from sample_workspace import NOW

from dmp.flows.resolve import current_model, identity_settings, linkage_key
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.clusters import stage_clusters
from dmp.identity.evidence import stage_evidence, weigh_inner_pairs
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


def test_inner_pairs_are_scored_once_and_by_the_model(
    clustered: tuple[Lake, Basis],
) -> None:
    lake, basis = clustered
    before = lake.value("select count(*) from scored_pair")
    assert weigh_inner_pairs(lake, basis)
    added = lake.value("select count(*) from inner_pair")
    assert lake.value("select count(*) from scored_pair") == before + added > before
    again = "select count(*) from inner_pair semi join scored_pair using (subject_id_l)"
    assert lake.value(again) == added
    assert not weigh_inner_pairs(lake, basis)


def test_what_disagrees_parts_once_it_is_compared(
    clustered: tuple[Lake, Basis],
) -> None:
    lake, basis = clustered
    assert weigh_inner_pairs(lake, basis)
    unseen = lake.value(_AGAINST)
    stage_clusters(lake, basis.settings)
    while weigh_inner_pairs(lake, basis):
        stage_clusters(lake, basis.settings)
    assert lake.value(_AGAINST) < unseen
