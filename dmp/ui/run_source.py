"""What the start page and the page of jobs read and do, for one viewer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from dmp.core.errors import UnknownName
from dmp.flows.overview import CheckTrend, Health, Overview, WorkspaceOverview
from dmp.flows.workspace import Workspace, open_workspace
from dmp.jobs.records import RunRecord, read_records
from dmp.privacy import Permission
from dmp.ui.executed import ExecutedCell, executed_cells


class WorkspaceRuns:
    """The overview of a workspace with its runs. Roles are checked at each call."""

    def __init__(
        self, home: Path, open_: Callable[[], Workspace] | None = None
    ) -> None:
        """Read nothing yet; `open_` gives the workspace at the first call."""
        self._home = home
        self._open = open_ or (lambda: open_workspace(home))
        self._overview: WorkspaceOverview | None = None

    def overview(self) -> Overview:
        """Return how the workspace is."""
        return self._opened.overview()

    def health(self) -> Health:
        """Return what needs attention."""
        return self._opened.health()

    def checks(self) -> list[CheckTrend]:
        """Return the checks of data quality with their last results."""
        return self._opened.checks()

    def check(self) -> None:
        """Run the checks of data quality, keep what they find, and tell of it.

        Works over a workspace of its own, so that it may be called in a thread.

        Raises:
            NotAllowed: the caller may not maintain.
            ConfigInvalid: `config/quality.yaml` has faults; nothing was checked.
            AlertNotSent: results are kept, but nobody could be told.
        """
        from dmp.flows.quality import run_quality

        with open_workspace(self._home) as workspace:
            run_quality(workspace)

    def runs(self) -> list[RunRecord]:
        """Return the runs of notebooks, the newest first.

        Raises:
            NotAllowed: the caller holds no role here.
        """
        workspace = self._opened.workspace
        workspace.allow_now(Permission.STATUS)
        return read_records(workspace.paths.runs)

    def executed(self, run_id: str) -> list[ExecutedCell]:
        """Return the cells of a run's executed copy; none where it has no copy yet.

        Raises:
            NotAllowed: the caller may not run notebooks.
            UnknownName: no such run.
        """
        workspace = self._opened.workspace
        workspace.allow_now(Permission.RUN_NOTEBOOK)
        found = {run.run_id: run for run in self.runs()}
        if run_id not in found:
            raise UnknownName("run", run_id, [])
        folder = workspace.paths.runs / run_id
        copies = sorted(folder.glob("*.ipynb"))
        return executed_cells(copies[0]) if copies else []

    def retry(self, run_id: str) -> RunRecord:
        """Run the notebook of a run again, with the same parameters, and wait for it.

        Works over a workspace of its own, so that it may be called in a thread.

        Raises:
            NotAllowed: the caller may not run notebooks.
            UnknownName: no such run.
            RunFailed: it failed again; a record was kept.
        """
        from dmp.jobs.runner import run_notebook

        found = {run.run_id: run for run in self.runs()}
        if run_id not in found:
            raise UnknownName("run", run_id, [])
        run = found[run_id]
        given = {name: _text(value) for name, value in run.parameters.items()}
        with open_workspace(self._home) as workspace:
            record, _ = run_notebook(
                workspace,
                run.notebook,
                given,
                force=True,
                attempt=run.attempt + 1,
                retry_of=run_id,
            )
        return record

    @property
    def _opened(self) -> WorkspaceOverview:
        if self._overview is None:
            self._overview = WorkspaceOverview(self._open())
        return self._overview


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
