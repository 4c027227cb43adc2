"""A viewer's session with the page Match review."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dmp.ui.review import ReviewState
from dmp.ui.session import begin_visit


class _NoPairs:
    """Pairs that could not be opened: it says why where they would be."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise self.error


def open_review() -> ReviewState:
    """Return the review of pairs over the workspace, at the pair the address names.

    A workspace that cannot be opened gives a page that says why.
    """
    flow, visit = import_module("dmp.flows.review"), begin_visit()
    try:
        source = flow.WorkspaceReview(visit.open())
        return ReviewState(source, visit.query, clear=True)
    except Exception as refused:
        unopened: Any = _NoPairs(refused)
        return ReviewState(unopened, visit.query)
