"""The scheduler: take what is due, run it in order, once, whoever else tries."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from dmp.core.errors import DMPError, LakeBusy
from dmp.flows.maintain import maintain
from dmp.flows.quality import run_quality
from dmp.flows.workspace import Workspace
from dmp.jobs.alerts import tell_of_job
from dmp.jobs.claims import Claims, Occurrence
from dmp.jobs.occurrences import due, to_run, upcoming
from dmp.jobs.retries import may_pass
from dmp.jobs.runner import WorkspaceBusy, run_notebook
from dmp.jobs.schedule import Job, Schedule, given, read_schedule
from dmp.privacy import Permission, mask
from dmp.storage.lock import fair_lock

_LOG = logging.getLogger(__name__)
KEEP_SNAPSHOT_DAYS = 7
BUSY_WAIT_S = 30.0
MOST_INTERRUPTIONS = 3
"""Attempts beyond the retries that an occurrence has when its process is killed."""
_POLL_S = 30.0
Sleep = Callable[[float], None]
Tell = Callable[[Occurrence], None]
"""Called with an occurrence each time its state changes."""
Execute = Callable[[Workspace, Job, str], str]
"""Runs a job that is due at an instant; returns the id of its run record, if any."""


@dataclass(frozen=True)
class Bench:
    """What the steps of one round share."""

    workspace: Workspace
    schedule: Schedule
    claims: Claims
    tell: Tell
    execute: Execute

    def keep(self, occurrence: Occurrence) -> Occurrence:
        """Write an occurrence down, and tell of it."""
        self.claims.keep(occurrence)
        self.tell(occurrence)
        return occurrence

    @property
    def now(self) -> str:
        """The present instant, ISO 8601."""
        return self.workspace.clock().isoformat()


def claims_file(workspace: Workspace) -> Path:
    """Return where a workspace keeps what became of its jobs."""
    return workspace.paths.data / "schedule.sqlite"


def execute(workspace: Workspace, job: Job, due_at: str) -> str:
    """Run a job; return the id of its run record, empty for a task."""
    if job.notebook:
        parameters = given(job, due_at)
        record, _ = run_notebook(
            workspace, job.notebook, parameters, timeout_s=job.timeout_s
        )
        return record.run_id
    try:
        if job.task == "quality":
            run_quality(workspace)
        else:
            maintain(workspace, keep_days=KEEP_SNAPSHOT_DAYS)
    finally:
        workspace.close()
    return ""


def run_due(
    workspace: Workspace,
    *,
    sleep: Sleep = time.sleep,
    tell: Tell = lambda _: None,
    execute: Execute = execute,
) -> list[Occurrence]:
    """Run everything that is due by now, with its retries; return what came of it.

    The first call on a workspace only notes the time: jobs are due from then on. What
    a killed scheduler left is taken up. Occurrences are claimed under a lock and on
    record before they begin, so that two schedulers never run one twice.

    Raises:
        WorkspaceBusy: another scheduler is at work.
        ConfigInvalid: the schedule has faults; nothing ran.
        NotAllowed: the caller may not run notebooks.
    """
    workspace.allow(Permission.RUN_NOTEBOOK)
    with _alone(workspace), Claims(claims_file(workspace)) as claims:
        schedule = read_schedule(workspace)
        bench = Bench(workspace, schedule, claims, tell, execute)
        _recover(bench)
        _take(bench)
        ran: list[Occurrence] = []
        while (ready := _next(bench)) is not None:
            occurrence, wait_s = ready
            if wait_s > 0:
                sleep(min(wait_s, _POLL_S))
                _take(bench)
            else:
                ran.append(_run(bench, occurrence))
        return ran


def run_forever(
    workspace: Workspace, *, sleep: Sleep = time.sleep, tell: Tell = lambda _: None
) -> None:
    """Run what is due, for ever; another scheduler at work is waited for."""
    while True:
        try:
            run_due(workspace, sleep=sleep, tell=tell)
        except WorkspaceBusy as error:
            _LOG.info("waiting: %s", error)
        workspace.close()
        sleep(_pause(workspace))


def _pause(workspace: Workspace) -> float:
    """Return seconds until something is due, at most those after which to look."""
    schedule, now = read_schedule(workspace), workspace.clock()
    ahead = [
        next(upcoming(job.cron, zone_of(workspace, schedule), now), None)
        for job in schedule.jobs.values()
        if job.cron
    ]
    seconds = [(at - now).total_seconds() for at in ahead if at]
    return max(0.1, min([_POLL_S, *seconds]))


def zone_of(workspace: Workspace, schedule: Schedule) -> str:
    """Return the zone of the cron expressions."""
    return schedule.timezone or workspace.settings.timezone


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    try:
        with fair_lock(workspace.paths.data / "schedule-lock", timeout_s=0.5):
            yield
    except LakeBusy as error:
        if isinstance(error, WorkspaceBusy):
            raise
        raise WorkspaceBusy(
            "another scheduler is at work in this workspace; `dmp schedule list` shows "
            "what it runs"
        ) from error


def _recover(bench: Bench) -> None:
    """Take up what a scheduler that was killed left running: it holds no lock now."""
    for one in bench.claims.open():
        if one.state == "running":
            bench.keep(replace(one, state="interrupted", ended_at=bench.now))
    days = bench.workspace.settings.retention.run_days
    bench.claims.forget(bench.workspace.clock() - timedelta(days=days))


def _take(bench: Bench) -> None:
    """Write down what is due by now, with all that follows from it."""
    now = bench.workspace.clock()
    zone = zone_of(bench.workspace, bench.schedule)
    for name, job in bench.schedule.jobs.items():
        if not job.cron:
            continue
        since = bench.claims.considered_until(name) or now
        found = due(job.cron, zone, since=since, until=now)
        grace = timedelta(seconds=job.grace_s)
        run, missed = to_run(found, job.missed, now=now, grace=grace)
        taken = [
            Occurrence(one, at.isoformat(), "waiting")
            for at in run
            for one in bench.schedule.chain(name)
        ]
        taken += [
            Occurrence(name, at.isoformat(), "missed", ended_at=now.isoformat())
            for at in missed
        ]
        bench.claims.consider(name, max(since, now), taken)


def _next(bench: Bench) -> tuple[Occurrence, float] | None:
    """Return the next occurrence and the seconds to wait for it; None at the end."""
    place = {name: n for n, name in enumerate(bench.schedule.order())}
    waits: list[tuple[Occurrence, float]] = []
    for one in sorted(
        bench.claims.open(), key=lambda o: (o.due_at, place.get(o.job, -1))
    ):
        if reason := _hindrance(bench, one):
            bench.keep(replace(one, state="skipped", error=reason, ended_at=bench.now))
        elif _is_ready(bench, one):
            wait_s = _seconds_until(bench, one.not_before)
            if wait_s <= 0:
                return one, 0.0
            waits.append((one, wait_s))
    return min(waits, key=lambda wait: wait[1], default=None)


def _hindrance(bench: Bench, occurrence: Occurrence) -> str:
    """Return why an occurrence can never run; empty where it may."""
    job = bench.schedule.jobs.get(occurrence.job)
    if job is None:
        return "the job is not in the schedule any more"
    if occurrence.state == "interrupted" and (
        occurrence.attempt > job.retries + MOST_INTERRUPTIONS
    ):
        return f"interrupted in each of {occurrence.attempt} attempts"
    before = bench.claims.at(occurrence.due_at)
    for name in job.after:
        if name in before and before[name].state in ("failed", "skipped", "missed"):
            return f"{name} did not succeed"
    return ""


def _is_ready(bench: Bench, occurrence: Occurrence) -> bool:
    before = bench.claims.at(occurrence.due_at)
    return all(
        name not in before or before[name].state == "done"
        for name in bench.schedule.jobs[occurrence.job].after
    )


def _seconds_until(bench: Bench, at: str) -> float:
    if not at:
        return 0.0
    return (datetime.fromisoformat(at) - bench.workspace.clock()).total_seconds()


def _run(bench: Bench, occurrence: Occurrence) -> Occurrence:
    job = bench.schedule.jobs[occurrence.job]
    begun = bench.keep(
        replace(
            occurrence,
            state="running",
            attempt=occurrence.attempt + 1,
            started_at=bench.now,
            pid=os.getpid(),
            error="",
        )
    )
    ended = bench.keep(_ended(bench, job, begun))
    if ended.state in ("done", "failed"):
        tell_of_job(bench.workspace, ended.job, failed=ended.state == "failed")
        bench.workspace.close()
    return ended


def _ended(bench: Bench, job: Job, begun: Occurrence) -> Occurrence:
    """Run an occurrence; return what became of it, which may be to try again."""
    try:
        run_id = bench.execute(bench.workspace, job, begun.due_at)
    except WorkspaceBusy as error:
        return _when_busy(bench, job, begun, str(error))
    except (DMPError, OSError) as error:
        return _when_failed(bench, job, begun, error)
    except BaseException:
        bench.keep(replace(begun, state="interrupted", ended_at=bench.now))
        raise
    return replace(begun, state="done", run_id=run_id, ended_at=bench.now)


def _when_busy(
    bench: Bench, job: Job, occurrence: Occurrence, error: str
) -> Occurrence:
    now = bench.workspace.clock()
    waited = now - datetime.fromisoformat(occurrence.due_at)
    if job.if_busy == "skip":
        return replace(occurrence, state="skipped", error=error, ended_at=bench.now)
    if waited.total_seconds() > job.wait_s:
        return replace(occurrence, state="failed", error=error, ended_at=bench.now)
    return replace(
        occurrence,
        state="waiting",
        attempt=occurrence.attempt - 1,
        not_before=(now + timedelta(seconds=BUSY_WAIT_S)).isoformat(),
    )


def _when_failed(
    bench: Bench, job: Job, occurrence: Occurrence, error: Exception
) -> Occurrence:
    failed = replace(
        occurrence,
        state="failed",
        error=mask(f"{type(error).__name__}: {error}".splitlines()[0]),
        ended_at=bench.now,
    )
    if not may_pass(error) or occurrence.attempt > job.retries:
        return failed
    again = bench.workspace.clock() + timedelta(seconds=job.retry_wait_s)
    return replace(failed, state="waiting", not_before=again.isoformat())
