"""Each load is on record once it is in, whatever becomes of the files after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dmp.core.errors import UsageError
from dmp.flows.demo import generate_people
from dmp.flows.ingest import ingest
from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace
from dmp.privacy.audit import AuditLog


def records(workspace: Workspace, action: str) -> list[dict[str, Any]]:
    lines = (workspace.paths.audit / "log.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one["action"] == action]


def recorded(workspace: Workspace) -> list[str]:
    return [one["detail"]["load"] for one in records(workspace, "ingest")]


def test_a_file_that_cannot_be_read_takes_no_load_off_the_record(
    tmp_path: Path,
) -> None:
    with Workspace(initialise(tmp_path / "ws").home) as workspace:
        generate_people(workspace, people=60, seed=1, events=False)
        good = sorted((workspace.paths.home / "data" / "landing" / "crm").iterdir())[:2]
        broken = tmp_path / "broken.csv"
        broken.write_bytes(b"PK\x03\x04" * 100)
        with pytest.raises(UsageError, match=r"broken\.csv is a zip archive"):
            ingest(workspace, "crm", [*good, broken])
        loads = workspace.lake.rows("select load_id from ops.load order by loaded_at")
        assert recorded(workspace) == [load_id for (load_id,) in loads]
        assert len(loads) == len(good)


def test_a_load_that_could_not_be_recorded_is_recorded_by_whoever_works_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = initialise(tmp_path / "ws").home
    with Workspace(home) as workspace:
        generate_people(workspace, people=60, seed=1, events=False)

    def full(*_: object, **__: object) -> int:
        raise OSError("the disk of the audit log is full")

    with monkeypatch.context() as patch:
        patch.setattr(AuditLog, "append", full)
        with pytest.raises(OSError, match="is full"), Workspace(home) as workspace:
            ingest(workspace, "crm")
    with Workspace(home) as workspace:
        [(load,)] = workspace.lake.rows("select load_id from ops.load")
        assert recorded(workspace) == []
        for source in ("crm", "shop"):
            ingest(workspace, source)
        [late] = records(workspace, "unrecorded")
        assert late["detail"]["did"] == f"load {load}"
        assert late["actor"] == workspace.caller.actor
        assert load not in recorded(workspace)
        assert workspace.audit.verify().ok
    assert [*(workspace.paths.audit / "running").iterdir()] == [
        workspace.paths.audit / "running" / "lock"
    ]


def test_what_follows_from_a_change_is_no_change_of_its_own(tmp_path: Path) -> None:
    with Workspace(initialise(tmp_path / "ws").home) as workspace:
        authors = workspace.lake.rows(
            "select author, commit_extra_info ->> 'run' from lake.snapshots() "
            "where commit_message like 'migrate%'"
        )
        assert authors == [(workspace.caller.actor, None)]
