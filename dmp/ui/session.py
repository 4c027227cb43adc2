"""A viewer's session with a page: their request, their source, their log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, cast

from dmp.core.config import find_home
from dmp.core.errors import DMPError
from dmp.flows.viewer import viewer_account
from dmp.flows.workspace import Workspace, open_workspace
from dmp.ui.explorer import ExplorerState
from dmp.ui.request import awaited_query, is_ahead
from dmp.ui.source import SegmentSource, SegmentSummary, Viewer

log = logging.getLogger(__name__)

LOG_BYTES = 1_000_000


class _Unopened:
    """A source that could not be opened: it says why where its segments would be."""

    viewer = Viewer("Nobody", (), exact_counts=False)

    def __init__(self, error: Exception) -> None:
        self.error = error

    def segments(self) -> list[SegmentSummary]:
        raise self.error

    def attributes(self) -> list[str]:
        return []

    def destinations(self) -> list[Any]:
        return []


@dataclass
class Visit:
    """A viewer's request of a page: the workspace, and the view they ask for.

    The workspace is the folder in `DMP_HOME`, or else the current one.

    Attributes:
        query: the query string of the request; empty outside a served page.
        ahead: the workspace opened before the viewer came, by nobody yet.
    """

    home: Path
    query: str
    ahead: list[Workspace]

    def open(self) -> Workspace:
        """Return the workspace, for this viewer; a second call opens it once more.

        Raises:
            UsageError: the folder is no workspace.
            NotAllowed: behind a proxy that named nobody.
        """
        if not self.ahead:
            return open_workspace(self.home)
        account = viewer_account(self.home)
        workspace = self.ahead.pop()
        workspace.hand_to(account)
        return workspace


def begin_visit(workspaces: int = 1) -> Visit:
    """Wait for the viewer of this page, with so many workspaces opened meanwhile.

    A kernel started ahead attaches the lake and waits here until somebody opens its
    page; no table is read before, and roles are those of who comes. Any other goes on
    at once. What the pages log is kept from here on.
    """
    home, ahead = Path(os.environ.get("DMP_HOME") or Path.cwd()), []
    if is_ahead():
        ahead = [*opened_ahead(home, workspaces)]
    query = awaited_query()
    keep_log(home)
    return Visit(home, query, ahead)


def opened_ahead(home: Path, workspaces: int) -> Iterator[Workspace]:
    """Open a workspace so many times; what stands against it is told to the viewer."""
    for _ in range(workspaces):
        try:
            workspace = Workspace(find_home(home))
            workspace.lake.snapshot()
        except (DMPError, OSError) as error:
            log.info("nothing opened ahead reason=%s", type(error).__name__)
            return
        yield workspace


def open_explorer() -> ExplorerState:
    """Return the explorer over the workspace, at the view that the address names.

    A workspace that cannot be opened gives a page that says why.
    """
    flow, visit = import_module("dmp.flows.explore"), begin_visit()
    try:
        source: SegmentSource = flow.segment_source(visit.open())
    except Exception as refused:
        source = cast(SegmentSource, _Unopened(refused))
    return ExplorerState(source, visit.query)


def keep_log(home: Path) -> None:
    """Write what the pages log to `data/logs/pages.log`, for its owner only.

    Errors shown on a page are found there by their reference number. A second call
    changes nothing; without a `data` folder nothing is written.
    """
    logger = logging.getLogger("dmp.ui")
    if not (home / "data").is_dir() or logger.handlers:
        return
    folder = home / "data" / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "pages.log"
    path.touch(mode=0o600)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=3, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
