from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dmp.core.accounts import current_account
from dmp.core.errors import ConfigInvalid, DMPError, NotAllowed, UnknownName, UsageError
from dmp.flows import activate, demo, explore, ingest, looks, maintain, resolve
from dmp.flows import segments as flow
from dmp.flows.initialise import initialise
from dmp.flows.status import status
from dmp.flows.workspace import Workspace, open_workspace
from dmp.privacy import Permission
from dmp.privacy.roles import HELD_BY_PEOPLE

AS_OF = datetime(2026, 6, 30, tzinfo=UTC)
PEOPLE = {"analyst", "matcher", "marketer", "privacy_officer", "engineer", "admin"}
COUNTERS = PEOPLE - {"admin"}

# Who may do what, written down apart from the table that the code reads.
FUNCTIONS: Mapping[str, tuple[set[str], Callable[[Workspace], Any]]] = {
    "generate": (
        {"engineer"},
        lambda w: demo.generate_people(w, people=20, seed=1, events=False),
    ),
    "ingest": ({"engineer"}, lambda w: ingest.ingest(w, "crm")),
    "dry run of a load": ({"engineer"}, lambda w: ingest.dry_run(w, "crm")),
    "replay": ({"engineer"}, lambda w: ingest.replay_refused(w, "crm")),
    "train": ({"matcher"}, resolve.train_linkage),
    "resolve": ({"matcher", "engineer"}, resolve.resolve_people),
    "validate": (COUNTERS, flow.validate_segments),
    "count": (COUNTERS, lambda w: flow.count_segment(w, "loyal_shoppers", AS_OF)),
    "members": (
        {"analyst", "matcher"},
        lambda w: flow.segment_members(w, "loyal_shoppers", AS_OF),
    ),
    "preview": (
        {"analyst"},
        lambda w: flow.preview_segment(w, "loyal_shoppers", AS_OF),
    ),
    "build": (
        {"analyst", "engineer"},
        lambda w: flow.build_segments(w, ["loyal_shoppers"], as_of=AS_OF),
    ),
    "sync": ({"marketer"}, lambda w: activate.sync_segments(w, as_of=AS_OF)),
    "dry run": (
        {"marketer"},
        lambda w: activate.sync_segments(w, as_of=AS_OF, dry_run=True),
    ),
    "maintain": ({"engineer"}, lambda w: maintain.maintain(w, keep_days=7)),
    "sql": ({"analyst", "matcher"}, lambda w: w.sql("from core.event")),
    "look at refused rows": (COUNTERS, looks.refused_by_reason),
    "look at a profile": (COUNTERS, looks.largest_profile),
    "page of segments": (
        COUNTERS,
        lambda w: explore.WorkspaceSegments(w).segments(),
    ),
    "page: funnel": (
        COUNTERS,
        lambda w: explore.WorkspaceSegments(w).funnel("loyal_shoppers"),
    ),
    "page: download": (
        {"marketer"},
        lambda w: explore.WorkspaceSegments(w).download("loyal_shoppers", "csv"),
    ),
    "status": (PEOPLE, status),
}


@pytest.fixture(scope="module")
def workspaces(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Workspace]]:
    """Give an empty workspace as somebody in one role sees it."""
    home = tmp_path_factory.mktemp("roles")
    made: dict[str, Workspace] = {}
    initialise(home)

    def of(role: str) -> Workspace:
        if role not in made:
            environ = {**os.environ, "DMP_ROLE": role}
            made[role] = Workspace(home, environ=environ)
        return made[role]

    yield of
    for workspace in made.values():
        workspace.close()


@pytest.mark.parametrize("role", sorted(PEOPLE))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_may_do_what_it_holds_and_no_more(
    workspaces: Callable[[str], Workspace], function: str, role: str
) -> None:
    roles, call = FUNCTIONS[function]
    workspace = workspaces(role)
    if role not in roles:
        with pytest.raises(NotAllowed, match=f"is not allowed to {role}"):
            call(workspace)
        return
    try:
        call(workspace)
    except (DMPError, LookupError) as error:  # an empty workspace has nothing to do
        assert not isinstance(error, NotAllowed), error


def write_users(home: Path, users: Mapping[str, list[str]]) -> None:
    document = yaml.safe_dump({"users": dict(users)})
    (home / "config" / "roles.yaml").write_text(document)


def roles_of(home: Path, **environ: str) -> set[str]:
    with Workspace(home, environ=environ) as workspace:
        return {str(role) for role in workspace.caller.roles}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DMP_KEY_DIR": str(tmp_path / "keys")}


def test_while_nobody_is_named_the_owner_holds_all(
    home: Path, environ: dict[str, str]
) -> None:
    write_users(home, {})
    assert roles_of(home, **environ) == {str(role) for role in HELD_BY_PEOPLE}
    assert "sender" not in roles_of(home, **environ)


def test_while_nobody_is_named_others_than_the_owner_hold_none(
    home: Path, environ: dict[str, str]
) -> None:
    write_users(home, {})
    assert roles_of(home, **environ)
    identity = home / "data" / "workspace.json"
    identity.write_text(
        identity.read_text().replace(current_account().user, "somebody")
    )
    assert roles_of(home, **environ) == set()


def test_as_soon_as_one_is_named_only_those_hold_any(
    home: Path, environ: dict[str, str]
) -> None:
    write_users(home, {"somebody_else": ["analyst"]})
    assert roles_of(home, **environ) == set()
    with (
        Workspace(home, environ=environ) as workspace,
        pytest.raises(NotAllowed, match="no role"),
    ):
        workspace.allow(Permission.COUNT)


def test_the_variable_narrows(home: Path, environ: dict[str, str]) -> None:
    write_users(home, {current_account().user: ["analyst", "marketer", "engineer"]})
    assert roles_of(home, **environ, DMP_ROLE="marketer") == {"marketer"}
    assert roles_of(home, **environ, DMP_ROLE="marketer, analyst") == {
        "marketer",
        "analyst",
    }


def test_the_variable_never_widens(home: Path, environ: dict[str, str]) -> None:
    write_users(home, {current_account().user: ["analyst"]})
    with pytest.raises(NotAllowed, match="asks for engineer"):
        roles_of(home, **environ, DMP_ROLE="analyst,engineer")
    with pytest.raises(UnknownName, match="did you mean analyst"):
        roles_of(home, **environ, DMP_ROLE="analist")


def test_nobody_is_given_the_role_of_a_sync(
    home: Path, environ: dict[str, str]
) -> None:
    write_users(home, {current_account().user: ["sender"]})
    with pytest.raises(UsageError, match="no person holds"):
        roles_of(home, **environ)


def test_all_faults_of_the_configuration_come_at_once(home: Path) -> None:
    (home / "config" / "dmp.yaml").write_text(
        "timezone: Europe/Londn\nminimum_cell: 0\nminimun_cell: 5\n"
        "retention: {refused_bodies_days: soon, refused_rows: 1}\n"
    )
    with Workspace(home) as workspace, pytest.raises(ConfigInvalid) as error:
        assert workspace.settings
    assert {fault.path for fault in error.value.faults} == {
        "timezone",
        "minimum_cell",
        "minimun_cell",
        "retention.refused_bodies_days",
        "retention.refused_rows",
    }
    assert str(error.value).startswith("config/dmp.yaml: 5 faults")


@pytest.mark.parametrize(
    ("file", "call"),
    [
        ("roles.yaml", lambda w: w.caller),
        ("identity.yaml", resolve.identity_settings),
        ("profile.yaml", resolve.profile_settings),
        ("sources/crm.yaml", ingest.contracts),
        ("segments/loyal_shoppers.yaml", flow.saved_segments),
        ("destinations/warehouse.yaml", activate.destinations),
    ],
)
def test_an_unknown_key_is_refused_in_every_file(
    home: Path, file: str, call: Callable[[Workspace], Any]
) -> None:
    path = home / "config" / file
    path.write_text("no_such_key: 1\n" + path.read_text())
    with Workspace(home) as workspace, pytest.raises(UsageError, match="no_such_key"):
        call(workspace)


def test_the_environment_wins_over_the_file(home: Path) -> None:
    environ = {"DMP_TIMEZONE": "Asia/Tokyo", "DMP_REGION": "JP"}
    with Workspace(home, environ=environ) as workspace:
        assert (workspace.settings.timezone, workspace.settings.region) == (
            "Asia/Tokyo",
            "JP",
        )


def test_a_folder_without_configuration_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dmp init DIR"):
        open_workspace(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_nothing_is_made_before_it_is_used(home: Path) -> None:
    with Workspace(home) as workspace:
        assert workspace.settings.minimum_cell >= 1
    assert not (home / "data").exists()


def test_a_closed_workspace_opens_again(home: Path) -> None:
    workspace = Workspace(home)
    before = workspace.lake
    snapshot = before.snapshot()
    workspace.close()
    assert not [*(home / "data" / "tmp").iterdir()]
    assert workspace.lake is not before
    assert workspace.lake.snapshot() == snapshot
    workspace.close()


def test_a_status_is_read_alone(workspace: Workspace) -> None:
    snapshot = workspace.lake.snapshot()
    found = status(workspace)
    assert workspace.lake.snapshot() == found.snapshot == snapshot
    assert set(found.counts.values()) == {0}
    assert (found.sources, found.model, found.last_resolved_at) == ([], "", None)
    assert (found.commit_lock, found.run_lock) == ("free", "free")
    assert len(found.fences) == 3


def test_other_people_are_never_put_in_the_place_of_those_there(
    workspace: Workspace,
) -> None:
    demo.generate_people(workspace, people=20, seed=1, events=False)
    mine = workspace.paths.data / "landing" / "crm" / "mine.csv"
    mine.write_text("CUST_NO\n1\n")
    before = {path: path.read_bytes() for path in mine.parent.iterdir()}
    with pytest.raises(UsageError, match=r"holds 20 people of seed 1"):
        demo.generate_people(workspace, people=30, seed=1)
    assert {path: path.read_bytes() for path in mine.parent.iterdir()} == before
    landed = demo.ensure_people(workspace, people=30, seed=1)
    assert landed.until.startswith("2026-06-30")
    assert {path: path.read_bytes() for path in mine.parent.iterdir()} == before


def test_data_of_ones_own_is_used_as_it_is(workspace: Workspace) -> None:
    mine = workspace.paths.data / "landing" / "crm" / "mine.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("CUST_NO\n1\n")
    assert demo.ensure_people(workspace, people=30, seed=1).folder == mine.parent.parent
    assert [p for p in mine.parent.parent.rglob("*") if p.is_file()] == [mine]
