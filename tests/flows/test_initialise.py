from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dmp.core.accounts import current_account
from dmp.core.config import Paths, workspace_identity
from dmp.core.errors import KeyMissing, UsageError
from dmp.flows.initialise import initialise, template
from dmp.flows.workspace import Workspace
from dmp.privacy.roles import HELD_BY_PEOPLE

SECRETS = ("vault.key", "audit.key", "actor.key")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "lock" not in path.name
    }


@pytest.fixture
def key_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_a_new_workspace_has_what_it_takes(tmp_path: Path, key_dir: Path) -> None:
    made = initialise(tmp_path / "ws")
    assert made.created == ("config", "notebooks", "dashboards")
    for part in made.created:
        shipped = {
            path.relative_to(template() / part)
            for path in (template() / part).rglob("*")
            if path.suffix in {".yaml", ".ipynb"} and "checkpoints" not in str(path)
        }
        assert shipped
        assert all((made.home / part / path).is_file() for path in shipped)
    assert made.roles == tuple(sorted(HELD_BY_PEOPLE))
    assert workspace_identity(Paths(made.home)).owner == current_account().user


def test_keys_lie_outside_and_nobody_else_can_read(
    tmp_path: Path, key_dir: Path
) -> None:
    made = initialise(tmp_path / "ws")
    assert made.key_folder.parent == key_dir
    assert not made.key_folder.is_relative_to(made.home)
    assert mode(made.key_folder) == 0o700
    for name in SECRETS:
        assert mode(made.key_folder / name) == 0o600
    assert not [path for path in made.home.rglob("*") if path.suffix == ".key"]
    secrets = [(made.key_folder / name).read_bytes().strip() for name in SECRETS]
    inside = b"".join(contents(made.home).values())
    assert [secret for secret in secrets if secret in inside] == []


def test_data_is_private(tmp_path: Path, key_dir: Path) -> None:
    made = initialise(tmp_path / "ws")
    data = made.home / "data"
    assert mode(data) == 0o700
    assert mode(data / "vault") == mode(data / "lake") == mode(data / "tmp") == 0o700
    assert mode(data / "vault" / "keys.sqlite") == 0o600
    assert mode(data / "audit" / "log.jsonl") == 0o600


def test_a_second_time_changes_nothing(tmp_path: Path, key_dir: Path) -> None:
    first = initialise(tmp_path / "ws")
    (first.home / "config" / "dmp.yaml").write_text("timezone: UTC\n")
    (first.home / "config" / "segments" / "loyal_shoppers.yaml").unlink()
    before = contents(first.home), contents(key_dir)
    with Workspace(first.home) as workspace:
        records = workspace.audit.verify().records
    again = initialise(tmp_path / "ws")
    assert again.created == ()
    assert (again.home, again.key_folder) == (first.home, first.key_folder)
    after = contents(first.home), contents(key_dir)
    restored = after[0].pop("config/segments/loyal_shoppers.yaml")
    assert restored == (template() / "config/segments/loyal_shoppers.yaml").read_bytes()
    assert after[0]["config/dmp.yaml"] == b"timezone: UTC\n"
    assert {n: c for n, c in after[0].items() if "catalog.sqlite" not in n} == {
        n: c for n, c in before[0].items() if "catalog.sqlite" not in n
    }
    assert after[1] == before[1]
    with Workspace(first.home) as workspace:
        assert workspace.audit.verify().records == records
        assert workspace.audit.verify().ok


def test_a_file_is_no_folder(tmp_path: Path, key_dir: Path) -> None:
    path = tmp_path / "ws"
    path.write_text("something of mine")
    with pytest.raises(UsageError, match="is a file"):
        initialise(path)
    assert path.read_text() == "something of mine"
    assert not key_dir.exists()


def test_two_workspaces_share_no_key(tmp_path: Path, key_dir: Path) -> None:
    folders = [initialise(tmp_path / name).key_folder for name in ("a", "b")]
    assert folders[0] != folders[1]
    for name in SECRETS:
        assert (folders[0] / name).read_bytes() != (folders[1] / name).read_bytes()


def test_without_its_keys_a_workspace_makes_no_new_ones(
    tmp_path: Path, key_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = initialise(tmp_path / "ws")
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "elsewhere"))
    with Workspace(made.home) as workspace:
        with pytest.raises(KeyMissing, match="no vault key"):
            assert workspace.keys
        with pytest.raises(KeyMissing, match="no signing key of the audit log"):
            assert workspace.audit
    with pytest.raises(KeyMissing):
        initialise(made.home)
    left = {path.name for path in (tmp_path / "elsewhere").rglob("*.key")}
    assert left <= {"actor.key"}
