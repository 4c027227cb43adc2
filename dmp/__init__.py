"""dmp: a data management platform that data scientists run from notebooks.

>>> import dmp
>>> dmp.__version__
'0.1.0'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dmp.flows.science import features as features
    from dmp.flows.workspace import Workspace as Workspace
    from dmp.flows.workspace import open_workspace as open

__version__ = "0.1.0"
__all__ = ["Workspace", "__version__", "features", "open"]

_PLACES = {
    "Workspace": ("dmp.flows.workspace", "Workspace"),
    "features": ("dmp.flows.science", "features"),
    "open": ("dmp.flows.workspace", "open_workspace"),
}


def __getattr__(name: str) -> Any:
    """Load what is asked for on first use, so that `import dmp` runs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'dmp' has no attribute {name!r}")
    from importlib import import_module

    module, member = _PLACES[name]
    return getattr(import_module(module), member)


def __dir__() -> list[str]:
    """Name what there is, for tab completion."""
    return __all__
