"""Lookalikes, lists, groups, propensity, lift: over people whose ways are known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from made_people import BEGIN, END, make_people, profile_id

from dmp.core.accounts import current_account
from dmp.core.errors import NotAllowed, UsageError
from dmp.core.sql import row, sql
from dmp.flows import science
from dmp.flows.segments import count_segment, segment_members
from dmp.flows.workspace import Workspace
from dmp.segments.science.groups import discover
from dmp.segments.science.lookalike import Lookalikes
from dmp.segments.science.rfm import rfm
from dmp.segments.science.scoring import score
from dmp.storage.write import append, change, commit

pytestmark = pytest.mark.slow

PEOPLE = 400
REPOSITORY = Path(__file__).parents[3]
RULES = {
    "regulars": {"attribute": "order_count", "op": "gte", "value": 8},
    "gold": {"attribute": "loyalty_tier", "op": "eq", "value": "gold"},
    "of_regulars": {"all": [{"segment": {"in": "regulars"}}, {"not": {"any": []}}]},
    "held": {"sample": {"percent": 30, "salt": "spring"}},
    "listed": {"list": {"in": "alike"}},
}


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    home = tmp_path_factory.mktemp("science") / "ws"
    shutil.copytree(REPOSITORY / "config", home / "config")
    shutil.rmtree(home / "config" / "segments")
    (home / "config" / "segments").mkdir()
    roles = ["analyst", "marketer"]
    users = {"users": {current_account().user: roles}}
    (home / "config" / "roles.yaml").write_text(yaml.safe_dump(users))
    for name, rule in RULES.items():
        document = {"segment": name, "purpose": "advertising", "rule": rule}
        path = home / "config" / "segments" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document))
    with Workspace(home, clock=lambda: END) as workspace:
        make_people(workspace.lake, PEOPLE)
        yield workspace


@pytest.fixture(scope="module")
def found(made: Workspace) -> Lookalikes:
    return science.find_lookalikes(made, "regulars", END)


def kinds(profile_ids: tuple[str, ...]) -> np.ndarray:
    return np.array([int(one[2:]) % 4 for one in profile_ids])


def test_the_likest_are_of_the_seeds_kind(found: Lookalikes) -> None:
    """Shoppers who happen to have bought less than the rule asks come first."""
    outside = kinds(found.profile_ids)
    shoppers = int((outside == 0).sum())
    assert shoppers >= 10
    first = (outside[:shoppers] == 0).mean()
    assert first > 3 * (outside == 0).mean()
    assert found.scored.area.low > 0.75
    assert found.scored.area.low < found.scored.area.value < found.scored.area.high


def test_scores_are_probabilities(found: Lookalikes) -> None:
    bins = found.scored.bins
    assert sum(one.people for one in bins) == found.seed + len(found.profile_ids)
    assert found.scored.calibration_error < 0.06
    promised = sum(one.promised * one.people for one in bins)
    assert promised == pytest.approx(found.seed, rel=0.1)
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores > 0) & (found.scores < 1)).all()


def test_more_reach_is_less_alike(found: Lookalikes) -> None:
    points = pd.DataFrame(found.curve)
    assert points.reach.is_monotonic_increasing
    assert points.reach.iloc[-1] == len(found.profile_ids)
    assert points.similarity.is_monotonic_decreasing
    assert points.mean_score.is_monotonic_decreasing
    assert points.seed_found.is_monotonic_increasing
    assert points.lift.iloc[0] > 2 > points.lift.iloc[-1] > 0.9
    assert found.reach(7) == found.profile_ids[:7]
    with pytest.raises(UsageError, match="reach: 0"):
        found.reach(0)


def test_only_who_consents_is_read(made: Workspace, found: Lookalikes) -> None:
    consented = made.lake.value(
        "select count(*) from privacy.consent where status = 'granted'"
    )
    assert found.seed + len(found.profile_ids) == consented < PEOPLE
    denied = made.lake.rows(
        "select profile_id from privacy.consent join identity.assignment "
        "using (subject_id) join identity.profile using (profile_key) "
        "where status = 'denied'"
    )
    assert not {one for (one,) in denied} & set(found.profile_ids)
    with pytest.raises(UsageError, match="20 people"):
        science.find_lookalikes(made, "regulars", END, purpose="never_asked")


def test_what_defines_the_seed_is_not_read(made: Workspace, found: Lookalikes) -> None:
    bought = {"order_count", "order_total_30d", "days_since_order", "top_category"}
    through = science.find_lookalikes(made, "of_regulars", END)
    for one in (found, through):
        assert bought <= set(one.left_out)
        assert "rule reads purchases" in one.left_out["order_mean"]
        assert not set(one.left_out) & set(one.scored.matrix.features)
        assert "attribute_loyalty_tier" in one.scored.matrix.features
    gold = science.find_lookalikes(made, "gold", END)
    assert "attribute_loyalty_tier" in gold.left_out
    assert "order_count" in gold.scored.matrix.features


def test_a_feature_that_tells_all_apart_is_found_whatever_the_rule(
    made: Workspace,
) -> None:
    """The rule is a list of which nobody knows how it was made: by purchases."""
    bought = segment_members(made, "regulars", END)
    science.keep_list(
        made, "alike", bought, as_of=END, purpose="advertising", origin="the regulars"
    )
    left_out = science.find_lookalikes(made, "listed", END).left_out
    assert "alone it tells" in left_out["order_count"]
    assert "event_count" not in left_out


def test_a_list_is_what_rules_refer_to(made: Workspace, found: Lookalikes) -> None:
    later = END + timedelta(days=1)
    alike = found.reach(25)
    kept = {"purpose": "advertising", "origin": "lookalikes of regulars"}
    assert science.keep_list(made, "alike", alike, as_of=later, **kept) == 25
    assert segment_members(made, "listed", later) == sorted(alike)
    assert segment_members(made, "listed", END) == segment_members(
        made, "regulars", END
    )
    snapshot = made.lake.snapshot()
    science.keep_list(made, "alike", alike, as_of=later, **kept)
    assert made.lake.snapshot() == snapshot
    even_later = later + timedelta(days=1)
    science.keep_list(made, "alike", alike[:5], as_of=even_later, **kept)
    assert segment_members(made, "listed", even_later) == sorted(alike[:5])
    assert count_segment(made, "listed", later).members == 25
    with pytest.raises(UsageError, match="forwards only"):
        science.keep_list(made, "alike", alike, as_of=END, **kept)
    with pytest.raises(UsageError, match="1 of the profile_ids"):
        science.keep_list(made, "other", ["p_none"], as_of=END, **kept)
    with pytest.raises(UsageError, match="no id of a list"):
        science.keep_list(made, "No id", alike, as_of=END, **kept)
    log = made.audit.path.read_text()
    assert '"save_list"' in log
    assert alike[0] not in log


def test_a_merged_person_stays_on_the_list(made: Workspace) -> None:
    ids = [profile_id(1), profile_id(5)]
    science.keep_list(made, "merged", ids, as_of=END, origin="by hand")
    into = "update identity.profile set alias_of = {key} where profile_id = $id"
    for key in ("1009", "null"):  # person 9, then nobody again
        statement = sql(into.format(key=key), id=ids[0])
        commit(made.lake, [change("identity.profile", statement)], message="merge")
        path = made.paths.config / "segments" / "listed.yaml"
        before = path.read_text()
        path.write_text(before.replace("alike", "merged"))
        members = segment_members(made, "listed", END)
        path.write_text(before)
        assert members == sorted([profile_id(9), ids[1]] if key != "null" else ids)


def test_a_list_needs_the_analyst(
    made: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMP_ROLE", "marketer")
    with Workspace(made.paths.home) as marketer:
        for ask in (
            lambda: science.keep_list(marketer, "x", [], as_of=END, origin=""),
            lambda: science.find_lookalikes(marketer, "regulars", END),
            lambda: science.discover_groups(marketer, END),
            lambda: science.find_propensity(marketer, END, days=30),
            lambda: science.lifetime_values(marketer, END, days=30),
        ):
            with pytest.raises(NotAllowed, match="analyst"):
                ask()


def test_groups_are_the_kinds_that_people_were_made_of(made: Workspace) -> None:
    from sklearn.metrics import adjusted_rand_score

    found = science.discover_groups(made, END, count=4, without=["top_category"])
    again = science.discover_groups(made, END, count=4, without=["top_category"])
    assert found == again
    labels = {p: g.name for g in found.groups for p in g.profile_ids}
    assert len(labels) == PEOPLE
    true = [int(p[2:]) % 4 for p in labels]
    assert adjusted_rand_score(true, [*labels.values()]) > 0.75
    assert found.stability > 0.8
    assert found.silhouette > 0.2
    sizes = [len(group.profile_ids) for group in found.groups]
    assert sizes == sorted(sizes, reverse=True)
    said = {}
    for group in found.groups:
        (kind,) = {max(set(k := kinds(group.profile_ids).tolist()), key=k.count)}
        said[kind] = group.words
    assert len(said) == 4
    assert "order" in said[0] or "bought" in said[0]
    assert "event" in said[3] or "active" in said[3]
    assert not any("consent" in words for words in said.values())


def test_the_number_of_groups_is_chosen_where_nobody_says_it(made: Workspace) -> None:
    found = science.discover_groups(made, END, segment="held")
    assert [count for count, _ in found.by_count] == [3, 4, 5, 6, 7, 8]
    assert found.silhouette <= max(value for _, value in found.by_count)
    members = set(segment_members(made, "held", END))
    assert {p for g in found.groups for p in g.profile_ids} <= members
    with pytest.raises(UsageError, match="60 people"):
        discover(pd.DataFrame({"profile_id": ["a"], "x": [1.0]}))


def test_who_will_buy_is_told_before_it_happens(made: Workspace) -> None:
    at = BEGIN + timedelta(days=150)
    found = science.find_propensity(made, at, days=30)
    assert found.judged.low > 0.8
    assert found.promised == pytest.approx(found.found, rel=0.25)
    assert len(found.profile_ids) == PEOPLE
    assert (kinds(found.profile_ids[:80]) == 0).mean() > 0.9
    assert found.scored.area.low > 0.8
    bought = made.lake.rows(
        "select distinct profile_id from core.transaction join identity.assignment "
        "using (subject_id) join identity.profile using (profile_key) "
        "where occurred_at > $at and occurred_at <= $end",
        at=at,
        end=END,
    )
    first = found.profile_ids[: len(bought)]
    assert len({(one,) for one in first} & set(bought)) > 0.7 * len(bought)
    with pytest.raises(UsageError, match="20 people"):
        science.find_propensity(made, at, days=30, event="never_happens")


def test_rfm_tells_customers_in_fifths(made: Workspace) -> None:
    rows = science.features(END, workspace=made).df()
    found = rfm(rows)
    assert len(found) == (rows.order_count > 0).sum()
    for score_, value in (
        ("recency", -found.days_since_order),
        ("frequency", found.order_count),
        ("money", found.order_total),
    ):
        assert set(found[score_]) <= {1, 2, 3, 4, 5}
        assert value.groupby(found[score_]).median().is_monotonic_increasing
    best = found[found.group == "champions"]
    assert len(best) > 10
    assert (kinds(tuple(best.profile_id)) == 0).mean() > 0.9
    assert (best.recency >= 4).all() and (best.money >= 4).all()
    with pytest.raises(UsageError, match="nobody bought"):
        rfm(rows[rows.order_count == 0])


def test_lift_is_measured_against_those_the_rule_language_holds_out(
    made: Workspace,
) -> None:
    everybody = [profile_id(n) for n in range(PEOPLE)]
    held = segment_members(made, "held", END)
    treated = [one for one in everybody if one not in held]
    since, until = END, END + timedelta(days=10)
    buyers = [*treated[::2], *held[::5]]
    for one in buyers:
        bought = row(
            transaction_id=f"00000000-0000-0000-0001-{int(one[2:]):012d}",
            subject_id=int(one[2:]),
            source="made",
            load_id="l",
            occurred_at=until,
            amount=1.0,
        )
        commit(made.lake, [append("core.transaction", bought)], message="buy")
        if one == buyers[3]:
            break
    measured = science.measure_lift(
        made, everybody, percent=30, salt="spring", since=since, until=until
    )
    assert (measured.treated, measured.held) == (len(treated), len(held))
    assert (measured.treated_did, measured.held_did) == (4, 0)
    assert measured.ratio is None
    assert not measured.is_shown


def test_scores_need_both_sides() -> None:
    rows = pd.DataFrame({"profile_id": [str(n) for n in range(50)], "x": range(50)})
    with pytest.raises(UsageError, match="there are 10 of those"):
        score(rows, np.arange(50) < 10)
    with pytest.raises(UsageError, match="no feature"):
        score(rows, np.arange(50) < 25, without=["x"])
