"""What a schedule may say, and when its jobs are due, also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from job_notebooks import WriteNotebook

from dmp.core.errors import ConfigInvalid
from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace
from dmp.jobs.occurrences import Missed, due, next_due, to_run
from dmp.jobs.schedule import Job, given, read_schedule

LONDON, NEW_YORK = "Europe/London", "America/New_York"
REPOSITORY = Path(__file__).parent.parent.parent


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "since", "instants"),
    [
        # 29 March 2026, 01:00 → 02:00 BST; 25 October 2026, 02:00 → 01:00 GMT
        ("30 2 * * *", LONDON, "2026-03-28T12", ["03-29T01:30", "03-30T01:30"]),
        ("30 1 * * *", LONDON, "2026-03-28T12", ["03-29T01:00", "03-30T00:30"]),
        ("30 1 * * *", LONDON, "2026-10-24T12", ["10-25T00:30", "10-26T01:30"]),
        ("30 0 * * *", LONDON, "2026-10-24T12", ["10-24T23:30", "10-26T00:30"]),
        # every half hour of real time goes on through the change
        ("*/30 * * * *", LONDON, "2026-10-25T00:10", ["10-25T00:30", "10-25T01:00"]),
        ("*/30 * * * *", LONDON, "2026-03-29T00:40", ["03-29T01:00", "03-29T01:30"]),
        ("30 2 * * *", NEW_YORK, "2026-03-08T00", ["03-08T07:00", "03-09T06:30"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01T00", ["11-01T05:30", "11-02T06:30"]),
        ("30 2 * * *", "UTC", "2026-03-28T12", ["03-29T02:30", "03-30T02:30"]),
    ],
)
def test_a_job_is_due_once_a_day_also_where_the_clock_changes(
    expression: str, zone: str, since: str, instants: list[str]
) -> None:
    found = next_due(expression, zone, at(since), 2)
    assert [f"{one:%m-%dT%H:%M}" for one in found] == instants


def test_a_year_of_nights_has_one_run_each() -> None:
    since, until = at("2026-01-01"), at("2027-01-01")
    for zone in (LONDON, NEW_YORK, "Australia/Lord_Howe", "Asia/Kathmandu"):
        found = due("15 2 * * *", zone, since=since, until=until)
        assert len(found) == len(set(found)) == 365
        assert found == sorted(found)


def test_what_is_due_lies_after_since_and_not_after_until() -> None:
    hour = at("2026-06-01T05:00")
    assert due("0 * * * *", "UTC", since=hour - timedelta(hours=1), until=hour) == [
        hour
    ]
    assert due("0 * * * *", "UTC", since=hour, until=hour) == []


HOURS = [at("2026-06-01T00:00") + timedelta(hours=n) for n in range(4)]


@pytest.mark.parametrize(
    ("missed", "run"), [("latest", HOURS[3:]), ("all", HOURS), ("skip", HOURS[3:])]
)
def test_what_was_missed_runs_once_or_each_or_not(
    missed: Missed, run: list[datetime]
) -> None:
    now = HOURS[-1] + timedelta(minutes=1)
    kept, left = to_run(HOURS, missed, now=now, grace=timedelta(minutes=30))
    assert kept == run
    assert sorted(kept + left) == HOURS
    late = to_run(HOURS, "skip", now=now + timedelta(hours=1), grace=timedelta(0))
    assert late == ([], HOURS)


def write(workspace: Workspace, text: str) -> None:
    (workspace.paths.config / "schedule.yaml").write_text(text)


def test_every_fault_is_told_at_once(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("known", "1", parameters="rows: int = 1\nday: str = ''")
    text = """
jobs:
  a: {notebook: knwn, cron: "99 2 * * *"}
  b: {after: [aa], task: quality, notebook: known}
  c: {notebook: known, after: [d], parameters: {rows: x, row: 1}}
  d: {task: maintain, after: [c], parameters: {x: 1}}
  e: {task: maintain, cron: "0 0 31 2 *"}
  f: {task: quality}
"""
    write(job_workspace, text)
    with pytest.raises(ConfigInvalid) as error:
        read_schedule(job_workspace)
    told = {fault.path: f"{fault.wrong} {fault.right}" for fault in error.value.faults}
    assert set(told) == {
        "jobs.a.cron",
        "jobs.a.notebook",
        "jobs.b",
        "jobs.b.after",
        "jobs.c.parameters.rows",
        "jobs.c.parameters.row",
        "jobs.d.parameters",
        "jobs.e.cron",
        "jobs.f",
        "jobs",
    }
    assert "did you mean known" in told["jobs.a.notebook"]
    assert "c → d → c" in told["jobs"] or "d → c → d" in told["jobs"]


def test_faults_of_form_hide_no_others(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("known", "1", parameters="rows: int = 1")
    text = """
timezone: Europe/Lodnon
colour: red
jobs:
  a: {notebook: knwn, cron: "99 2 * * *", colour: red}
  b: {notebook: known, crn: "0 1 * * *", after: [aa], parameters: {row: 1}}
  c: {task: quality, cron: "0 1 * * *", after: [a]}
  d: {notebook: known, task: maintain, cron: [1], retries: 99}
  e: 7
  f: {task: quality}
"""
    write(job_workspace, text)
    with pytest.raises(ConfigInvalid) as error:
        read_schedule(job_workspace)
    assert sorted(fault.path for fault in error.value.faults) == [
        "colour",
        "jobs.a.colour",
        "jobs.a.cron",
        "jobs.a.notebook",
        "jobs.b.after",
        "jobs.b.crn",
        "jobs.b.parameters.row",
        "jobs.c",
        "jobs.d",
        "jobs.d.cron",
        "jobs.d.retries",
        "jobs.e",
        "jobs.f",
        "timezone",
    ]
    told = {fault.path: fault.wrong for fault in error.value.faults}
    assert told["jobs.c"] == "has both cron and after"
    assert told["jobs.d"] == "has both notebook and task"
    assert told["jobs.f"] == "needs cron or after"


@pytest.mark.parametrize("jobs", ["[a]", "7", "{1: {task: quality}}", "{a: {1: 2}}"])
def test_jobs_of_another_form_are_refused(job_workspace: Workspace, jobs: str) -> None:
    write(job_workspace, f"jobs: {jobs}\ntimezone: nowhere\n")
    with pytest.raises(ConfigInvalid, match=r"jobs.*\n.*timezone|timezone.*\n.*jobs"):
        read_schedule(job_workspace)


def test_a_job_follows_from_one_clock(job_workspace: Workspace) -> None:
    text = """
jobs:
  a: {task: quality, cron: "0 1 * * *"}
  b: {task: quality, cron: "0 2 * * *"}
  c: {task: maintain, after: [a, b]}
"""
    write(job_workspace, text)
    with pytest.raises(ConfigInvalid, match="comes after a and b, which are due apart"):
        read_schedule(job_workspace)


def test_a_secret_in_a_parameter_is_refused(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("known", "1", parameters="day: str = ''")
    job = 'a: {notebook: known, cron: "0 1 * * *", parameters: {day: jo@mail.example}}'
    write(job_workspace, f"jobs:\n  {job}\n")
    with pytest.raises(ConfigInvalid, match="looks like email") as error:
        read_schedule(job_workspace)
    assert "jo@" not in str(error.value)


def test_the_instant_is_put_where_a_parameter_asks_for_it(
    job_workspace: Workspace, write_notebook: WriteNotebook
) -> None:
    write_notebook("dated", "1", parameters="day: str = ''\nrows: int = 1")
    job = 'a: {notebook: dated, cron: "0 1 * * *", parameters: {day: "{due}", rows: 2}}'
    write(job_workspace, f"jobs:\n  {job}\n")
    (found,) = read_schedule(job_workspace).jobs.values()
    assert given(found, "2026-06-30T01:00:00+00:00") == {
        "day": "2026-06-30T01:00:00+00:00",
        "rows": "2",
    }


def test_without_a_file_there_is_no_job(job_workspace: Workspace) -> None:
    (job_workspace.paths.config / "schedule.yaml").unlink(missing_ok=True)
    assert read_schedule(job_workspace).jobs == {}


def test_the_schedule_that_comes_with_a_workspace_has_no_fault(
    tmp_path: Path, isolated_environment: pytest.MonkeyPatch
) -> None:
    home = initialise(tmp_path / "ws").home
    with Workspace(home) as workspace:
        schedule = read_schedule(workspace)
    assert schedule.chain("load") == ["load", "resolve", "segments", "activate", "tidy"]


def test_a_date_that_yaml_reads_is_a_parameter_as_it_is_written() -> None:
    job = Job(task="quality", parameters={"day": date(2026, 6, 30), "n": 2})
    assert given(job, "") == {"day": "2026-06-30", "n": "2"}
