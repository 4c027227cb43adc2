from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dmp.core.errors import GroundFailed
from dmp.privacy.audit_runs import DeadRun, Run, dead_runs

DYING = """
import os, sys
from pathlib import Path
from dmp.privacy.audit_runs import Run
run = Run(Path(sys.argv[1]))
for step in sys.argv[2]:
    run.next_commit() if step == "c" else run.note()
print(run.id, flush=True)
os.kill(os.getpid(), 9)
"""


def died(folder: Path, steps: str) -> str:
    """Return the run of a process that committed (c), recorded (r) and was killed."""
    asked = [sys.executable, "-c", DYING, str(folder), steps]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    return done.stdout.strip()


def seen(folder: Path) -> list[tuple[str, int]]:
    with dead_runs(folder) as dead:
        return [(run.id, run.recorded) for run in dead]


@pytest.mark.parametrize(
    ("steps", "recorded"), [("", 0), ("c", 0), ("cr", 1), ("crc", 1), ("ccrccrc", 4)]
)
def test_who_died_is_seen_once_with_what_it_had_on_record(
    tmp_path: Path, steps: str, recorded: int
) -> None:
    run = died(tmp_path, steps)
    assert seen(tmp_path) == [(run, recorded)]
    assert seen(tmp_path) == []


def test_who_lives_is_not_taken_for_dead(tmp_path: Path) -> None:
    living = Run(tmp_path)
    living.next_commit()
    assert seen(tmp_path) == []
    living.note()
    living.end()
    assert seen(tmp_path) == []


def test_who_ended_without_a_record_is_seen(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.next_commit()
    run.end()
    assert seen(tmp_path) == [(run.id, 0)]


def test_what_could_not_be_recorded_is_seen_again(tmp_path: Path) -> None:
    run = died(tmp_path, "c")
    with pytest.raises(OSError, match="full"), dead_runs(tmp_path) as dead:
        assert dead == (DeadRun(run, 0),)
        raise OSError("full")
    assert seen(tmp_path) == [(run, 0)]


def test_two_never_record_the_same(tmp_path: Path) -> None:
    died(tmp_path, "c")
    with dead_runs(tmp_path) as mine, dead_runs(tmp_path) as others:
        assert len(mine) == 1 and others == ()


def test_where_nothing_can_be_noted_nothing_is_begun(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GroundFailed):
        Run(tmp_path / "file" / "running")


def test_a_folder_that_is_not_there_has_no_dead(tmp_path: Path) -> None:
    assert seen(tmp_path / "running") == []
