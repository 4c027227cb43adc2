"""Each attack on the audit log, told by the command line: its kind and place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_attacks import (
    HEAD_ATTACKS,
    LOG_ATTACKS,
    N_RECORDS,
    AuditFiles,
    keep_copies,
    lines,
    put,
    rehash_and_sign,
)

from dmp.core.config import Paths, workspace_identity
from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def attacked(
    tmp_path_factory: pytest.TempPathFactory, isolated_environment: pytest.MonkeyPatch
) -> Path:
    """A folder with a workspace of seven audit records, and its keys."""
    root = tmp_path_factory.mktemp("audit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMP_KEY_DIR", str(root / "keys"))
        with Workspace(initialise(root / "ws").home) as workspace:
            for number in range(1, N_RECORDS):
                workspace.record("export", rows=number)
    return root


@pytest.fixture
def files(
    attacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AuditFiles:
    """The audit log of a copy of it, which `DMP_HOME` names."""
    home = shutil.copytree(attacked / "ws", tmp_path / "ws")
    shutil.copytree(attacked / "keys", tmp_path / "keys")
    monkeypatch.setenv("DMP_HOME", str(home))
    monkeypatch.setenv("DMP_KEY_DIR", str(tmp_path / "keys"))
    heads = tmp_path / "keys" / workspace_identity(Paths(home)).id / "audit-heads.jsonl"
    folder = home / "data" / "audit"
    return AuditFiles(folder / "log.jsonl", heads, folder / "state.json")


def assert_told(dmp: Call, kind: str, place: str) -> None:
    shown = dmp("audit", "verify")
    assert (shown.code, shown.err) == (1, "")
    assert f"✗ {kind} {place}: " in shown.out
    told = dmp("audit", "verify", "--json")
    assert told.code == 1
    report = json.loads(told.out)
    assert report["ok"] is False
    found = {(fault["kind"], fault["place"]) for fault in report["faults"]}
    assert (kind, place) in found


def test_a_whole_log(dmp: Call, files: AuditFiles) -> None:
    shown = dmp("audit", "verify")
    assert shown.code == 0
    assert f"{N_RECORDS} records, {N_RECORDS} signed heads: whole" in shown.out
    assert len(lines(files.log)) == len(lines(files.heads)) == N_RECORDS


@pytest.mark.parametrize("attack", LOG_ATTACKS)
def test_an_attack_on_the_log(dmp: Call, files: AuditFiles, attack: str) -> None:
    change, kind, place = LOG_ATTACKS[attack]
    put(files.log, change(lines(files.log)))
    assert_told(dmp, kind, place)


@pytest.mark.parametrize("attack", HEAD_ATTACKS)
def test_an_attack_on_the_heads(dmp: Call, files: AuditFiles, attack: str) -> None:
    change, kind, place = HEAD_ATTACKS[attack]
    put(files.heads, change(lines(files.heads)))
    assert_told(dmp, kind, place)


def test_a_log_rehashed_and_signed_by_another_key(
    dmp: Call, files: AuditFiles, tmp_path: Path
) -> None:
    rehash_and_sign(files, tmp_path)
    assert_told(dmp, "forged head", "tree head 1")


def test_a_rehashed_log_below_its_true_heads(
    dmp: Call, files: AuditFiles, tmp_path: Path
) -> None:
    before = keep_copies(files, tmp_path / "before")
    rehash_and_sign(files, tmp_path)
    shutil.copy(before.heads, files.heads)
    assert_told(dmp, "rehashed", "from record 3")


def test_an_older_log_below_newer_heads(
    dmp: Call, files: AuditFiles, tmp_path: Path
) -> None:
    before = keep_copies(files, tmp_path / "before")
    dmp("resolve")
    assert len(lines(files.log)) == N_RECORDS + 1
    shutil.copy(before.log, files.log)
    shutil.copy(before.state, files.state)
    assert_told(dmp, "cut", f"record {N_RECORDS}")
