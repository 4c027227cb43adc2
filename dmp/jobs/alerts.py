"""Tells of jobs that fail, once, and once more when they succeed again."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime

from dmp.core.errors import DMPError
from dmp.flows.workspace import Workspace
from dmp.quality.alerts import message, sender
from dmp.quality.results import Result, alerts, keep, told, write_alerts

_LOG = logging.getLogger(__name__)
CHECK = "job"
"""Jobs stand among the checks under this name, each as a scope."""


def tell_of_job(
    workspace: Workspace,
    job: str,
    *,
    failed: bool,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Keep that a job failed or succeeded, and tell somebody where that is news.

    A success after which nothing is open is no news and not kept. Whom nobody could
    reach is told after the job's next run. No trouble of telling fails the job: it is
    logged.
    """
    try:
        _tell(workspace, _result(workspace, job, failed=failed), environ)
    except DMPError as error:
        _LOG.warning("job alert not told job=%s: %s", job, error)


def _tell(workspace: Workspace, found: Result, environ: Mapping[str, str]) -> None:
    lake = workspace.lake
    known = [one for one in alerts(lake) if one.of == (CHECK, found.scope)]
    is_open = any(one.closed_at is None for one in known)
    if found.status == "passed" and not is_open:
        return
    waiting = [one for one in keep(lake, [found]) if one.of == (CHECK, found.scope)]
    send = sender(environ)
    if waiting and send is not None:
        send(*message(waiting, (), about="jobs"))
        write_alerts(lake, [told(one, found.checked_at) for one in waiting])


def _result(workspace: Workspace, job: str, *, failed: bool) -> Result:
    now: datetime = workspace.clock()
    return Result(
        run_id=f"j{now:%Y%m%dT%H%M%S}",
        checked_at=now,
        check_name=CHECK,
        scope=job,
        status="failed" if failed else "passed",
        measured=float(failed),
        unit="failures",
        bound=0,
        failing=None,
        snapshot=workspace.lake.snapshot(),
    )
