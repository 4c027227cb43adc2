from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dmp.storage.temporary import temporary_folder

LEAVE_BEHIND = """
import os, signal, sys
from pathlib import Path
from dmp.storage.temporary import temporary_folder
with temporary_folder("load-", Path(sys.argv[1])) as folder:
    (folder / "copy").write_text("in the clear")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_is_private_and_goes_at_the_end(tmp_path: Path) -> None:
    with temporary_folder("load-", tmp_path / "made") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "copy").write_text("in the clear")
    assert list((tmp_path / "made").iterdir()) == []


def test_an_error_inside_takes_the_folder_with_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), temporary_folder("load-", tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(
    tmp_path: Path,
) -> None:
    with temporary_folder("load-", tmp_path) as used:
        command = [sys.executable, "-c", LEAVE_BEHIND, str(tmp_path)]
        subprocess.run(command, check=False)
        other = tmp_path / "other"
        other.mkdir()
        assert len(list(tmp_path.glob("load-*"))) == 2
        with temporary_folder("load-", tmp_path) as new:
            assert set(tmp_path.iterdir()) == {used, new, other}
        assert set(tmp_path.iterdir()) == {used, other}


def test_without_a_parent_it_lies_with_the_system() -> None:
    with temporary_folder("load-") as folder:
        assert folder.is_dir()
    assert not folder.exists()
