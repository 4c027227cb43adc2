from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sample_workspace import SAMPLE, UNTIL, open_at

from benchmarks.visitors.__main__ import (
    ADDRESS_RULE,
    SOURCES,
    WAYS,
    prepare,
    resolve_by,
    scored,
)
from dmp.core.sql import Query
from dmp.flows.ingest import ingest
from dmp.flows.workspace import Workspace
from dmp.identity.visitors import VisitorScores, visitor_scores
from dmp.storage.lake import Lake

_JOINED_WITHOUT_CONSENT = """
with allowed as (
    select subject_id from privacy.consent where purpose = 'analytics'
    group by subject_id having arg_max(status, captured_at) = 'granted'
)
select count(*) from identity.edge
where contains(type, 'ip_agent')
    and (subject_id_l not in (from allowed) or subject_id_r not in (from allowed))
"""
TRUTH = SAMPLE / "truth" / "subjects.parquet"


@pytest.fixture(scope="module")
def visited(
    tmp_path_factory: pytest.TempPathFactory,
    isolated_environment: pytest.MonkeyPatch,
) -> Iterator[Workspace]:
    """The sample's web shop and app, with IP address and user agent declared."""
    home = tmp_path_factory.mktemp("visited")
    prepare(home, 336)
    for source in SOURCES:
        shutil.copytree(SAMPLE / source, home / "data" / "landing" / source)
    with open_at(home, UNTIL) as workspace:
        for source in SOURCES:
            ingest(workspace, source)
        yield workspace


def test_devices_are_their_owners_after_a_login_and_nobodys_before(
    visited: Workspace,
) -> None:
    resolve_by(visited, None)
    after, before = scored(visited, TRUTH)
    assert after.precision > 0.96 and after.recall > 0.96
    assert (before.attributed, before.precision, before.recall) == (0, 1.0, 0.0)
    assert after.devices > 150 and before.devices > 20


def test_an_address_names_few_visitors_and_only_while_it_is_valid(
    visited: Workspace,
) -> None:
    """Households share addresses and kinds of browser: it is a weak hint by design."""
    resolve_by(visited, WAYS["of everybody"])
    after, before = scored(visited, TRUTH)
    assert after.precision > 0.94 and after.recall > 0.94
    assert 0 < before.attributed < 0.1 * before.devices
    with open_at(visited.paths.home, UNTIL + timedelta(days=400)) as later:
        resolve_by(later, WAYS["of everybody"])
        assert scored(later, TRUTH)[1].attributed == 0


def test_an_address_counts_for_those_alone_who_allow_its_purpose(
    visited: Workspace,
) -> None:
    resolve_by(visited, ADDRESS_RULE)
    refused = visited.lake.value(_JOINED_WITHOUT_CONSENT)
    assert refused == 0
    resolve_by(visited, WAYS["of everybody"])
    assert visited.lake.value(_JOINED_WITHOUT_CONSENT) > 0


def test_scores_of_nobody_are_plain(lake: Lake) -> None:
    nobody = Query("select 1::bigint as subject_id, 1 as person limit 0")
    empty = VisitorScores(True, 0, 0, 0), VisitorScores(False, 0, 0, 0)
    assert visitor_scores(lake, nobody, devices=["cookie"]) == empty
