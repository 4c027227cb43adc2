"""Each check on a lake in which one thing is wrong, and on one in which nothing is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from dmp.core.errors import ConfigInvalid
from dmp.core.sql import Name, Query, row, sql
from dmp.quality.checks import CHECKS, Ground, bound_of
from dmp.quality.results import Result, judged, measure
from dmp.quality.settings import Bound, Bridges, Late, QualitySettings, Windowed
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields, migrate
from dmp.storage.write import Write, append, change, commit

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIELDS = {"crm": ["tier"]}
Add = Callable[..., None]
BY_NAME = {check.name: check for check in CHECKS}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake for all cases; each leaves it empty."""
    with Lake(tmp_path_factory.mktemp("checks") / "lake") as opened:
        migrate(opened)
        commit(opened, [change("ops.migration", delete("ops.migration"))], message="")
        yield opened


@pytest.fixture
def add(lake: Lake) -> Iterator[Add]:
    """Add rows to tables, together once something is measured."""
    waiting: list[Write] = []
    pending[lake] = waiting
    touched: set[str] = {"core.record"}

    def added(table: str, **values: Any) -> None:
        touched.add(table)
        waiting.append(append(table, row(**values)))

    yield added
    pending.pop(lake)
    commit(lake, [change(t, delete(t)) for t in sorted(touched)], message="empty")


pending: dict[Lake, list[Write]] = {}


def delete(table: str) -> Query:
    return sql("delete from {t}", t=Name.of(table))


def found(lake: Lake, check: str, **bounds: Any) -> dict[str, Result]:
    """Return what one check finds, by scope."""
    if waiting := pending.get(lake):
        commit(lake, waiting, message="case")
        waiting.clear()
    none: dict[str, Any] = dict.fromkeys(BY_NAME)
    default = getattr(QualitySettings(), check)
    settings = QualitySettings(**{**none, check: default, **bounds})
    results = measure(lake, settings, Ground(NOW, FIELDS))
    return {result.scope: result for result in results}


def load(
    add: Add, number: int, at: datetime, rows: int = 100, refused: int = 0
) -> None:
    add(
        "ops.load",
        load_id=f"l{number}",
        source="crm",
        loaded_at=at,
        rows_read=rows,
        rows_refused=refused,
    )


def test_an_empty_lake_passes_or_has_nothing_to_measure(lake: Lake) -> None:
    results = measure(lake, QualitySettings(), Ground(NOW, {}))
    assert {r.status for r in results} == {"passed", "not_measured"}
    measured = {r.check_name for r in results if r.status == "passed"}
    assert measured == {"duplicates"}


@pytest.mark.parametrize(
    ("age", "status"), [(29 * HOUR, "passed"), (31 * HOUR, "failed")]
)
def test_freshness_is_the_age_of_the_newest_load(
    lake: Lake, add: Add, age: timedelta, status: str
) -> None:
    load(add, 1, NOW - 9 * DAY)
    load(add, 2, NOW - age)
    result = found(lake, "freshness")["crm"]
    assert (result.status, result.measured) == (status, age / HOUR)


@pytest.mark.parametrize(
    ("newest", "share"), [(100, 1.0), (29, 0.29), (400, 0.25)], ids=str
)
def test_volume_is_the_newest_day_beside_the_usual_one(
    lake: Lake, add: Add, newest: int, share: float
) -> None:
    for day in range(1, 5):
        load(add, day, NOW - day * DAY)
    load(add, 9, NOW - HOUR, rows=newest)
    result = found(lake, "volume")["crm"]
    assert result.measured == pytest.approx(share)
    assert result.status == ("passed" if share >= 0.3 else "failed")


def test_two_days_make_no_usual_volume(lake: Lake, add: Add) -> None:
    for day in range(3):
        load(add, day, NOW - day * DAY, rows=1 + 1000 * day)
    assert found(lake, "volume")["crm"].status == "not_measured"


def test_nulls_are_counted_on_the_newest_record_of_each_person(
    lake: Lake, add: Add
) -> None:
    ensure_fields(lake, "core.record", "attributes", {"tier": "varchar"})
    versions = [
        (1, "gold", 2),
        (1, None, 1),
        (2, None, 2),
        (2, "gold", 1),
        (3, None, 1),
    ]
    for subject, tier, age in versions:
        lake.stage(
            "version",
            "select $s::bigint as subject_id, 'crm' as source, $l as load_id, $at as "
            "recorded_at, {'_': null::boolean, 'tier': $tier::varchar} as attributes",
            s=subject,
            l=f"l{age}",
            at=NOW - (3 - age) * DAY,
            tier=tier,
        )
        commit(
            lake, [append("core.record", lake.stage("v", "from version"))], message=""
        )
    result = found(lake, "nulls")["crm.tier"]
    assert (result.failing, result.measured) == (2, pytest.approx(2 / 3))
    assert result.status == "failed"
    rows = lake.rows(BY_NAME["nulls"].rows(Bound(limit=0), Ground(NOW, FIELDS)))  # type: ignore[misc]
    assert sorted(rows) == [("crm.tier", 2), ("crm.tier", 3)]


def test_a_row_with_the_key_of_another_is_a_duplicate(lake: Lake, add: Add) -> None:
    load(add, 1, NOW)
    assert found(lake, "duplicates")["ops.load"].status == "passed"
    load(add, 1, NOW)
    load(add, 1, NOW)
    result = found(lake, "duplicates")["ops.load"]
    assert (result.status, result.failing) == ("failed", 2)
    rows = lake.rows(BY_NAME["duplicates"].rows(Bound(limit=0), Ground(NOW, {})))  # type: ignore[misc]
    assert [(scope, n) for scope, _, n in rows] == [("ops.load", 3)]


def test_events_received_long_after_they_happened_are_late(
    lake: Lake, add: Add
) -> None:
    for number, (late, age) in enumerate(
        [(HOUR, DAY), (71 * HOUR, DAY), (73 * HOUR, DAY), (900 * HOUR, 29 * DAY)]
    ):
        add(
            "core.event",
            event_id=UUID(int=number),
            source="web",
            occurred_at=NOW - age - late,
            received_at=NOW - age,
        )
    result = found(lake, "late_events")["web"]
    assert (result.failing, result.measured) == (1, pytest.approx(1 / 3))
    rows = lake.rows(
        BY_NAME["late_events"].rows(Late(limit=0), Ground(NOW, {}))  # type: ignore[misc]
    )
    assert rows == [("web", UUID(int=2))]


def person(add: Add, profile: int, *subjects: tuple[int, str, str]) -> None:
    add("profile.profile", profile_key=profile, subjects=len(subjects), valid_from=NOW)
    for subject, source, kind in subjects:
        add("identity.subject", subject_id=subject, source=source, kind=kind)
        add("identity.assignment", subject_id=subject, profile_key=profile)


def test_match_rate_is_who_is_known_elsewhere_too(lake: Lake, add: Add) -> None:
    person(add, 1, (1, "crm", "user"), (2, "shop", "record"))
    person(add, 2, (3, "crm", "user"), (4, "crm", "user"))
    person(add, 3, (5, "crm", "user"))
    person(add, 4, (6, "web", "device"))
    results = found(lake, "match_rate", match_rate=Bound(limit=0.3))
    assert results["crm"].measured == pytest.approx(1 / 4)
    assert results["shop"].measured == 1
    assert {scope: r.status for scope, r in results.items()} == {
        "crm": "failed",
        "shop": "passed",
    }


def test_with_one_source_nobody_could_be_matched(lake: Lake, add: Add) -> None:
    person(add, 1, (1, "crm", "user"))
    assert found(lake, "match_rate")["crm"].status == "not_measured"


def test_a_profile_of_too_many_subjects_is_a_blow_up(lake: Lake, add: Add) -> None:
    for key, subjects, until in ((1, 3, None), (2, 50, None), (3, 900, NOW)):
        add("profile.profile", profile_key=key, subjects=subjects, valid_to=until)
    result = found(lake, "cluster_size")[""]
    assert (result.status, result.measured, result.failing) == ("passed", 50, 0)
    result = found(lake, "cluster_size", cluster_size=Bound(limit=49))[""]
    assert (result.status, result.failing) == ("failed", 1)


def test_a_person_held_together_by_one_edge_is_a_bridge(lake: Lake, add: Add) -> None:
    for profile in (1, 3):
        person(add, profile, *((profile + n, "crm", "user") for n in (0, 1)))
    for one, held, used in ((1, 3, True), (3, 2, True), (3, 9, False)):
        add(
            "identity.edge",
            subject_id_l=one,
            subject_id_r=one + 1,
            is_used=used,
            held_alone=held,
        )
    result = found(lake, "bridges")[""]
    assert (result.status, result.measured, result.failing) == ("failed", 0.5, 1)
    more = Bridges(limit=1, subjects=2)
    result = found(lake, "bridges", bridges=more)[""]
    assert (result.status, result.failing) == ("passed", 2)


def test_consent_is_missing_where_nobody_decided_either_way(
    lake: Lake, add: Add
) -> None:
    for profile in (1, 2, 3):
        person(add, profile, (profile, "crm", "user"))
    add("privacy.consent", subject_id=1, purpose="ads", status="denied")
    add("privacy.consent", subject_id=1, purpose="ads", status="granted")
    add("privacy.consent", subject_id=2, purpose="mail", status="granted")
    add("privacy.consent", subject_id=3, purpose="mail", status="granted")
    results = found(lake, "consent_missing", consent_missing=Bound(limit=0.5))
    assert {s: (r.failing, r.status) for s, r in results.items()} == {
        "ads": (2, "failed"),
        "mail": (1, "passed"),
    }


def test_the_newest_load_tells_the_refusal_rate_and_no_replay_does(
    lake: Lake, add: Add
) -> None:
    load(add, 1, NOW - DAY, refused=90)
    load(add, 2, NOW - HOUR, refused=6)
    add(
        "ops.load",
        load_id="l3",
        source="crm",
        loaded_at=NOW,
        replay_of="l2",
        rows_read=6,
        rows_refused=6,
    )
    result = found(lake, "refusal_rate")["crm"]
    assert (result.status, result.measured, result.failing) == ("failed", 0.06, 6)


def test_the_newest_syncs_of_a_destination_tell_its_rejection_rate(
    lake: Lake, add: Add
) -> None:
    for number, (segment, accepted, age, status) in enumerate(
        [
            ("a", 0, DAY, "written"),
            ("a", 100, HOUR, "written"),
            ("b", 50, HOUR, "written"),
            ("b", 0, timedelta(0), "held"),
        ]
    ):
        add(
            "activation.sync",
            sync_id=f"s{number}",
            destination="mail",
            segment=segment,
            sent=100,
            accepted=accepted,
            status=status,
            synced_at=NOW - age,
        )
    result = found(lake, "rejection_rate")["mail"]
    assert (result.status, result.measured, result.failing) == ("failed", 0.25, 50)


def test_a_scope_has_a_bound_of_its_own_or_none(lake: Lake, add: Add) -> None:
    load(add, 1, NOW - 40 * HOUR)
    looser = Bound(limit=30, scopes={"crm": 50})
    assert found(lake, "freshness", freshness=looser)["crm"].status == "passed"
    without = Bound(limit=30, scopes={"crm": None})
    assert found(lake, "freshness", freshness=without) == {}


def test_every_check_has_a_bound_and_every_bound_a_check() -> None:
    assert set(QualitySettings.model_fields) == set(BY_NAME)
    assert all(bound_of(check, QualitySettings()) for check in CHECKS)


@pytest.mark.parametrize(
    ("name", "measured", "status"),
    [
        ("freshness", 1.0, "passed"),
        ("freshness", 1.01, "failed"),
        ("match_rate", 1.0, "passed"),
        ("match_rate", 0.99, "failed"),
        ("match_rate", None, "not_measured"),
    ],
)
def test_a_bound_that_is_reached_is_kept(
    name: str, measured: float | None, status: str
) -> None:
    assert judged(BY_NAME[name], measured, 1.0) == status


def test_windows_are_whole_days() -> None:
    assert Windowed(limit=1, days=7).days == 7
    with pytest.raises(ValueError, match="days"):
        Windowed(limit=1, days=0)


def test_all_faults_of_the_file_come_at_once(workspace: Any) -> None:
    from dmp.flows.quality import quality_settings

    path = workspace.paths.config / "quality.yaml"
    path.write_text("freshness: {limit: -1}\nnul: {limit: 1}\nvolume: 3\n")
    with pytest.raises(ConfigInvalid) as error:
        quality_settings(workspace)
    assert {fault.path for fault in error.value.faults} == {
        "freshness.limit",
        "nul",
        "volume",
    }
    path.unlink()
    assert quality_settings(workspace) == QualitySettings()
