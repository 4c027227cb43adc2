"""A viewer's session with a page: their request, their source, their log."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, cast

from dmp.ui.explorer import ExplorerState
from dmp.ui.source import SegmentSource, SegmentSummary, Viewer

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


def awaited_query() -> str:
    """Return the query string of the request that this kernel serves.

    A kernel started ahead waits here until somebody opens its page, so nothing is
    read before. Outside a served page the query is empty.
    """
    if os.environ.get("VOILA_PREHEAT") == "True":
        from voila.utils import wait_for_request

        wait_for_request()
    return os.environ.get("QUERY_STRING", "")


def home_of_page() -> Path:
    """Return the workspace of the page: `DMP_HOME`, or else the current folder."""
    return Path(os.environ.get("DMP_HOME") or Path.cwd())


def open_explorer() -> ExplorerState:
    """Return the explorer over the workspace, at the view that the address names.

    The workspace is the folder in `DMP_HOME`, or else the current one. A workspace
    that cannot be opened gives a page that says why.
    """
    home = home_of_page()
    source: SegmentSource | None = None
    error: Exception | None = None
    try:
        flow = import_module("dmp.flows.explore")
    except ImportError as missing:
        error = missing
    query = awaited_query()
    keep_log(home)
    if error is None:
        try:
            opening = import_module("dmp.flows.workspace")
            source = flow.segment_source(opening.open_workspace(home))
        except Exception as refused:
            error = refused
    if source is None:
        source = cast(SegmentSource, _Unopened(error or RuntimeError("no source")))
    return ExplorerState(source, query)


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
