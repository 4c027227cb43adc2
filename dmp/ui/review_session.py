"""A viewer's session with the page Match review."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from dmp.ui.review import ReviewState
from dmp.ui.session import awaited_query, keep_log


class _NoPairs:
    """Pairs that could not be opened: it says why where they would be."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise self.error


def open_review() -> ReviewState:
    """Return the review of pairs over the workspace, at the pair the address names.

    The workspace is the folder in `DMP_HOME`, or else the current one. A workspace
    that cannot be opened gives a page that says why.
    """
    home = Path(os.environ.get("DMP_HOME") or Path.cwd())
    flow = import_module("dmp.flows.review")
    query = awaited_query()
    keep_log(home)
    try:
        return ReviewState(flow.review_source(home), query, clear=True)
    except Exception as refused:
        source: Any = _NoPairs(refused)
        return ReviewState(source, query)
