from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dmp.core.config import Paths, key_folder, workspace_identity
from dmp.flows.initialise import initialise

Call = Callable[..., Any]
WARNING = "keys are not backed up"


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolated_environment: object
) -> Path:
    """A workspace of one's own, with keys beside it."""
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "keys"))
    return initialise(tmp_path / "ws").home


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text("five random words make one\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def saved(dmp: Call, home: Path, tmp_path: Path, passphrase: Path) -> Path:
    file = tmp_path / "dmp.keys"
    shown = dmp(*keys_of(home, "backup", file, passphrase))
    assert shown.code == 0, shown.err
    return file


def keys_of(home: Path, verb: str, file: Path, passphrase: Path) -> list[str]:
    options = ["--passphrase-file", str(passphrase)]
    return ["--home", str(home), "keys", verb, str(file), *options]


def told(text: str) -> str:
    return " ".join(text.split())


def test_the_warning_stands_until_the_keys_are_backed_up(
    dmp: Call, home: Path, tmp_path: Path, passphrase: Path
) -> None:
    again = dmp("init", str(home))
    assert WARNING in told(again.out)
    assert WARNING in told(dmp("--home", str(home), "status").out)
    assert dmp(*keys_of(home, "backup", tmp_path / "k", passphrase)).code == 0
    assert WARNING not in told(dmp("init", str(home)).out)
    assert WARNING not in told(dmp("--home", str(home), "status").out)
    rotated = dmp("--home", str(home), "keys", "rotate", "--kek")
    assert rotated.code == 0
    assert WARNING in told(rotated.err)
    assert WARNING in told(dmp("--home", str(home), "status").out)


def test_the_drill(dmp: Call, home: Path, saved: Path, passphrase: Path) -> None:
    assert dmp(*keys_of(home, "verify", saved, passphrase)).code == 0
    shutil.rmtree(key_folder() / workspace_identity(Paths(home)).id)
    lost = dmp("--home", str(home), "audit", "verify")
    assert (lost.code, "dmp keys restore" in told(lost.err)) == (1, True), lost.err
    restored = dmp(*keys_of(home, "restore", saved, passphrase))
    assert restored.code == 0, restored.err
    assert "signed anew" in restored.out
    assert dmp("--home", str(home), "audit", "verify").code == 0


def test_a_rotated_key_makes_a_backup_of_keys_old(
    dmp: Call, home: Path, saved: Path, passphrase: Path
) -> None:
    dry = dmp("--home", str(home), "keys", "rotate", "--kek", "--dry-run")
    assert "would rotate" in dry.out
    assert dmp(*keys_of(home, "verify", saved, passphrase)).code == 0
    assert dmp("--home", str(home), "keys", "rotate", "--kek").code == 0
    old = dmp(*keys_of(home, "verify", saved, passphrase))
    assert (old.code, "rotated since" in told(old.out)) == (1, True)


def test_a_key_from_the_environment_is_rotated_in_two_steps(
    dmp: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("DMP_VAULT_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
    home = initialise(tmp_path / "ws").home
    rotate = ["--home", str(home), "keys", "rotate", "--kek"]
    refused = dmp(*rotate)
    assert (refused.code, "--new-key-file" in refused.err) == (2, True)
    new = tmp_path / "new.key"
    first = dmp(*rotate, "--new-key-file", str(new), "--json")
    done = json.loads(first.out)
    assert (first.code, done["is_done"]) == (0, False)
    assert "DMP_VAULT_KEY" in done["next_step"]
    assert dmp("--home", str(home), "keys", "rotate", "--pseudonyms").code == 0
    monkeypatch.setenv("DMP_VAULT_KEY", new.read_text().strip())
    second = dmp(*rotate, "--json")
    assert json.loads(second.out)["is_done"] is True
    assert dmp("--home", str(home), "keys", "rotate", "--pseudonyms").code == 0
    monkeypatch.setenv("DMP_VAULT_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
    former = dmp("--home", str(home), "keys", "rotate", "--pseudonyms")
    assert (former.code, "bring back the former" in told(former.err)) == (1, True)


def test_wrong_use_is_told(
    dmp: Call, home: Path, tmp_path: Path, passphrase: Path
) -> None:
    both = dmp("--home", str(home), "keys", "rotate", "--kek", "--pseudonyms")
    assert (both.code, "one of --kek and --pseudonyms" in both.err) == (2, True)
    passphrase.chmod(0o644)
    open_file = dmp(*keys_of(home, "backup", tmp_path / "k", passphrase))
    assert (open_file.code, "chmod 600" in told(open_file.err)) == (2, True)
    passphrase.chmod(0o600)
    passphrase.write_text("")
    empty = dmp(*keys_of(home, "backup", tmp_path / "k", passphrase))
    assert (empty.code, "is empty" in told(empty.err)) == (2, True)
    assert not (tmp_path / "k").exists()


def test_back_up_verify_restore(dmp: Call, home: Path, tmp_path: Path) -> None:
    target, again = tmp_path / "backup", tmp_path / "again"
    planned = dmp("--home", str(home), "backup", str(target), "--dry-run")
    assert (planned.code, target.exists()) == (0, False)
    made = dmp("--home", str(home), "backup", str(target), "--json")
    assert json.loads(made.out)["files"] > 0
    assert dmp("backup", "verify", str(target)).code == 0
    assert dmp("restore", str(target), "--into", str(again)).code == 0
    assert dmp("--home", str(again), "audit", "verify").code == 0
    refused = dmp("restore", str(target), "--into", str(again))
    assert (refused.code, "not empty" in told(refused.err)) == (2, True)
    (target / "data" / "workspace.json").write_text("{}")
    damaged = dmp("backup", "verify", str(target))
    assert (damaged.code, "data/workspace.json" in told(damaged.err)) == (1, True)


def test_a_copy_gets_an_id_of_its_own(dmp: Call, home: Path) -> None:
    copy = shutil.copytree(home, home.parent / "copy")
    refused = dmp("--home", str(copy), "status")
    assert (refused.code, "--new-id" in refused.err) == (2, True)
    assert dmp("init", str(copy), "--new-id").code == 0
    assert dmp("--home", str(copy), "audit", "verify").code == 0
    assert dmp("--home", str(home), "audit", "verify").code == 0
    again = dmp("init", str(copy), "--new-id")
    assert (again.code, "is no copy" in told(again.err)) == (2, True)
