"""Maintenance: what it says of the files, and that it does all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmp.core.errors import KeyMissing
from dmp.core.sql import Query
from dmp.flows.initialise import initialise
from dmp.flows.maintain import maintain
from dmp.flows.workspace import Workspace
from dmp.storage.write import append, commit

_ROW = (
    "select $n::bigint as subject_id, 'crm' as source, 'record' as kind, "
    "'load' as load_id, now() as first_seen_at"
)


def files(home: Path) -> set[Path]:
    return {*(home / "data" / "lake" / "files").rglob("*.parquet")}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace whose table of subjects lies in five files."""
    home = initialise(tmp_path / "ws").home
    with Workspace(home) as workspace:
        for n in range(5):
            row = append("identity.subject", Query(_ROW, {"n": n}))
            commit(workspace.lake, [row], message=str(n))
    return home


def test_it_tells_files_that_are_read_from_those_kept(home: Path) -> None:
    before = len(files(home))
    with Workspace(home) as workspace:
        done = maintain(workspace, keep_days=7)
        assert (done.files_before, done.files_after) == (before, before - 4)
        assert done.files_after + done.files_kept == len(files(home))
        assert done.files_kept >= 5
        done = maintain(workspace, keep_days=0)
        assert done.files_before == done.files_after
        assert done.files_kept == 0


def test_without_the_vault_key_nothing_is_done(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = files(home)
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "elsewhere"))
    with Workspace(home) as workspace:
        with pytest.raises(KeyMissing):
            maintain(workspace, keep_days=0)
    assert files(home) == before
