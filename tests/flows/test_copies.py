from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from keyed_workspace import at, emails, part

from dmp.core.errors import DMPError, UsageError
from dmp.flows.copies import give_new_id
from dmp.flows.ingest import ingest
from dmp.flows.rotate import rotate_vault_key

pytestmark = pytest.mark.slow


@pytest.fixture
def mine(base: Path, tmp_path: Path) -> Path:
    """A workspace `ws` that was opened here, and its copy `copy`."""
    folder = shutil.copytree(base, tmp_path / "mine")
    with at(folder) as workspace:
        assert workspace.lake
    shutil.copytree(folder / "ws", folder / "copy")
    return folder


def audit_of(folder: Path, name: str) -> bytes:
    return (folder / name / "data" / "audit" / "log.jsonl").read_bytes()


def test_a_copy_is_told_from_its_original(mine: Path) -> None:
    before = audit_of(mine, "copy")
    with at(mine, "copy") as copy:
        for use in (
            lambda: copy.lake,
            lambda: copy.audit,
            lambda: rotate_vault_key(copy),
        ):
            with pytest.raises(
                UsageError, match=r"copy of .*/ws.*dmp init .* --new-id"
            ):
                use()
    with at(mine) as original:
        assert ingest(original, "crm", [part(mine, 1)])[0].is_new
        assert original.audit.verify().ok
    assert audit_of(mine, "copy") == before


def test_with_an_id_of_its_own_both_live_on(mine: Path) -> None:
    with at(mine) as original:
        ingest(original, "crm", [part(mine, 1)])
        clear = emails(original)
    with at(mine, "copy") as copy:
        made = give_new_id(copy)
        assert made.id != made.former_id
        assert copy.audit.verify().ok
        readable = emails(copy)
        assert readable
        assert set(readable) <= set(clear)
        rotate_vault_key(copy)
        assert emails(copy) == readable
        ingest(copy, "crm", [part(mine, 2)])
    with at(mine) as original:
        assert emails(original) == clear
        ingest(original, "crm", [part(mine, 3)])
    for name in ("ws", "copy"):
        with at(mine, name) as workspace:
            assert workspace.audit.verify().ok
            ids = workspace.key_files.identity
            assert (ids.id == made.id) == (name == "copy")
    log = [json.loads(line) for line in audit_of(mine, "copy").splitlines()]
    assert {"new id"} <= {record["action"] for record in log}


def test_a_moved_workspace_stays_what_it_is(mine: Path) -> None:
    shutil.rmtree(mine / "copy")
    (mine / "ws").rename(mine / "moved")
    with at(mine, "moved") as moved:
        ingest(moved, "crm", [part(mine, 1)])
        assert moved.audit.verify().ok
        with pytest.raises(UsageError, match="is no copy"):
            give_new_id(moved)


def test_a_link_to_a_workspace_is_no_copy(mine: Path) -> None:
    (mine / "link").symlink_to(mine / "ws")
    with at(mine, "link") as linked:
        ingest(linked, "crm", [part(mine, 1)])
    with at(mine) as original:
        assert original.audit.verify().ok


def test_a_copy_with_a_copy_of_the_keys_is_apart(mine: Path, tmp_path: Path) -> None:
    apart = shutil.copytree(mine, tmp_path / "apart")
    for folder in (mine, apart):
        with at(folder) as workspace:
            ingest(workspace, "crm", [part(folder, 1)])
            assert workspace.audit.verify().ok


def test_a_change_of_id_cut_short_leaves_the_copy_it_was(mine: Path) -> None:
    [heads] = (mine / "keys").glob("*/audit-heads.jsonl")
    aside = heads.rename(heads.with_name("aside"))
    heads.mkdir()
    with at(mine, "copy") as copy:
        identity = copy.paths.identity_file.read_bytes()
        with pytest.raises(DMPError, match="audit-heads"):
            give_new_id(copy)
        assert copy.paths.identity_file.read_bytes() == identity
        heads.rmdir()
        aside.rename(heads)
        give_new_id(copy)
        assert copy.audit.verify().ok
