"""Results that somebody asked for: where they may be written, and how."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dmp.core.errors import UsageError
from dmp.core.result_file import check_result, whole_result, whole_text


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_the_file_behind_it_is_replaced(
    tmp_path: Path, is_there: bool
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, link = folder / "target.csv", tmp_path / "link.csv"
    if is_there:
        target.write_text("before")
    link.symlink_to("elsewhere/target.csv")
    whole_text(link, "after")
    assert link.is_symlink()
    assert target.read_text() == "after"
    assert [*folder.iterdir()] == [target]
    assert {*tmp_path.iterdir()} == {folder, link}


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_text("before")
    with pytest.raises(KeyError), whole_result(path) as draft:
        draft.write_text("half")
        raise KeyError
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (a_pipe, "is a pipe"),
        (a_folder, "is a folder"),
        (a_link_to_a_pipe, "is a pipe"),
        (a_link_to_itself, "leads in a circle"),
    ],
)
def test_what_is_no_file_is_refused_and_stays(
    tmp_path: Path, make: object, said: str
) -> None:
    path = tmp_path / "there"
    make(path)  # type: ignore[operator]
    before = path.lstat()
    with pytest.raises(UsageError, match=said):
        check_result(path)
    with pytest.raises(UsageError, match=said):
        whole_text(path, "new")
    assert path.lstat().st_ino == before.st_ino


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as held:
        held.bind("s")
        with pytest.raises(UsageError, match="is a socket"):
            check_result(Path("s"))


def test_the_pipe_of_another_program_is_refused() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(UsageError, match="is a pipe"):
            check_result(Path(f"/dev/fd/{writing}"))
    finally:
        os.close(reading)
        os.close(writing)


def test_a_dash_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="name a file"):
        whole_text(Path("-"), "text")
    assert not [*tmp_path.iterdir()]


def test_a_link_into_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("none/file")
    with pytest.raises(UsageError, match="no such folder"):
        check_result(tmp_path / "link")
