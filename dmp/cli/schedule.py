"""Commands about the schedule: run, list, next."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from dmp.cli.context import OUT, Context, json_option, local, show_json, show_table

if TYPE_CHECKING:
    from dmp.jobs.claims import Occurrence


@click.group()
def schedule() -> None:
    """Run the jobs of config/schedule.yaml when they are due."""


@schedule.command()
@click.option(
    "--once",
    is_flag=True,
    help="Run what is due by now and end, for a systemd timer or cron.",
)
@json_option
@click.pass_obj
def run(context: Context, once: bool, as_json: bool) -> None:
    """Run jobs as they fall due, until Ctrl-C.

    Jobs are due from the first call on. Several schedulers may be started: one works,
    the others wait; no occurrence runs twice. With --once it exits with 1 where a job
    failed, and with 75 where another scheduler is at work.
    """
    from dmp.jobs.scheduler import run_due, run_forever

    with context.workspace() as workspace:
        zone = workspace.settings.timezone

        def tell(occurrence: Occurrence) -> None:
            if not as_json:
                OUT.print(_line(occurrence, zone), markup=False, soft_wrap=True)

        if not once:
            OUT.print("jobs run as they fall due; Ctrl-C ends it")
            run_forever(workspace, tell=tell)
        ran = run_due(workspace, tell=tell)
    if as_json:
        show_json(ran)
    elif not ran:
        OUT.print("nothing is due")
    sys.exit(any(one.state == "failed" for one in ran))


@schedule.command("list")
@json_option
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List the jobs: what they run, when, and what became of the last occurrence."""
    from dmp.jobs.overview import planned

    with context.workspace() as workspace:
        found = planned(workspace)
        zone = workspace.settings.timezone
    if as_json:
        show_json(found)
    elif not found:
        OUT.print("config/schedule.yaml has no job")
    else:
        rows = [
            [
                one.job,
                one.what,
                one.when,
                one.missed,
                _last(one.last, zone),
                local(one.next_at, zone) if one.next_at else "",
            ]
            for one in found
        ]
        columns = ["job", "runs", "when", "if missed", "last", "next"]
        show_table(f"times in {found[0].zone}", columns, rows)


@schedule.command("next")
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="How many instants to show.",
)
@json_option
@click.pass_obj
def next_(context: Context, limit: int, as_json: bool) -> None:
    """Show when jobs are next due, each with those that follow it."""
    from dmp.jobs.overview import coming

    with context.workspace() as workspace:
        found = coming(workspace, limit)
        zone = workspace.settings.timezone
    if as_json:
        show_json([{"due_at": at, "jobs": jobs} for at, jobs in found])
    elif not found:
        OUT.print("no job is due by the clock")
    else:
        rows = [[local(at, zone), jobs] for at, jobs in found]
        show_table("", ["due", "jobs"], rows)


def _line(occurrence: Occurrence, zone: str) -> str:
    due = local(datetime.fromisoformat(occurrence.due_at), zone)
    words = [f"{occurrence.job} of {due}: {occurrence.state}"]
    if occurrence.state == "running" and occurrence.attempt > 1:
        words.append(f"attempt {occurrence.attempt}")
    if occurrence.not_before:
        again = local(datetime.fromisoformat(occurrence.not_before), zone)
        words.append(f"again at {again}")
    if occurrence.error:
        words.append(occurrence.error)
    return ", ".join(words)


def _last(occurrence: Occurrence | None, zone: str) -> str:
    if occurrence is None:
        return ""
    due = local(datetime.fromisoformat(occurrence.due_at), zone)
    return f"{occurrence.state} ({due})"
