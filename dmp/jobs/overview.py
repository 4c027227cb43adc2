"""Notebooks and tasks at a glance: what they last came to, when they are next due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dmp.flows.workspace import Workspace
from dmp.jobs.claims import Claims, Occurrence
from dmp.jobs.occurrences import next_due
from dmp.jobs.records import read_records
from dmp.jobs.schedule import Job, Schedule, read_schedule
from dmp.jobs.scheduler import claims_file, zone_of
from dmp.privacy import Permission


@dataclass(frozen=True)
class Runnable:
    """A notebook or task, as `dmp jobs list` shows it.

    Attributes:
        name: of the notebook or task.
        status: how its last run ended, or `running`; empty where it never ran.
        job: the scheduled job that runs it; empty for none.
        when: the job's cron expression, or the jobs it comes after.
    """

    name: str
    status: str = ""
    last_at: datetime | None = None
    seconds: float | None = None
    job: str = ""
    when: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True)
class Planned:
    """A scheduled job, as `dmp schedule list` shows it."""

    job: str
    what: str
    when: str
    zone: str
    missed: str
    retries: int
    last: Occurrence | None
    next_at: datetime | None


def overview(workspace: Workspace) -> list[Runnable]:
    """Return every notebook, and every task that is scheduled.

    Raises:
        NotAllowed: the caller holds no role here.
        ConfigInvalid: the schedule has faults.
    """
    plans = {plan.what: plan for plan in planned(workspace)}
    newest = {r.notebook: r for r in reversed(read_records(workspace.paths.runs))}
    found = []
    for path in sorted(workspace.paths.notebooks.glob("*.ipynb")):
        run, plan = newest.get(path.stem), plans.pop(path.stem, None)
        shown = Runnable(
            name=path.stem,
            status=run.status if run else "",
            last_at=datetime.fromisoformat(run.started_at) if run else None,
            seconds=run.seconds if run else None,
            job=plan.job if plan else "",
            when=plan.when if plan else "",
            next_at=plan.next_at if plan else None,
        )
        found.append(shown)
    return [*found, *map(_task, plans.values())]


def planned(workspace: Workspace) -> list[Planned]:
    """Return the jobs of the schedule, in their order.

    Raises:
        NotAllowed: the caller holds no role here.
        ConfigInvalid: the schedule has faults.
    """
    workspace.allow(Permission.STATUS)
    schedule = read_schedule(workspace)
    with Claims(claims_file(workspace)) as claims:
        return [*_planned(workspace, schedule, claims)]


def coming(workspace: Workspace, count: int) -> list[tuple[datetime, str]]:
    """Return the next instants at which jobs are due, with those that follow.

    Raises:
        NotAllowed: the caller holds no role here.
        ConfigInvalid: the schedule has faults.
    """
    workspace.allow(Permission.STATUS)
    schedule, now = read_schedule(workspace), workspace.clock()
    zone = zone_of(workspace, schedule)
    found = [
        (at, " → ".join(schedule.chain(name)))
        for name, job in schedule.jobs.items()
        if job.cron
        for at in next_due(job.cron, zone, now, count)
    ]
    return sorted(found)[:count]


def _planned(
    workspace: Workspace, schedule: Schedule, claims: Claims
) -> Iterator[Planned]:
    zone, now = zone_of(workspace, schedule), workspace.clock()
    for name in schedule.order():
        job = schedule.jobs[name]
        ahead = next_due(job.cron, zone, now, 1) if job.cron else []
        yield Planned(
            job=name,
            what=job.what,
            when=_when(job),
            zone=zone,
            missed=job.missed,
            retries=job.retries,
            last=claims.last(name),
            next_at=ahead[0] if ahead else None,
        )


def _when(job: Job) -> str:
    return job.cron or f"after {', '.join(job.after)}"


def _task(plan: Planned) -> Runnable:
    last = plan.last
    begun = datetime.fromisoformat(last.started_at) if last else None
    seconds = None
    if begun and last and last.ended_at:
        seconds = (datetime.fromisoformat(last.ended_at) - begun).total_seconds()
    status = last.state if last else ""
    return Runnable(
        plan.what, status, begun, seconds, plan.job, plan.when, plan.next_at
    )
