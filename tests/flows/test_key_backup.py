from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from keyed_workspace import at, emails, part

from dmp.core.errors import KeyMissing, PrivacyError, UsageError
from dmp.flows.ingest import ingest
from dmp.flows.initialise import initialise
from dmp.flows.key_backup import (
    are_keys_backed_up,
    back_up_keys,
    restore_keys,
    verify_key_backup,
)
from dmp.flows.rotate import rotate_vault_key
from dmp.flows.segments import count_segment
from dmp.flows.status import status

pytestmark = pytest.mark.slow

PASSPHRASE = "five random words make one"


@pytest.fixture
def mine(base: Path, tmp_path: Path) -> Path:
    """A workspace and its keys, with a back-up of them in `keys.dmp`."""
    folder = shutil.copytree(base, tmp_path / "mine")
    with at(folder) as workspace:
        assert not are_keys_backed_up(workspace.key_files)
        back_up_keys(workspace, folder / "keys.dmp", PASSPHRASE)
        assert are_keys_backed_up(workspace.key_files)
    return folder


def secrets(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((folder / "keys").rglob("*.key*"))}


def test_lost_keys_come_back_and_all_is_readable(mine: Path) -> None:
    before = secrets(mine)
    with at(mine) as workspace:
        clear = emails(workspace)
        records = workspace.audit.verify().records
    shutil.rmtree(mine / "keys")
    with at(mine) as workspace:
        done = restore_keys(workspace, mine / "keys.dmp", PASSPHRASE)
        assert set(done.written) == {"vault.key", "audit.key"}
        assert secrets(mine) == before
        assert emails(workspace) == clear
        assert done.heads_signed == records - 1
        report = workspace.audit.verify()
        assert (report.ok, report.records) == (True, records + 1)
        assert are_keys_backed_up(workspace.key_files)
        assert ingest(workspace, "crm", [part(mine, 1)])[0].is_new
    with at(mine) as workspace:
        again = restore_keys(workspace, mine / "keys.dmp", PASSPHRASE)
        assert (again.written, again.heads_signed) == ((), 0)
        assert workspace.audit.verify().ok


def test_the_loss_of_the_vault_key_is_said_plainly(mine: Path) -> None:
    [key] = (mine / "keys").rglob("vault.key")
    key.unlink()
    with at(mine) as workspace:
        with pytest.raises(KeyMissing) as caught:
            ingest(workspace, "crm", [part(mine, 1)])
        told = str(caught.value)
        for word in (str(key), "names, addresses", "still works", "dmp keys restore"):
            assert word in told
        assert status(workspace).counts["records"] > 0
        assert workspace.sql("select count(*) from identity.subject").fetchall()
        assert count_segment(workspace, "loyal_shoppers", workspace.clock()).people > 0
    assert not key.exists()


def test_a_wrong_passphrase_is_told_from_a_damaged_file(mine: Path) -> None:
    file = mine / "keys.dmp"
    with at(mine) as workspace:
        with pytest.raises(PrivacyError, match="passphrase does not open"):
            restore_keys(workspace, file, "another passphrase")
        whole = file.read_text()
        for damaged in (
            whole[:-40],
            whole.replace('"keys": "', '"keys": "A'),
            "",
            "{}",
        ):
            file.write_text(damaged)
            with pytest.raises(PrivacyError, match="damaged"):
                verify_key_backup(workspace, file, PASSPHRASE)
        with pytest.raises(UsageError, match="no file"):
            verify_key_backup(workspace, mine / "none.dmp", PASSPHRASE)


def test_keys_of_another_workspace_are_refused(mine: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMP_KEY_DIR", str(other / "keys"))
        initialise(other / "ws")
    with at(other) as workspace:
        before = secrets(other)
        with pytest.raises(PrivacyError, match="holds the keys of workspace"):
            restore_keys(workspace, mine / "keys.dmp", PASSPHRASE)
    assert secrets(other) == before


def test_a_key_in_use_is_never_replaced(mine: Path) -> None:
    with at(mine) as workspace:
        rotate_vault_key(workspace)
        assert not are_keys_backed_up(workspace.key_files)
        before = secrets(mine)
        found = verify_key_backup(workspace, mine / "keys.dmp", PASSPHRASE)
        assert (found.opens_vault, found.is_current) == (False, False)
        with pytest.raises(PrivacyError, match="another key than in the back-up"):
            restore_keys(workspace, mine / "keys.dmp", PASSPHRASE)
    assert secrets(mine) == before


def test_the_file_holds_no_key_in_clear_and_is_its_owners(mine: Path) -> None:
    file = mine / "keys.dmp"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert not [name for name, key in secrets(mine).items() if key.strip() in content]
    assert json.loads(content).keys() == {
        *("format", "workspace", "vault_key", "made_at", "salt", "keys", "sha256")
    }


def test_a_short_passphrase_and_an_existing_file_are_refused(mine: Path) -> None:
    before = (mine / "keys.dmp").read_bytes()
    with at(mine) as workspace:
        with pytest.raises(UsageError, match="12 or more"):
            back_up_keys(workspace, mine / "new.dmp", "too short")
        with pytest.raises(UsageError, match="not replaced"):
            back_up_keys(workspace, mine / "keys.dmp", PASSPHRASE)
    assert (mine / "keys.dmp").read_bytes() == before
    assert not (mine / "new.dmp").exists()


def test_what_was_erased_stays_erased_after_the_keys_came_back(mine: Path) -> None:
    store = mine / "ws" / "data" / "vault" / "keys.sqlite"
    kept = {path.name: path.read_bytes() for path in store.parent.glob("keys.sqlite*")}
    with at(mine) as workspace:
        subjects = [
            row[0]
            for row in workspace.lake.rows(
                "select distinct subject_id from core.record where source = 'crm' "
                "order by subject_id limit 3"
            )
        ]
        assert workspace.keys.destroy_subject_keys(np.array(subjects)) == 3
        back_up_keys(workspace, mine / "later.dmp", PASSPHRASE)
    shutil.rmtree(mine / "keys")
    for name, content in kept.items():
        (store.parent / name).write_bytes(content)
    with at(mine) as workspace:
        done = restore_keys(workspace, mine / "later.dmp", PASSPHRASE)
        assert done.destroyed == 3
        left = workspace.keys.subject_keys(np.array(subjects), create=False)
        assert left == [None] * 3


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "edited": lambda log: log.replace(b'"role":"', b'"role":"x', 1),
    "cut": lambda log: b"".join(log.splitlines(keepends=True)[:-1]),
    "empty": lambda log: b"",
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_heads_are_signed_anew_for_an_unchanged_log_alone(
    mine: Path, tamper: Callable[[bytes], bytes]
) -> None:
    [heads] = (mine / "keys").rglob("audit-heads.jsonl")
    heads.unlink()
    log = mine / "ws" / "data" / "audit" / "log.jsonl"
    log.write_bytes(tamper(log.read_bytes()))
    with (
        at(mine) as workspace,
        pytest.raises(PrivacyError, match="not what was signed"),
    ):
        restore_keys(workspace, mine / "keys.dmp", PASSPHRASE)
    assert not heads.exists()
