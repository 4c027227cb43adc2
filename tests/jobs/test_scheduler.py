"""The scheduler: in order, once, again after failure, and whatever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from job_notebooks import WriteNotebook

from dmp.core.errors import RunFailed, UsageError
from dmp.flows.workspace import Workspace
from dmp.jobs.claims import Claims, Occurrence
from dmp.jobs.runner import WorkspaceBusy
from dmp.jobs.schedule import Job
from dmp.jobs.scheduler import claims_file, run_due
from dmp.storage.lock import fair_lock

START = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
DMP = Path(sys.executable).parent / "dmp"
CHAIN = """
timezone: UTC
jobs:
  last: {task: maintain, after: [left, right]}
  first: {task: quality, cron: "0 1 * * *", retries: 1, retry_wait_s: 60}
  left: {task: quality, after: [first], retries: 0}
  right: {task: quality, after: [first]}
"""


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Machine:
    """A workspace with a schedule, in which jobs do what a test says."""

    def __init__(self, home: Path, schedule: str) -> None:
        self.clock = Clock()
        self.workspace = Workspace(home, clock=self.clock)
        (home / "config" / "schedule.yaml").write_text(schedule)
        self.ran: list[tuple[str, str]] = []
        self.does: dict[str, Callable[[], Any]] = {}
        claims_file(self.workspace).unlink(missing_ok=True)

    def round(self, at: datetime | None = None) -> list[Occurrence]:
        self.clock.now = at or self.clock.now
        return run_due(
            self.workspace,
            sleep=self.clock.sleep,
            execute=self._execute,
            tell=self._tell,
        )

    def states(self) -> dict[tuple[str, str], str]:
        with Claims(claims_file(self.workspace)) as claims:
            return {(o.job, o.due_at[5:16]): o.state for o in claims.latest(100)}

    def _tell(self, occurrence: Occurrence) -> None:
        self.current = occurrence

    def _execute(self, workspace: Workspace, job: Job, due_at: str) -> str:
        name = self.current.job
        self.ran.append((name, due_at[5:16]))
        self.does.get(name, lambda: None)()
        return ""


@pytest.fixture
def machine(job_home: Path) -> Iterator[Callable[[str], Machine]]:
    made: list[Machine] = []

    def make(schedule: str = CHAIN) -> Machine:
        made.append(Machine(job_home, schedule))
        return made[-1]

    yield make
    for one in made:
        one.workspace.close()
    (job_home / "config" / "schedule.yaml").unlink()


Make = Callable[..., Machine]
AT = "06-01T01:00"
DUE = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)


def fail() -> None:
    raise RunFailed("it failed")


def test_a_chain_runs_in_order_and_once(machine: Make) -> None:
    one = machine()
    assert one.round() == []  # the first look: due from now on
    ran = one.round(DUE)
    assert [o.job for o in ran] == ["first", "left", "right", "last"]
    assert {o.state for o in ran} == {"done"}
    assert one.round() == one.round(DUE + timedelta(hours=5)) == []
    assert len(one.ran) == 4


def test_a_failed_attempt_is_repeated_after_its_wait(machine: Make) -> None:
    one = machine()
    one.round()
    outcomes = iter([fail, lambda: None])
    one.does["first"] = lambda: next(outcomes)()
    one.round(DUE)
    assert [name for name, _ in one.ran] == ["first", "first", "left", "right", "last"]
    assert one.clock.now == DUE + timedelta(seconds=60)


def test_what_follows_a_failure_is_skipped(machine: Make) -> None:
    one = machine()
    one.round()
    one.does["left"] = fail
    one.round(DUE)
    assert one.states() == {
        ("first", AT): "done",
        ("left", AT): "failed",
        ("right", AT): "done",
        ("last", AT): "skipped",
    }
    alerts = "select scope from ops.quality_alert where closed_at is null"
    assert one.workspace.lake.rows(alerts) == [("left",)]
    one.does.clear()
    one.round(DUE + timedelta(days=1))
    assert one.workspace.lake.rows(alerts) == []


def wrong_use() -> None:
    raise UsageError("wrong use")


def test_wrong_use_is_not_repeated(machine: Make) -> None:
    one = machine()
    one.round()
    one.does["first"] = wrong_use
    one.round(DUE)
    assert one.ran == [("first", AT)]
    assert one.states()[("first", AT)] == "failed"


def test_a_failure_is_on_record_without_personal_data(machine: Make) -> None:
    def leak() -> None:
        raise UsageError("no row for jo@mail.example")

    one = machine()
    one.round()
    one.does["first"] = leak
    (ran,) = one.round(DUE)
    assert ran.error == "UsageError: no row for [email]"


@pytest.mark.parametrize(
    ("missed", "ran"),
    [("latest", ["06-03T01:00"]), ("all", [AT, "06-02T01:00", "06-03T01:00"]),
     ("skip", [])],
)  # fmt: skip
def test_nights_that_nobody_was_there(
    machine: Make, missed: str, ran: list[str]
) -> None:
    job = f'{{task: quality, cron: "0 1 * * *", missed: {missed}, grace_s: 60}}'
    one = machine(f"timezone: UTC\njobs:\n  first: {job}\n")
    one.round()
    one.round(datetime(2026, 6, 3, 9, tzinfo=UTC))
    assert [at for _, at in one.ran] == ran
    states = [*one.states().values()]
    assert states.count("missed") == 3 - len(ran)


def test_a_busy_workspace_is_waited_for_and_costs_no_attempt(machine: Make) -> None:
    one = machine()
    one.round()

    def busy() -> None:
        if one.clock.now < DUE + timedelta(minutes=5):
            raise WorkspaceBusy("held")

    one.does["first"] = busy
    ran = one.round(DUE)
    assert [o.attempt for o in ran if o.state == "done"] == [1, 1, 1, 1]
    assert one.clock.now >= DUE + timedelta(minutes=5)


def test_a_busy_workspace_may_be_left_alone(machine: Make) -> None:
    schedule = CHAIN.replace("retries: 1,", "if_busy: skip,")
    one = machine(schedule)
    one.round()

    def busy() -> None:
        raise WorkspaceBusy("held")

    one.does["first"] = busy
    one.round(DUE)
    assert set(one.states().values()) == {"skipped"}


def test_what_a_killed_scheduler_left_is_taken_up(machine: Make) -> None:
    one = machine()
    one.round()

    def die() -> None:
        raise KeyboardInterrupt

    one.does["left"] = die
    with pytest.raises(KeyboardInterrupt):
        one.round(DUE)
    assert one.states()[("left", AT)] == "interrupted"
    one.does.clear()
    one.round(DUE + timedelta(minutes=1))
    assert [name for name, _ in one.ran] == ["first", "left", "left", "right", "last"]
    assert set(one.states().values()) == {"done"}


def test_what_is_killed_each_time_ends(machine: Make) -> None:
    one = machine()
    one.round()

    def die() -> None:
        raise KeyboardInterrupt

    one.does["first"] = die
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            one.round(DUE)
    one.round(DUE)
    assert len(one.ran) == 5
    assert set(one.states().values()) == {"skipped"}


def test_only_one_scheduler_works(machine: Make) -> None:
    one = machine()
    with (
        fair_lock(one.workspace.paths.data / "schedule-lock", timeout_s=1),
        pytest.raises(WorkspaceBusy, match="another scheduler"),
    ):
        one.round()


def start(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [DMP, "--home", home, "schedule", "run", "--once", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def overdue(home: Path) -> None:
    """Let a schedule of each minute be due: it was last looked at long ago."""
    with Claims(home / "data" / "schedule.sqlite") as claims:
        claims.consider("each", datetime.now(UTC) - timedelta(minutes=2), [])


EACH = """
jobs:
  each: {notebook: noted, cron: "* * * * *", missed: all, parameters: {due: "{due}"}}
"""
NOTE = """
from pathlib import Path
with Path("noted").open("a") as file:
    file.write(due + chr(10))
"""


def test_two_processes_run_each_occurrence_once(
    job_home: Path, write_notebook: WriteNotebook
) -> None:
    write_notebook("noted", NOTE, parameters="due: str = ''")
    (job_home / "config" / "schedule.yaml").write_text(EACH)
    (job_home / "data" / "schedule.sqlite").unlink(missing_ok=True)
    overdue(job_home)
    both = [start(job_home), start(job_home)]
    answers = [one.communicate(timeout=180) for one in both]
    codes = sorted(str(one.returncode) for one in both)
    assert set(codes) <= {"0", "75"} and "0" in codes, answers
    ran = [
        found["due_at"]
        for (out, _), one in zip(answers, both, strict=True)
        if one.returncode == 0
        for found in json.loads(out)
    ]
    noted = (job_home / "noted").read_text().split()
    assert len(noted) == len(set(noted)) >= 2
    assert sorted(ran) == sorted(noted)


@pytest.mark.slow
def test_a_scheduler_that_is_killed_is_followed_by_one_that_finishes(
    job_home: Path, write_notebook: WriteNotebook
) -> None:
    (job_home / "noted").unlink(missing_ok=True)
    write_notebook("noted", NOTE, "import time", "time.sleep(wait)",
                   parameters="due: str = ''\nwait: float = 600.0")  # fmt: skip
    (job_home / "config" / "schedule.yaml").write_text(
        EACH.replace("missed: all", "missed: latest")
    )
    (job_home / "data" / "schedule.sqlite").unlink(missing_ok=True)
    overdue(job_home)
    killed = start(job_home)
    deadline = time.monotonic() + 120
    while not (job_home / "noted").exists():
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    write_notebook("noted", NOTE, parameters="due: str = ''")
    after = start(job_home)
    out, errors = after.communicate(timeout=180)
    assert after.returncode == 0, errors
    first = json.loads(out)[0]
    assert (first["state"], first["attempt"]) == ("done", 2)
    noted = (job_home / "noted").read_text().split()
    assert noted[:2] == [first["due_at"]] * 2
