from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from sample_workspace import NOW, SAMPLE, UNTIL, copy_workspace, open_at

from dmp.core.errors import RuleInvalid, UnknownName
from dmp.flows.segments import build_segments, count_segment, saved_segments
from dmp.flows.workspace import Workspace
from dmp.segments.parsing import parse
from dmp.segments.population import workspace_population
from dmp.segments.sentence import sentence
from dmp.segments.stats import makeup, most_telling

EARLIER = UNTIL - timedelta(days=20)
SEGMENTS = ["cart_abandoners", "lapsing_customers", "loyal_shoppers", "pricing_intent"]


@pytest.fixture(scope="module")
def sample(resolved_home: Path) -> Iterator[Workspace]:
    with open_at(resolved_home) as workspace:
        yield workspace


@pytest.fixture
def copy(resolved_home: Path, tmp_path: Path) -> Path:
    return copy_workspace(resolved_home, tmp_path / "workspace")


def frame(workspace: Workspace, query: str, **params: Any) -> pd.DataFrame:
    return workspace.lake.sql(query, **params).to_arrow_table().to_pandas()


class Frames:
    """The lake as data frames, every row with the profile of its subject."""

    def __init__(self, workspace: Workspace, as_of: datetime) -> None:
        self.as_of = pd.Timestamp(as_of)
        self.placed = frame(
            workspace,
            "select subject_id, component_id, profile_key from identity.assignment "
            "where valid_to is null",
        )
        events = frame(
            workspace,
            "select subject_id, event, occurred_at, properties.page as page "
            "from core.event",
        )
        orders = frame(
            workspace, "select subject_id, occurred_at, amount from core.transaction"
        )
        self.events = self._known(events)
        self.orders = self._known(orders)
        self.decisions = frame(workspace, "select * from privacy.consent")

    def _known(self, rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows[rows.occurred_at <= self.as_of]
        return rows.merge(self.placed, on="subject_id")

    def since(self, rows: pd.DataFrame, days: int) -> pd.DataFrame:
        return rows[rows.occurred_at >= self.as_of - pd.Timedelta(days=days)]

    def did(self, event: str, days: int = 9999) -> pd.Series:
        rows = self.since(self.events, days)
        return rows[rows.event == event].profile_key

    def cart_abandoners(self) -> set[int]:
        added = set(self.did("product_added", 14))
        ordered = set(self.did("order_completed", 14))
        return added - ordered - set(self.since(self.orders, 14).profile_key)

    def lapsing_customers(self) -> set[int]:
        recent = set(self.since(self.orders, 60).profile_key)
        active = set(self.since(self.events, 60).profile_key)
        return set(self.orders.profile_key) - recent - active

    def loyal_shoppers(self) -> set[int]:
        sums = self.orders.groupby("profile_key").amount.agg(["count", "sum"])
        loyal = sums[(sums["count"] >= 3) & (sums["sum"].round(2) > 150)].index
        return set(loyal) & set(self.since(self.orders, 90).profile_key)

    def pricing_intent(self) -> set[int]:
        views = self.since(self.events, 7)
        views = views[(views.event == "page_viewed") & (views.page == "/pricing")]
        counts = views.groupby("profile_key").size()
        return set(counts[counts >= 3].index) - set(self.did("signed_up"))

    def consented(self, purpose: str) -> set[int]:
        said = self.decisions[
            (self.decisions.purpose == purpose)
            & (self.decisions.captured_at <= self.as_of)
        ]
        said = said.sort_values(["captured_at", "status"], ascending=[True, False])
        newest = said.drop_duplicates("subject_id", keep="last")
        placed = self.placed.merge(
            newest[["subject_id", "status"]], on="subject_id", how="left"
        )
        denied = set(placed[placed.status == "denied"].component_id)
        granted = placed[placed.status == "granted"]
        return set(granted[~granted.component_id.isin(denied)].profile_key)


@pytest.mark.parametrize("as_of", [UNTIL, EARLIER], ids=["end", "earlier"])
@pytest.mark.parametrize("segment", SEGMENTS)
def test_funnels_are_those_of_plain_data_frames(
    sample: Workspace, segment: str, as_of: datetime
) -> None:
    found = count_segment(sample, segment, as_of)
    frames = Frames(sample, as_of)
    member: Callable[[], set[int]] = getattr(frames, segment)
    members = member()
    consented = members & frames.consented(found.purpose)
    staged = {key for (key,) in sample.lake.rows("select profile_key from member")}
    assert staged == members and found.members == len(members)
    assert members or as_of == EARLIER
    assert found.consented == found.after_exclusions == len(consented)
    assert sum(people for _, _, people in found.losses) == len(members - consented)


def stays(workspace: Workspace, segment: str) -> pd.DataFrame:
    query = "select * from segment.membership where segment = $s order by all"
    return frame(workspace, query, s=segment)


def test_memberships_are_intervals_between_two_builds(copy: Path) -> None:
    with open_at(copy) as workspace:
        build_segments(workspace, as_of=EARLIER)
        count_segment(workspace, "lapsing_customers", EARLIER)
        before = {k for (k,) in workspace.lake.rows("select profile_key from member")}
        build_segments(workspace, as_of=UNTIL)
        count_segment(workspace, "lapsing_customers", UNTIL)
        after = {k for (k,) in workspace.lake.rows("select profile_key from member")}
        rows = stays(workspace, "lapsing_customers")
        left = rows[rows.left_at.notna()]
        assert set(left.profile_key) == before - after != set()
        assert set(rows[rows.left_at.isna()].profile_key) == after
        assert set(left.entered_at) == {pd.Timestamp(EARLIER)}
        assert set(left.left_at) == {pd.Timestamp(UNTIL)}
        assert set(left.cause_left) == {"event"}
        entered = rows[rows.entered_at == pd.Timestamp(UNTIL)]
        assert set(entered.profile_key) == after - before != set()
        assert set(entered.cause_entered) == {"tick"}


def test_a_second_build_writes_nothing(copy: Path) -> None:
    with open_at(copy) as workspace:
        first = build_segments(workspace, as_of=UNTIL)
        snapshot = workspace.lake.snapshot()
        second = build_segments(workspace, as_of=UNTIL)
        assert [one.is_new for one in first] == [True] * 4
        assert [one.is_new for one in second] == [False] * 4
        assert workspace.lake.snapshot() == snapshot
        assert [one.members for one in first] == [one.members for one in second]


def test_a_build_of_the_past_leaves_memberships_alone(copy: Path) -> None:
    with open_at(copy) as workspace:
        build_segments(workspace, ["lapsing_customers"], as_of=UNTIL)
        before = stays(workspace, "lapsing_customers")
        build_segments(workspace, ["lapsing_customers"], as_of=EARLIER)
        assert stays(workspace, "lapsing_customers").equals(before)
        assert workspace.lake.value("select count(*) from segment.result") == 2


def change_rule(home: Path, segment: str, **changes: Any) -> None:
    path = home / "config" / "segments" / f"{segment}.yaml"
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**document, **changes}))


def test_a_new_rule_is_the_cause_of_what_it_changes(copy: Path) -> None:
    everyone = {"attribute": "subjects", "op": "gte", "value": 1}
    with open_at(copy) as workspace:
        build_segments(workspace, ["loyal_shoppers"], as_of=UNTIL)
        change_rule(copy, "loyal_shoppers", rule=everyone)
        later = UNTIL + timedelta(hours=1)
        (built,) = build_segments(workspace, ["loyal_shoppers"], as_of=later)
        assert built.members == built.people
        rows = stays(workspace, "loyal_shoppers")
        new = rows[rows.entered_at == pd.Timestamp(later)]
        assert set(new.cause_entered) == {"rule_change"} and rows.left_at.isna().all()
        versions = workspace.lake.rows(
            "select valid_to is null, rule->>'$.rule.attribute' "
            "from segment.definition order by valid_from, 1"
        )
        assert versions.count((True, "subjects")) == 1 and len(versions) == 2
        log = (workspace.paths.audit / "log.jsonl").read_text().splitlines()
        told = [
            line for line in map(json.loads, log) if line["action"] == "change_rule"
        ]
        (changes,) = [line["detail"]["changes"] for line in told]
        assert changes and all(" rule" in change for change in changes)


def test_faults_of_several_segments_are_told_at_once(copy: Path) -> None:
    for segment in ("loyal_shoppers", "pricing_intent"):
        rule = {"attribute": "shoe_size", "op": "gt", "value": 40}
        change_rule(copy, segment, rule=rule)
    with open_at(copy) as workspace:
        snapshot = workspace.lake.snapshot()
        with pytest.raises(RuleInvalid) as caught:
            build_segments(workspace, as_of=UNTIL)
        assert [fault.path.partition(":")[0] for fault in caught.value.faults] == [
            "loyal_shoppers",
            "pricing_intent",
        ]
        assert workspace.lake.snapshot() == snapshot
        with pytest.raises(UnknownName, match="did you mean loyal_shoppers"):
            build_segments(workspace, ["loyal_shopper"], as_of=UNTIL)


def test_a_makeup_adds_up_to_the_segment_and_to_everyone(sample: Workspace) -> None:
    found = count_segment(sample, "loyal_shoppers", UNTIL)
    types = dict(workspace_population(sample.lake, UNTIL).attributes)
    scalars = [name for name, type_ in types.items() if not type_.endswith("[]")]
    assert {"loyalty_tier", "order_total", "last_order_at"} <= set(scalars)
    for name in scalars:
        bands = makeup(sample.lake, name, types)
        assert sum(people for _, people, _, _ in bands) == found.members
        assert sum(share for _, _, share, _ in bands) == pytest.approx(1)
        assert sum(share for _, _, _, share in bands) == pytest.approx(1)
        assert len(bands) <= 13
    bands = makeup(sample.lake, "sources", types)
    assert sum(people for _, people, _, _ in bands) >= found.members
    with pytest.raises(UnknownName, match="did you mean loyalty_tier"):
        makeup(sample.lake, "loyalty_teir", types)


def test_the_most_telling_attribute_is_the_one_most_unlike_everyones(
    sample: Workspace,
) -> None:
    lake, types = sample.lake, {"town": "VARCHAR", "plan": "VARCHAR"}
    people = "from range(100) as r(profile_key)"
    lake.stage(
        "person",
        "select profile_key, profile_key % 2 = 0 as town, "
        f"profile_key < 20 as plan {people}",
    )
    lake.stage("member", f"select profile_key {people} where profile_key < 20")
    town, plan = (makeup(lake, name, types) for name in ("town", "plan"))
    assert most_telling({"town": town, "plan": plan}) == "plan"
    assert most_telling({"town": town}) is None
    assert most_telling({}) is None


def test_a_makeup_counts_what_is_there(sample: Workspace) -> None:
    count_segment(sample, "loyal_shoppers", UNTIL)
    types = dict(workspace_population(sample.lake, UNTIL).attributes)
    counted = dict(
        sample.lake.rows(
            "select coalesce(loyalty_tier, '(none)'), count(*) "
            "from member join person using (profile_key) group by 1"
        )
    )
    found = makeup(sample.lake, "loyalty_tier", types)
    assert {value: people for value, people, _, _ in found if people} == counted


SENTENCES = {
    "cart_abandoners": "did product added in the last 14 days and did not do order "
    "completed in the last 14 days and (last order is missing or last order is "
    "14 days ago or longer)",
    "lapsing_customers": "order count is at least 1 and last order is 60 days ago "
    "or longer and did nothing in the last 60 days",
    "loyal_shoppers": "order count is at least 3 and order total is more than 150 and "
    "last order is in the last 90 days",
    "pricing_intent": "did page viewed where page is /pricing at least 3 times in the "
    "last 7 days and did not do signed up ever",
}


@pytest.mark.parametrize("segment", SEGMENTS)
def test_a_saved_segment_reads_as_english(sample: Workspace, segment: str) -> None:
    rule = saved_segments(sample)[segment].segment.rule
    assert sentence(rule) == SENTENCES[segment]


CASES = Path(__file__).parent.parent / "cases" / "segments"
RULES = [
    (f"{path.stem} {number}", case["rule"])
    for path in sorted(CASES.glob("*.yaml"))
    for number, case in enumerate(
        case
        for part in yaml.safe_load_all(path.read_text())
        for case in (part if isinstance(part, list) else part.get("cases", []))
        if isinstance(case, dict) and isinstance(case.get("rule"), dict)
    )
]


def test_every_kind_of_rule_reads_as_text() -> None:
    kinds = set()
    for name, rule in RULES:
        try:
            segment = parse({"segment": "one", "name": "one", "rule": rule})
        except RuleInvalid:
            continue
        text = sentence(segment.rule)
        kinds.add(type(segment.rule).__name__)
        assert text.strip() and "None" not in text, name
        assert "object at" not in text and "datetime." not in text, name
    assert len(kinds) >= 8


def test_the_sample_is_what_these_numbers_are_of() -> None:
    manifest = json.loads((SAMPLE / "manifest.json").read_text())
    assert datetime.fromisoformat(manifest["until"]) == UNTIL < NOW
    assert NOW.tzinfo is UTC
