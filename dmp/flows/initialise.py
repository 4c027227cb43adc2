"""Make a workspace: a folder with configuration, notebooks and pages to start from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from dmp.core.config import Paths, key_folder, workspace_identity
from dmp.core.errors import UsageError
from dmp.flows.workspace import Workspace

_PARTS = ("config", "notebooks", "dashboards")


@dataclass(frozen=True)
class Initialised:
    """A workspace that is ready, and what its maker should know."""

    home: Path
    created: tuple[str, ...]
    roles: tuple[str, ...]
    key_folder: Path


def initialise(home: Path) -> Initialised:
    """Make `home` a workspace, or complete one; existing files are left as they are.

    While `config/roles.yaml` names nobody, whoever makes the workspace holds all roles.
    Makes the keys in the user's configuration folder, outside the workspace.

    Raises:
        UsageError: `home` is a file.
    """
    if home.exists() and not home.is_dir():
        raise UsageError(f"{home} is a file; name a folder")
    home.mkdir(parents=True, exist_ok=True)
    home = home.resolve()
    created = [part for part in _PARTS if _copy(part, home)]
    paths = Paths(home)
    is_new = not paths.identity_file.exists()
    with Workspace(home) as workspace:
        roles = tuple(sorted(workspace.caller.roles))
        assert workspace.lake and workspace.keys and workspace.audit
        if is_new:
            workspace.record("init", roles=len(roles))
    keys = key_folder() / workspace_identity(paths).id
    return Initialised(home, tuple(created), roles, keys)


def template() -> Path:
    """Return the folder that new workspaces are copied from.

    That is package data where dmp was installed, the checkout where it runs from one.
    """
    package = Path(str(resources.files("dmp")))
    shipped = package / "workspace"
    return shipped if shipped.is_dir() else package.parent


def _copy(part: str, home: Path) -> bool:
    source, target = template() / part, home / part
    if source.resolve() == target.resolve():
        return False
    is_new = not target.exists()
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_file() and not copy.exists() and "checkpoints" not in str(path):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    return is_new
