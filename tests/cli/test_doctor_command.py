from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dmp.flows.initialise import initialise

Call = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "keys"))
    return initialise(tmp_path / "ws").home


def test_warnings_alone_exit_with_0(dmp: Call, home: Path) -> None:
    shown = dmp("--home", str(home), "doctor")
    assert (shown.code, shown.err) == (0, "")
    assert "works, with warnings" in shown.out
    assert f"$ dmp --home {home} keys backup FILE" in shown.out
    assert "✗ 0 problem" in shown.out


def test_a_problem_exits_with_1_and_names_the_command(dmp: Call, home: Path) -> None:
    (home / "data").chmod(0o755)
    shown = dmp("--home", str(home), "doctor")
    assert shown.code == 1
    assert "has problems" in shown.out
    assert f"$ chmod 700 {home / 'data'}\n" in shown.out
    assert "✗ 1 problem" in shown.out


def test_json_has_every_finding_with_level_and_command(dmp: Call, home: Path) -> None:
    shutil.rmtree(home / "data" / "lake")
    (home / "data" / "audit" / "log.jsonl").write_text("")
    shown = dmp("--home", str(home), "doctor", "--json")
    assert shown.code == 1
    told = json.loads(shown.out)
    assert (told["home"], told["level"]) == (str(home), "problem")
    amiss = [one for one in told["findings"] if one["level"] != "ok"]
    assert {"audit: chain", "keys: back-up"} == {one["check"] for one in amiss}
    assert all(one["mend"].startswith("dmp --home") for one in amiss)


def test_the_doctor_comes_without_configuration_roles_and_keys(
    dmp: Call, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(home / "config")
    shutil.rmtree(tmp_path / "keys")
    monkeypatch.setenv("DMP_HOME", str(home))
    monkeypatch.setenv("DMP_ROLE", "no_such_role")
    shown = dmp("doctor")
    assert shown.code == 1
    assert shown.err == ""
    assert f"$ dmp init {home}" in shown.out
    assert f"$ dmp --home {home} keys restore FILE" in shown.out
    assert not (home / "config").exists()


def test_a_folder_that_is_no_workspace(dmp: Call, tmp_path: Path) -> None:
    shown = dmp("--home", str(tmp_path), "doctor")
    assert shown.code == 2
    assert "dmp init DIR" in shown.err
