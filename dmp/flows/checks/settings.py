"""Checks of what the operator chose: the files in `config/`, and who is named there."""

from __future__ import annotations

import grp
import pwd
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from dmp.activation.destinations import read_destinations
from dmp.core.accounts import current_account
from dmp.core.config import load_settings, parse, read_yaml
from dmp.core.errors import ConfigInvalid, DMPError
from dmp.flows.checks.finding import Finding, Ground, ok, problem, warning
from dmp.identity.settings import IdentitySettings, ProfileSettings
from dmp.ingest.contracts import read_contracts
from dmp.privacy.callers import RolesFile
from dmp.quality.settings import QualitySettings
from dmp.segments.computed import read_traits
from dmp.segments.saved import read_saved

Read = Callable[[Ground, Path], object]

_FILES: dict[str, Read] = {
    "dmp.yaml": lambda ground, path: load_settings(ground.paths, ground.environ),
    "roles.yaml": lambda _, path: parse(RolesFile, read_yaml(path), str(path)),
    "identity.yaml": lambda _, path: parse(
        IdentitySettings, read_yaml(path), str(path)
    ),
    "quality.yaml": lambda _, path: parse(QualitySettings, read_yaml(path), str(path)),
    "profile.yaml": lambda _, path: parse(ProfileSettings, read_yaml(path), str(path)),
    "sources": lambda _, path: read_contracts(path),
    "segments": lambda _, path: read_saved(path),
    "traits": lambda _, path: read_traits(path),
    "destinations": lambda _, path: read_destinations(path),
}

_OPTIONAL = frozenset({"quality.yaml", "traits"})
"""Files without which the defaults hold."""


def configuration(ground: Ground) -> Iterator[Finding]:
    """Read every file of `config/`, as commands do."""
    right = []
    for name, read in _FILES.items():
        path = ground.paths.config / name
        if not path.exists() and name in _OPTIONAL:
            continue
        if not path.exists():
            yield problem(
                f"config: {name}", f"{path} is not there", _init_again(ground)
            )
            continue
        try:
            read(ground, path)
            right.append(name)
        except DMPError as error:
            yield problem(f"config: {name}", str(error), _edit(error, path))
    if right:
        yield ok("config: files", f"without faults: {', '.join(right)}")


def roles(ground: Ground) -> Iterator[Finding]:
    """See that whom `roles.yaml` names exists on this machine."""
    path = ground.paths.config / "roles.yaml"
    try:
        file = parse(RolesFile, read_yaml(path), str(path))
    except ConfigInvalid:  # told by the check of the files
        return
    edit = f"${{EDITOR:-vi}} {shlex.quote(str(path))}"
    strangers = [
        *(f"the user {name}" for name in file.users if not _exists_user(name)),
        *(f"the group {name}" for name in file.groups if not _exists_group(name)),
    ]
    for stranger in strangers:
        text = f"{path} names {stranger}, which this machine does not know"
        yield warning("config: roles", text, edit)
    account = current_account()
    mine = {account.user} & set(file.users) or account.groups & set(file.groups)
    if not mine and not file.names_nobody:
        text = "your operating-system user holds no role here: every command is denied"
        yield warning("config: roles", text, edit)
    elif not strangers:
        named = ", ".join([*file.users, *file.groups]) or "nobody: its maker holds all"
        yield ok("config: roles", f"named: {named}")


def _init_again(ground: Ground) -> str:
    return shlex.join(["dmp", "init", str(ground.paths.home)])


def _edit(error: DMPError, path: Path) -> str:
    """Return the command that opens the faulty file."""
    faulty = Path(str(getattr(error, "where", "")))
    if path.is_dir():
        path = path / faulty.name if (path / faulty.name).is_file() else path
    return f"${{EDITOR:-vi}} {shlex.quote(str(path))}"


def _exists_user(name: str) -> bool:
    return name in {entry.pw_name for entry in pwd.getpwall()}


def _exists_group(name: str) -> bool:
    return name in {entry.gr_name for entry in grp.getgrall()}
