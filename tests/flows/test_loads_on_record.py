"""Each load is on record once it is in, whatever becomes of the files after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dmp.core.errors import UsageError
from dmp.flows.demo import generate_people
from dmp.flows.ingest import ingest
from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace


def recorded(workspace: Workspace) -> list[str]:
    lines = (workspace.paths.audit / "log.jsonl").read_text().splitlines()
    records = map(json.loads, lines)
    return [r["detail"]["load"] for r in records if r["action"] == "ingest"]


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
