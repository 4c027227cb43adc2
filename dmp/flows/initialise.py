"""Make a workspace: a folder with configuration, notebooks and pages to start from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

from dmp.core.accounts import current_account
from dmp.core.config import Paths
from dmp.core.errors import UsageError
from dmp.flows.key_backup import are_keys_backed_up
from dmp.flows.workspace import Workspace
from dmp.privacy.roles import HELD_BY_PEOPLE

_PARTS = ("config", "notebooks", "dashboards")


@dataclass(frozen=True)
class Initialised:
    """A workspace that is ready, and what its maker should know."""

    home: Path
    created: tuple[str, ...]
    roles: tuple[str, ...]
    key_folder: Path
    keys_backed_up: bool


def initialise(home: Path) -> Initialised:
    """Make `home` a workspace, or complete one; existing files are left as they are.

    A `config/roles.yaml` that is made here gives its maker all roles that people hold.
    Makes the keys in the user's configuration folder, outside the workspace.

    Raises:
        UsageError: `home` is a file.
    """
    if home.exists() and not home.is_dir():
        raise UsageError(f"{home} is a file; name a folder")
    home.mkdir(parents=True, exist_ok=True)
    home = home.resolve()
    paths = Paths(home)
    roles_file = paths.config / "roles.yaml"
    names_nobody = not roles_file.exists()
    created = [part for part in _PARTS if _copy(part, home)]
    if names_nobody:
        _name_all_roles(roles_file, current_account().user)
    is_new = not (paths.audit / "log.jsonl").exists()
    with Workspace(home) as workspace:
        roles = tuple(sorted(workspace.caller.roles))
        assert workspace.lake and workspace.keys and workspace.audit
        if is_new:
            workspace.record("init", roles=len(roles))
        keys = workspace.key_files
        is_backed_up = are_keys_backed_up(keys)
    return Initialised(home, tuple(created), roles, keys.folder, is_backed_up)


def template() -> Path:
    """Return the folder that new workspaces are copied from.

    That is package data where dmp was installed, the checkout where it runs from one.
    """
    package = Path(str(resources.files("dmp")))
    shipped = package / "workspace"
    return shipped if shipped.is_dir() else package.parent


def _name_all_roles(path: Path, user: str) -> None:
    """Give `user` all roles in the file, below the comments that it begins with."""
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    roles = [role.value for role in HELD_BY_PEOPLE]
    users = yaml.safe_dump({"users": {user: roles}}, default_flow_style=None, width=88)
    path.write_text("\n".join([*comments, users]))


def _copy(part: str, home: Path) -> bool:
    source, target = template() / part, home / part
    if source.resolve() == target.resolve():
        return False
    is_new = not target.exists()
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_file() and not copy.exists() and "checkpoints" not in str(path):
            copy.parent.mkdir(parents=True, exist_ok=True)
            draft = copy.with_name(f".{copy.name}.tmp")
            shutil.copyfile(path, draft)
            draft.replace(copy)
    return is_new
