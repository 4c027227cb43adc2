"""Features at an instant: what they say, and that nothing of later is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_people import BEGIN, END, make_people, profile_id

import dmp
from dmp.core.errors import NotAllowed, UsageError
from dmp.core.sql import Name, Query, row, sql
from dmp.flows.science import feature_docs, features
from dmp.flows.workspace import Workspace
from dmp.storage.lake import Lake
from dmp.storage.write import append, change, commit

pytestmark = pytest.mark.slow

AS_OF = BEGIN + timedelta(days=120)
LATER = AS_OF + timedelta(days=5)
DAY = timedelta(days=1)


@pytest.fixture
def made(workspace: Workspace) -> Workspace:
    """Sixty people, to write to."""
    make_people(workspace.lake, 60)
    return workspace


def frame(workspace: Workspace, as_of: datetime = AS_OF, **given: Any) -> pd.DataFrame:
    found = features(as_of, workspace=workspace, **given).df()
    return found.set_index("profile_id")


def plant(lake: Lake, table: str, **values: Any) -> None:
    commit(lake, [append(table, row(**values))], message="plant")


def load(lake: Lake, load_id: str, loaded_at: datetime, source: str = "made") -> None:
    plant(lake, "ops.load", load_id=load_id, source=source, loaded_at=loaded_at)


def event(
    lake: Lake, occurred_at: datetime, received_at: datetime, load_id: str
) -> None:
    plant(
        lake,
        "core.event",
        event_id=f"00000000-0000-0000-0000-{abs(hash(load_id)) % 10**12:012d}",
        subject_id=0,
        source="made",
        load_id=load_id,
        event="product_viewed",
        occurred_at=occurred_at,
        received_at=received_at,
        platform="app",
    )


def check_who_was_not_known_has_no_row(made: Workspace) -> None:
    first = made.lake.value("select min(occurred_at) from core.event")
    found = frame(made, BEGIN - DAY)
    assert found.empty
    assert len(frame(made, first)) == 60  # consent of all is from the beginning
    assert frame(made, first).event_count.sum() == 1


def check_every_column_is_explained_and_forms_agree(made: Workspace) -> None:
    asked = {"workspace": made, "windows": (7, 28), "events": ["a b'; drop", "x"]}
    rows = dmp.features(AS_OF.isoformat(), **asked)
    docs = feature_docs(AS_OF, **asked)
    assert rows.columns == ("profile_id", *docs)
    assert all(docs.values())
    assert "did_a b'; drop_28d" in rows.columns
    arrow = rows.arrow()
    assert arrow.num_rows == len(rows.df()) == len(set(arrow["profile_id"].to_pylist()))
    assert arrow["profile_id"].to_pylist() == sorted(arrow["profile_id"].to_pylist())


def test_each_number_is_what_the_rows_up_to_then_add_up_to(made: Workspace) -> None:
    rows = (
        made.lake.sql(
            "select p.profile_id, e.occurred_at, null::double as amount "
            "from core.event as e join identity.assignment using (subject_id) "
            "join identity.profile as p using (profile_key) union all "
            "select p.profile_id, t.occurred_at, t.amount "
            "from core.transaction as t join identity.assignment using (subject_id) "
            "join identity.profile as p using (profile_key)"
        )
        .to_arrow_table()
        .to_pandas()
    )
    rows = rows[rows.occurred_at <= AS_OF]
    found = frame(made, windows=(30,))
    recent = rows[rows.occurred_at > pd.Timestamp(AS_OF - 30 * DAY)]
    for name, part in (("", rows), ("_30d", recent)):
        events = part[part.amount.isna()].groupby("profile_id").size()
        orders = part[part.amount.notna()].groupby("profile_id").amount
        for column, expected in (
            (f"event_count{name}", events),
            (f"order_count{name}", orders.size()),
            (f"order_total{name}", orders.sum()),
        ):
            wanted = expected.reindex(found.index).fillna(0)
            assert found[column].astype(float).tolist() == pytest.approx([*wanted])
    bought = rows[rows.amount.notna()].groupby("profile_id").occurred_at
    days = (pd.Timestamp(AS_OF) - bought.max()).dt.total_seconds() / 86400
    wanted = days.reindex(found.index)
    both = pd.concat([found.days_since_order, wanted], axis=1)
    assert both.isna().all(axis=1).sum() + len(both.dropna()) == len(found)
    assert both.dropna().diff(axis=1).iloc[:, 1].abs().max() < 1e-6
    assert (found.consent_advertising != "unknown").all()
    check_who_was_not_known_has_no_row(made)
    check_every_column_is_explained_and_forms_agree(made)


def test_what_happens_later_changes_nothing_at_all(made: Workspace) -> None:
    before = frame(made)
    cut = frame(made, END)
    for table in ("core.event", "core.transaction"):
        later = sql(
            "delete from {t} where occurred_at > $at", t=Name.of(table), at=AS_OF
        )
        commit(made.lake, [change(table, later)], message="cut")
    pd.testing.assert_frame_equal(frame(made), before)
    assert not frame(made, END).event_count.equals(cut.event_count)


def test_what_comes_late_is_not_known_before_it_comes(made: Workspace) -> None:
    before = frame(made)
    happened = AS_OF - DAY
    load(made.lake, "late", LATER)
    event(made.lake, happened, LATER, "late")
    load(made.lake, "dated", LATER + DAY)
    event(made.lake, happened, AS_OF + timedelta(seconds=1), "dated")
    pd.testing.assert_frame_equal(frame(made), before)
    person = profile_id(0)
    since = frame(made, LATER + 2 * DAY).event_count[person]
    by_instant = frame(made, known="occurred").event_count[person]
    assert by_instant == before.event_count[person] + 2
    event(made.lake, happened, AS_OF, "dated again")
    load(made.lake, "dated again", LATER + DAY)
    assert frame(made).event_count[person] == before.event_count[person] + 1
    assert frame(made, LATER + 2 * DAY).event_count[person] == since + 1


def test_a_purchase_is_as_it_was_told_then(made: Workspace) -> None:
    lake = made.lake
    before = frame(made)
    load(lake, "first", AS_OF - 2 * DAY)
    told = {
        "transaction_id": "00000000-0000-0000-0000-00000000000a",
        "subject_id": 1,
        "source": "made",
        "occurred_at": AS_OF - 3 * DAY,
        "currency": "GBP",
        "quantity": 1,
    }
    version = {"amount": 10.0, "load_id": "first", "recorded_at": AS_OF - 2 * DAY}
    load(lake, "correction", LATER)
    plant(lake, "core.transaction_version", **told, **version, replaced_at=LATER)
    now = {"amount": 99.0, "load_id": "correction", "recorded_at": LATER}
    plant(lake, "core.transaction", **told, **now)
    person = profile_id(1)
    assert before.order_total[person] == 0
    assert frame(made).order_total[person] == 10.0
    assert frame(made, LATER).order_total[person] == 99.0
    assert frame(made, AS_OF - timedelta(days=2.5)).order_total[person] == 0


def test_consent_and_attributes_are_those_of_then(made: Workspace) -> None:
    lake, person = made.lake, profile_id(2)
    before = frame(made)
    decision = {"subject_id": 2, "purpose": "advertising", "source": "made"}
    said = {"granted": "denied", "denied": "granted"}
    opposite = said[before.consent_advertising[person]]
    plant(lake, "privacy.consent", **decision, status=opposite, captured_at=LATER)
    plant(
        lake,
        "privacy.consent",
        subject_id=2,
        purpose="later_purpose",
        status="granted",
        captured_at=LATER,
        source="made",
    )
    version = Query(
        "update profile.profile set valid_to = $at where profile_key = 1002",
        {"at": LATER},
    )
    newer = sql(
        "select * replace ($at as valid_from, null as valid_to, "
        "struct_pack(_ := null::boolean, loyalty_tier := 'platinum') as attributes) "
        "from profile.profile where profile_key = 1002",
        at=LATER,
    )
    lake.stage("newer", newer)
    writes = [
        change("profile.profile", version),
        append("profile.profile", Name("newer")),
    ]
    commit(lake, writes, message="a new version")
    pd.testing.assert_frame_equal(frame(made), before)
    after = frame(made, LATER)
    assert after.consent_advertising[person] == opposite
    assert after.attribute_loyalty_tier[person] == "platinum"
    assert after.consent_later_purpose[person] == "granted"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"as_of": "yesterday"}, "yesterday"),
        ({"as_of": datetime(2026, 5, 1)}, "zone"),
        ({"as_of": AS_OF, "windows": (0,)}, "windows"),
        ({"as_of": AS_OF, "windows": ()}, "windows"),
        ({"as_of": AS_OF, "known": "guessed"}, "guessed"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    workspace: Workspace, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        features(**given, workspace=workspace)


def test_rows_of_people_need_the_analyst(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMP_ROLE", "marketer")
    monkeypatch.setenv("DMP_HOME", str(home))
    with pytest.raises(NotAllowed, match="analyst"):
        dmp.features(datetime.now(UTC))
