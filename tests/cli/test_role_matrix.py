"""Every role by every command: who is let in, and that a denial is on record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from role_cases import CASES, EVERYBODY, allowed

from dmp.cli import cli
from dmp.flows.initialise import initialise

Call = Callable[..., Any]


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    for name, member in command.commands.items():
        yield from leaves(member, (*path, name))


def denials(home: Path) -> list[dict[str, Any]]:
    log = home / "data" / "audit" / "log.jsonl"
    records = map(json.loads, log.read_text().splitlines())
    return [record for record in records if record["action"] == "denied"]


def close_pages(home: Path) -> None:
    """Take away what would be opened for ever: pages and notebooks."""
    for folder in ("dashboards", "notebooks"):
        shutil.rmtree(home / folder, ignore_errors=True)


@pytest.fixture(scope="module")
def homes(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Mapping[str, Path]:
    """A workspace by role: one where the caller holds all, one that names others."""
    root = tmp_path_factory.mktemp("roles")
    mine, others = (initialise(root / name).home for name in ("mine", "others"))
    named = {"users": {"somebody_else": ["analyst"]}}
    (others / "config" / "roles.yaml").write_text(yaml.safe_dump(named))
    return {role: others if role == "nobody" else mine for role in EVERYBODY}


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    assert sorted(CASES["commands"]) == sorted(leaves(cli))


def test_every_row_says_who_is_let_in() -> None:
    for command in CASES["commands"]:
        assert set(allowed(command)) <= set(EVERYBODY), command


@pytest.mark.slow
@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("command", CASES["commands"])
def test_a_role_is_let_in_as_the_table_says(
    dmp: Call,
    homes: Mapping[str, Path],
    command: str,
    role: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = homes[role]
    if role != "nobody":
        monkeypatch.setenv("DMP_ROLE", role)
    rule = home / "config" / "segments" / "loyal_shoppers.yaml"
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("correct horse battery staple\n")
    words = [
        word.format(new=tmp_path / "new", rule=rule, secret=secret)
        for word in CASES["commands"][command]["call"]
    ]
    close_pages(home)
    before = len(denials(home))
    shown = dmp("--home", str(home), *command.split(), *words)
    assert "Traceback" not in shown.err
    if role in allowed(command):
        assert "not allowed" not in shown.err
        assert len(denials(home)) == before
        return
    assert shown.code == 1
    assert f"is not allowed to {role.replace('nobody', 'no role')}" in shown.err
    assert shown.out == ""
    [record] = denials(home)[before:]
    assert record["role"] == role.replace("nobody", "none")
    assert record["detail"]["asked"] in shown.err


def test_a_role_that_is_not_held_is_denied_on_record(
    dmp: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = initialise(tmp_path / "ws").home
    path = home / "config" / "roles.yaml"
    path.write_text(path.read_text().replace("matcher, ", "", 1).replace(", admin", ""))
    assert dmp("--home", str(home), "status").code == 0
    monkeypatch.setenv("DMP_ROLE", "admin")
    shown = dmp("--home", str(home), "status")
    assert shown.code == 1
    assert "DMP_ROLE asks for admin" in shown.err
    [record] = denials(home)
    assert record["detail"] == {"asked": "DMP_ROLE"}


def test_a_denial_that_cannot_be_recorded_stays_a_denial(
    dmp: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = initialise(tmp_path / "ws").home
    log = home / "data" / "audit" / "log.jsonl"
    log.write_text("")
    (log.parent / "state.json").write_text("{}")
    monkeypatch.setenv("DMP_ROLE", "analyst")
    shown = dmp("--home", str(home), "ingest", "crm")
    assert shown.code == 1
    assert "ingest is not allowed to analyst" in shown.err
    assert "this denial could not be recorded: the audit log was changed" in shown.err


WRONG_FILES = {
    "role": ("users: {jo: [analist]}", "users.jo.0"),
    "sender": ("groups: {staff: [sender]}", "which no person holds"),
    "form": ("users: [jo]", "users"),
    "key": ("user: {jo: [analyst]}", "user: "),
    "yaml": ("users: {jo: [analyst}", "line 1"),
    "empty_name": ("users:\n", "users"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_file_of_roles_is_told_in_words(
    dmp: Call, homes: Mapping[str, Path], case: str, tmp_path: Path
) -> None:
    content, words = WRONG_FILES[case]
    home = shutil.copytree(homes["admin"], tmp_path / "ws")
    (home / "config" / "roles.yaml").write_text(content)
    shown = dmp("--home", str(home), "status")
    assert shown.code == 2
    assert "roles.yaml" in shown.err
    assert words in shown.err
    assert "Traceback" not in shown.err


def test_a_lost_file_of_roles_is_told_in_words(
    dmp: Call, homes: Mapping[str, Path], tmp_path: Path
) -> None:
    home = shutil.copytree(homes["admin"], tmp_path / "ws")
    (home / "config" / "roles.yaml").unlink()
    shown = dmp("--home", str(home), "status")
    assert shown.code == 2
    assert "roles.yaml" in shown.err
