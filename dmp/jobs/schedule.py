"""The schedule in `config/schedule.yaml`: which job is due when, and after which."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from pydantic import Field

from dmp.core.config import Document, parse, read_yaml
from dmp.core.errors import ConfigInvalid, Fault, Faulty
from dmp.flows.workspace import Workspace
from dmp.ingest.vocabulary import Zone
from dmp.jobs.occurrences import cron_fault
from dmp.jobs.parameters import checked, read_parameters
from dmp.jobs.runner import find_notebook

FILE = "config/schedule.yaml"
DUE = "{due}"
"""Stands in a parameter for the instant at which the job is due, ISO 8601 in UTC."""
Task = Literal["quality", "maintain"]


class Job(Document):
    """One job: what runs, and when.

    Attributes:
        notebook: a notebook of the workspace; else `task`.
        parameters: of the notebook; `{due}` as a value is the instant it is due.
        cron: five fields of cron(8), in the zone of the schedule; else `after`.
        after: jobs that have to succeed first; it is due when they are.
        timeout_s: seconds for one attempt of a notebook.
        retries: further attempts after one that failed; wrong use is not retried.
        retry_wait_s: seconds before each of them.
        missed: of occurrences that nobody was there to run: the latest runs, or all
            do, or none that is later than `grace_s`.
        grace_s: seconds after which an occurrence counts as missed, where `skip`.
        if_busy: while another run holds the workspace: wait for it, or leave this
            occurrence out.
        wait_s: seconds it waits at most.
    """

    notebook: str = ""
    task: Task | None = None
    parameters: Mapping[str, Any] = {}
    cron: str = ""
    after: tuple[str, ...] = ()
    timeout_s: float = Field(default=3600, ge=1, allow_inf_nan=False)
    retries: int = Field(default=1, ge=0, le=10)
    retry_wait_s: float = Field(default=60, ge=0, allow_inf_nan=False)
    missed: Literal["latest", "all", "skip"] = "latest"
    grace_s: float = Field(default=3600, ge=0, allow_inf_nan=False)
    if_busy: Literal["wait", "skip"] = "wait"
    wait_s: float = Field(default=7200, ge=0, allow_inf_nan=False)

    @property
    def what(self) -> str:
        """The notebook or task that it runs."""
        return self.notebook or str(self.task)


class Schedule(Document):
    """All jobs of a workspace; one of them runs at a time.

    Attributes:
        timezone: the zone of the cron expressions; None is that of `config/dmp.yaml`.
    """

    timezone: Zone | None = None
    jobs: Mapping[str, Job] = {}

    def order(self) -> list[str]:
        """Return the jobs, each behind those that it comes after."""
        return [*TopologicalSorter(_graph(self.jobs)).static_order()]

    def root(self, name: str) -> str:
        """Return the job with a cron expression from which a job follows."""
        job = self.jobs[name]
        return name if job.cron else self.root(job.after[0])

    def chain(self, root: str) -> list[str]:
        """Return a job and all that follow from it, in order."""
        return [name for name in self.order() if self.root(name) == root]


def read_schedule(workspace: Workspace) -> Schedule:
    """Return the schedule; an absent file is one without jobs.

    Raises:
        ConfigInvalid: all its faults at once.
    """
    path = workspace.paths.home / FILE
    document = read_yaml(path) if path.exists() else {}
    try:
        schedule = parse(Schedule, document, FILE)
    except ConfigInvalid as error:
        jobs, cut = _as_far_as_sound(document.get("jobs"), error.faults)
        others = _all_faults(workspace, jobs, cut)
        raise ConfigInvalid(FILE, [*error.faults, *others]) from error
    if faults := _all_faults(workspace, schedule.jobs):
        raise ConfigInvalid(FILE, faults)
    return schedule


def _as_far_as_sound(
    jobs: object, faults: Sequence[Fault]
) -> tuple[dict[str, Job], set[str]]:
    """Return the jobs without what is at fault in them, and those that lack a key so.

    Of a job that lacks a key it cannot be said what it needs; all else can.
    """
    wrong = {fault.path for fault in faults}
    found: dict[str, Job] = {}
    cut: set[str] = set()
    for name, job in jobs.items() if isinstance(jobs, Mapping) else ():
        path = f"jobs.{name}"
        keys = job if isinstance(job, Mapping) else {}
        sound = {key: keys[key] for key in keys if not _has(wrong, f"{path}.{key}")}
        if path in wrong or len(sound) < len(keys):
            cut.add(str(name))
        found[str(name)] = Job.model_validate(sound)
    return found, cut


def _has(paths: Collection[str], path: str) -> bool:
    return any(one == path or one.startswith(f"{path}.") for one in paths)


def _all_faults(
    workspace: Workspace, jobs: Mapping[str, Job], cut: Collection[str] = ()
) -> list[Fault]:
    return [*_faults(jobs, cut), *_notebook_faults(workspace, jobs)]


def given(job: Job, due: str) -> dict[str, str]:
    """Return a job's parameters as a run takes them."""
    return {name: _written(value, due) for name, value in job.parameters.items()}


def _written(value: object, due: str) -> str:
    if isinstance(value, str):
        return value.replace(DUE, due)
    if isinstance(value, date):  # also an instant; YAML reads both from plain text
        return value.isoformat()
    return json.dumps(value, default=str)


def _graph(jobs: Mapping[str, Job]) -> dict[str, Sequence[str]]:
    return {name: job.after for name, job in jobs.items()}


def _faults(jobs: Mapping[str, Job], cut: Collection[str]) -> Iterator[Fault]:
    for name, job in jobs.items():
        if name not in cut:
            yield from _needs(f"jobs.{name}", job)
        yield from _of_one(f"jobs.{name}", job)
        for before in job.after:
            if before not in jobs:
                yield _unknown(f"jobs.{name}.after", before, [*jobs])
    try:
        TopologicalSorter(_graph(jobs)).prepare()
    except CycleError as error:
        ring = " → ".join(error.args[1])
        yield Fault("jobs", f"{ring} wait for one another", "take one `after` away")
        return
    yield from _of_two_clocks(jobs)


def _needs(path: str, job: Job) -> Iterator[Fault]:
    if not (job.notebook or job.task):
        yield Fault(path, "needs a notebook or a task", "notebook: 10_ingest")
    if not (job.cron or job.after):
        yield Fault(path, "needs cron or after", "cron: 30 2 * * *")


def _of_one(path: str, job: Job) -> Iterator[Fault]:
    if job.notebook and job.task:
        yield Fault(path, "has both notebook and task", "leave one out")
    if job.cron and job.after:
        yield Fault(path, "has both cron and after", "leave one out")
    if job.cron and (wrong := cron_fault(job.cron)):
        right = "minute hour day-of-month month day-of-week, such as 30 2 * * *"
        yield Fault(f"{path}.cron", wrong, right)
    if job.task and job.parameters:
        wrong = f"the task {job.task} takes none"
        yield Fault(f"{path}.parameters", wrong, "leave them out")


def _unknown(path: str, name: str, known: Sequence[str]) -> Fault:
    near = get_close_matches(name, known, n=2)
    hint = f"known: {', '.join(known)}"
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    return Fault(path, f"no job named {name!r}", hint)


def _of_two_clocks(jobs: Mapping[str, Job]) -> Iterator[Fault]:
    """Find jobs that come after jobs which are due at different times."""
    for name, job in jobs.items():
        roots = sorted(_roots(jobs, name))
        if job.after and len(roots) > 1:
            wrong = f"comes after {' and '.join(roots)}, which are due apart"
            yield Fault(f"jobs.{name}.after", wrong, "let it follow from one of them")


def _roots(jobs: Mapping[str, Job], name: str) -> set[str]:
    if name not in jobs:
        return set()
    if not jobs[name].after:
        return {name}
    return set().union(*(_roots(jobs, before) for before in jobs[name].after))


def _notebook_faults(workspace: Workspace, jobs: Mapping[str, Job]) -> Iterator[Fault]:
    now = workspace.clock().isoformat()
    for name, job in jobs.items():
        if not job.notebook:
            continue
        try:
            path = find_notebook(workspace, job.notebook)
            checked(read_parameters(path), given(job, now), path.name)
        except Faulty as error:
            for fault in error.faults:
                place = f"jobs.{name}.parameters.{fault.path}"
                yield Fault(place, fault.wrong, fault.right)
        except KeyError as error:
            yield Fault(f"jobs.{name}.notebook", str(error))
