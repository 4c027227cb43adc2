"""What the dashboards and tuning notebooks show: states, widgets, charts, server."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "BuilderState": "dmp.ui.builder",
    "ExplorerState": "dmp.ui.explorer",
    "ReviewState": "dmp.ui.review",
    "open_builder": "dmp.ui.builder_session",
    "open_explorer": "dmp.ui.session",
    "open_home": "dmp.ui.overview_session",
    "open_jobs": "dmp.ui.overview_session",
    "open_review": "dmp.ui.review_session",
    "show_builder": "dmp.ui.builder_page",
    "show_explorer": "dmp.ui.explorer_page",
    "show_home": "dmp.ui.overview_page",
    "show_jobs": "dmp.ui.overview_page",
    "show_review": "dmp.ui.review_page",
    "show_rule": "dmp.ui.rule_trial",
    "show_tuning": "dmp.ui.tuning_panel",
}

__all__ = [
    "BuilderState",
    "ExplorerState",
    "ReviewState",
    "open_builder",
    "open_explorer",
    "open_home",
    "open_jobs",
    "open_review",
    "show_builder",
    "show_explorer",
    "show_home",
    "show_jobs",
    "show_review",
    "show_rule",
    "show_tuning",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so `import dmp.ui` is free."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
