"""A viewer's session with the start page or the page of jobs."""

from __future__ import annotations

from dmp.ui.jobs_state import JobsState
from dmp.ui.run_source import WorkspaceRuns
from dmp.ui.session import awaited_query, home_of_page, keep_log


def open_home() -> WorkspaceRuns:
    """Return what the start page reads, of the workspace in `DMP_HOME`."""
    home = home_of_page()
    awaited_query()
    keep_log(home)
    return WorkspaceRuns(home)


def open_jobs() -> JobsState:
    """Return the page of jobs of the workspace, at the run that the address names."""
    home, query = home_of_page(), awaited_query()
    keep_log(home)
    return JobsState(WorkspaceRuns(home), query)
