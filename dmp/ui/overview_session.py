"""A viewer's session with the start page or the page of jobs."""

from __future__ import annotations

from dmp.ui.jobs_state import JobsState
from dmp.ui.run_source import WorkspaceRuns
from dmp.ui.session import begin_visit


def open_home() -> WorkspaceRuns:
    """Return what the start page reads."""
    visit = begin_visit()
    return WorkspaceRuns(visit.home, visit.open)


def open_jobs() -> JobsState:
    """Return the page of jobs, at the run that the address names."""
    visit = begin_visit()
    return JobsState(WorkspaceRuns(visit.home, visit.open), visit.query)
