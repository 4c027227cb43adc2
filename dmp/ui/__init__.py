"""What the dashboards and tuning notebooks show: states, widgets, charts, server."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "ExplorerState": "dmp.ui.explorer",
    "open_explorer": "dmp.ui.session",
    "show_explorer": "dmp.ui.explorer_page",
}

__all__ = ["ExplorerState", "open_explorer", "show_explorer"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so `import dmp.ui` is free."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
