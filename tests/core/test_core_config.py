from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from dmp.core.config import (
    Paths,
    Settings,
    find_home,
    fingerprint,
    key_folder,
    load_settings,
    parse,
    read_yaml,
    workspace_identity,
    yaml_files,
)
from dmp.core.errors import ConfigInvalid, UsageError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "config").mkdir()
    return Paths(tmp_path)


def write(paths: Paths, text: str) -> None:
    (paths.config / "dmp.yaml").write_text(text, encoding="utf-8")


def test_an_empty_file_gives_the_defaults(paths: Paths) -> None:
    write(paths, "")
    assert load_settings(paths, {}) == Settings()


def test_the_environment_wins_over_the_file(paths: Paths) -> None:
    write(paths, "timezone: Europe/London\nregion: GB\n")
    settings = load_settings(paths, {"DMP_TIMEZONE": "Asia/Tokyo"})
    assert (settings.timezone, settings.region) == ("Asia/Tokyo", "GB")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().region = "GB"  # type: ignore[misc]


def test_all_faults_are_listed_at_once(paths: Paths) -> None:
    write(
        paths,
        "timezone: Europe/Londn\nminimum_cell: 0\ncolour: red\n"
        "retention: {refused_bodies_days: soon}\n",
    )
    with pytest.raises(ConfigInvalid) as refused:
        load_settings(paths, {})
    assert refused.value.where == "config/dmp.yaml"
    assert {fault.path for fault in refused.value.faults} == {
        "timezone",
        "minimum_cell",
        "colour",
        "retention.refused_bodies_days",
    }
    assert "Europe/Londn" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,\n", "line 2: not readable as YAML"),
        ("- a\n- b\n", "not a mapping"),
        ("just words", "not a mapping"),
    ],
    ids=["broken", "list", "text"],
)
def test_a_file_that_is_no_mapping_is_refused(
    paths: Paths, text: str, message: str
) -> None:
    write(paths, text)
    with pytest.raises(ConfigInvalid, match=message):
        load_settings(paths, {})


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"absent\.yaml: the file is not there"):
        read_yaml(tmp_path / "absent.yaml")


def test_a_document_fault_without_a_path_is_named() -> None:
    with pytest.raises(ConfigInvalid, match="where: 1 fault\n  document: "):
        parse(Settings, [], "where")  # type: ignore[arg-type]


def test_home_is_the_argument_else_the_environment_else_here(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(paths, "")
    assert find_home(tmp_path) == tmp_path.resolve()
    monkeypatch.setenv("DMP_HOME", str(tmp_path))
    assert find_home() == tmp_path.resolve()
    monkeypatch.delenv("DMP_HOME")
    monkeypatch.chdir(tmp_path)
    assert find_home() == tmp_path.resolve()


def test_a_folder_that_is_no_workspace_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config/dmp\.yaml; make one with `dmp i"):
        find_home(tmp_path)


def test_the_workspace_keeps_its_id(paths: Paths) -> None:
    first = workspace_identity(paths)
    assert first == workspace_identity(paths)
    assert stat.S_IMODE(paths.data.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"DMP_KEY_DIR": "/k", "XDG_CONFIG_HOME": "/x"}, Path("/k")),
        ({"XDG_CONFIG_HOME": "/x"}, Path("/x/dmp/keys")),
        ({}, Path.home() / ".config/dmp/keys"),
    ],
    ids=["named", "xdg", "home"],
)
def test_keys_lie_outside_the_workspace(environ: dict[str, str], folder: Path) -> None:
    assert key_folder(environ) == folder


def test_a_fingerprint_changes_with_any_part() -> None:
    base = fingerprint({"a": 1, "b": [2]}, "x")
    assert len(base) == 12
    assert base == fingerprint({"b": [2], "a": 1}, "x")
    assert len({base, fingerprint({"a": 1, "b": [3]}, "x"), fingerprint({"a": 1})}) == 3


def test_yaml_files_come_by_name(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "c.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in yaml_files(tmp_path)] == ["a.yaml", "b.yaml"]
    assert yaml_files(tmp_path / "absent") == []
