"""Workspaces of former versions, as their users have them, opened by this one.

Each archive under `tests/cases/workspaces` was written by its own version
(`scripts/make-upgrade-case`) and is never made anew.
"""

from __future__ import annotations

import getpass
import json
import tarfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sample_workspace import NOW, REPOSITORY, ROLES, SOURCES, UNTIL

from dmp.flows.activate import sync_segments
from dmp.flows.backup import back_up, verify_backup
from dmp.flows.ingest import ingest
from dmp.flows.resolve import resolve_people
from dmp.flows.segments import build_segments
from dmp.flows.workspace import Workspace
from dmp.storage.lake import Lake

pytestmark = pytest.mark.slow

CASES = REPOSITORY / "tests" / "cases" / "workspaces"
ARCHIVES = sorted(CASES.glob("*.tar.xz"))
CLEAR = ("first_name", "last_name", "birth_date", "email", "phone", "address")
LATER = datetime(2026, 7, 2, tzinfo=UTC)


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The content of an archive: home, keys, later, contents.json."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    users = {"users": {getpass.getuser(): ROLES}}
    roles = tmp_path / "home" / "config" / "roles.yaml"
    roles.write_text(yaml.safe_dump(users))
    return tmp_path


@pytest.fixture
def upgraded(folder: Path) -> Iterator[Workspace]:
    environ = {"DMP_KEY_DIR": str(folder / "keys")}
    with Workspace(folder / "home", environ=environ, clock=lambda: NOW) as workspace:
        yield workspace


@pytest.fixture
def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "contents.json").read_text())
    return found


def digest(lake: Lake, table: str, columns: Sequence[str]) -> dict[str, Any]:
    cells = ", ".join(f'"{column}": "{column}"' for column in columns)
    rows, found = lake.row(
        "select count(*), md5(string_agg(line, chr(10) order by line)) from "
        f"(select to_json({{{cells}}})::varchar as line from {table})"
    )
    return {"rows": rows, "digest": found}


def vault_digest(workspace: Workspace) -> dict[str, Any]:
    lake = workspace.lake
    versions = lake.sql(
        "select distinct subject_id, load_id from core.record order by all"
    ).to_arrow_table()
    lake.connection.register("vault_clear", workspace.vault.read(versions, CLEAR))
    return digest(lake, "vault_clear", ["subject_id", "load_id", *CLEAR])


def test_there_is_a_case() -> None:
    assert [path.name for path in ARCHIVES][:1] == ["0.1.0.tar.xz"]


def test_every_table_and_clear_value_is_what_it_was(
    upgraded: Workspace, told: dict[str, Any]
) -> None:
    for table, entry in told["tables"].items():
        expected = {"rows": entry["rows"], "digest": entry["digest"]}
        assert digest(upgraded.lake, table, entry["columns"]) == expected, table
    assert told["vault"]["rows"] > 0
    assert vault_digest(upgraded) == told["vault"]
    assert upgraded.audit.verify().ok


def test_the_same_job_finds_nothing_to_do(
    upgraded: Workspace, told: dict[str, Any]
) -> None:
    profiles = people(upgraded)
    resolve_people(upgraded)
    build_segments(upgraded, as_of=UNTIL)
    sync_segments(upgraded, as_of=UNTIL)
    assert people(upgraded) == profiles
    for table in ("segment.membership", "activation.ledger", "core.event"):
        entry = told["tables"][table]
        expected = {"rows": entry["rows"], "digest": entry["digest"]}
        assert digest(upgraded.lake, table, entry["columns"]) == expected, table


def test_later_files_are_loaded_resolved_and_segmented(
    upgraded: Workspace, folder: Path
) -> None:
    before = set(people(upgraded))
    upgraded.clock = lambda: LATER
    for source in SOURCES:
        files = sorted((folder / "later" / source).iterdir())
        reports = ingest(upgraded, source, files)
        assert all(report.is_new for report in reports)
        assert sum(report.rows_accepted for report in reports) > 0
    resolution, _ = resolve_people(upgraded)
    assert resolution.is_new
    assert {profile for _, profile in before} <= all_profiles(upgraded)
    build_segments(upgraded, as_of=LATER)
    sync_segments(upgraded, as_of=LATER)
    assert upgraded.audit.verify().ok


def test_it_is_backed_up_whole(upgraded: Workspace, folder: Path) -> None:
    back_up(upgraded, folder / "backup")
    assert verify_backup(folder / "backup").files


def people(workspace: Workspace) -> list[tuple[int, str]]:
    """Return which subject is in which profile."""
    rows = workspace.lake.rows(
        "select a.subject_id, p.profile_id from identity.assignment as a "
        "join identity.profile as p using (profile_key) "
        "where a.valid_to is null order by all"
    )
    return [(subject, profile) for subject, profile in rows]


def all_profiles(workspace: Workspace) -> set[str]:
    return {
        p for (p,) in workspace.lake.rows("select profile_id from identity.profile")
    }
