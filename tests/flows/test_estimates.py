"""The size of a rule by a sample: near the exact one, of the sampled alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.live_segments import shop
from benchmarks.pages.counts import DECLARED, document
from benchmarks.segments import people
from dmp.flows.initialise import initialise
from dmp.flows.rule_sizes import Sizes
from dmp.flows.workspace import Workspace

PEOPLE = 60_000


@pytest.fixture
def sizes(home: Path) -> Sizes:
    initialise(home)
    for path in (home / "config" / "segments").glob("*.yaml"):
        path.unlink()
    return Sizes(Workspace(home, clock=lambda: shop.START))


def test_the_interval_holds_the_exact_number(sizes: Sizes) -> None:
    lake = sizes._workspace.lake
    people.write(lake, PEOPLE, 300_000)
    for rule in DECLARED.values():
        about, exact = sizes.estimate(document(rule)), sizes.count(document(rule))
        assert about is not None and exact.people == PEOPLE
        assert about.low <= exact.members <= about.high
        assert 0 < exact.members < PEOPLE and 500 < about.sampled < 700
    check_traits(sizes)
    nameless = {"segment": "", "name": "", "rule": {"all": []}}
    assert sizes.count(nameless).members == PEOPLE
    sampled = lake.value("select count(*) from sampled_event")
    assert 0.005 < int(sampled) / 300_000 < 0.015
    assert lake.value("select count(*) from sampled_consent") < 400


def check_traits(sizes: Sizes) -> None:
    """A rule on what is computed counts after one that needed no such thing."""
    rule = {"attribute": "event_count", "op": "gte", "value": 6}
    about, exact = sizes.estimate(document(rule)), sizes.count(document(rule))
    assert about is not None and 0 < exact.members < PEOPLE
    assert about.low <= exact.members <= about.high
    few = sizes.estimate(document({"attribute": "country", "op": "eq", "value": "GB"}))
    assert few is not None and 0 < few.people < PEOPLE
