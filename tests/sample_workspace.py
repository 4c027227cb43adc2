"""The committed sample as workspaces: landed, loaded, resolved."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import yaml

from dmp.core.accounts import current_account
from dmp.core.config import Paths, key_folder, workspace_identity
from dmp.flows.ingest import ingest
from dmp.flows.resolve import resolve_people, train_linkage
from dmp.flows.workspace import Workspace
from dmp.privacy.key_tables import root_purpose
from dmp.privacy.private_files import exclusive
from dmp.privacy.root_keys import FOUNDING

REPOSITORY = Path(__file__).parent.parent
SAMPLE = REPOSITORY / "data" / "sample"
SOURCES = ("app", "crm", "partner", "shop", "web")
ROLES = ["admin", "analyst", "engineer", "marketer", "matcher", "privacy_officer"]
UNTIL = datetime(2026, 6, 30, tzinfo=UTC)
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def land_sample(home: Path) -> None:
    """Make a workspace folder with the repository's choices and the sample landed."""
    shutil.copytree(REPOSITORY / "config", home / "config")
    users = {"users": {current_account().user: ROLES}}
    (home / "config" / "roles.yaml").write_text(yaml.safe_dump(users))
    shutil.copytree(SAMPLE, home / "data" / "landing")


def found_pseudonyms(workspace: Workspace) -> None:
    """Make all ids the same in every run of one DMP_SAMPLE_SEED; before any load."""
    seed = os.environ.get("DMP_SAMPLE_SEED", "sample")
    root = hashlib.sha256(seed.encode()).digest()
    keys = workspace.keys
    wrapped = keys._ring.wrap(root, root_purpose("pseudonym", FOUNDING))
    keys._connection.execute("update root_key set wrapped = ?", (wrapped,))
    workspace.forget_keys()


def open_at(home: Path, now: datetime = NOW) -> Workspace:
    """Open a workspace whose clock stands still."""
    clock: Callable[[], datetime] = lambda: now  # noqa: E731
    return Workspace(home, clock=clock)


def load_all(workspace: Workspace) -> None:
    """Load a new workspace."""
    found_pseudonyms(workspace)
    for source in SOURCES:
        ingest(workspace, source)


def build_resolved(home: Path) -> None:
    """Land, load, train and resolve the sample in a folder."""
    land_sample(home)
    with open_at(home) as workspace:
        load_all(workspace)
        train_linkage(workspace)
        resolve_people(workspace)


def resolved_once(folder: Path) -> Path:
    """Build the resolved sample in a folder, with its keys, unless it is there."""
    built, draft = folder / "resolved", folder / "resolved-draft"
    with exclusive(folder / "resolved.lock"):
        if not built.exists():
            build_resolved(draft / "workspace")
            shutil.copytree(_keys_of(draft / "workspace"), draft / "keys")
            draft.rename(built)
    return built


def take_resolved(built: Path, home: Path) -> Path:
    """Copy what `resolved_once` built into a folder, and its keys to those of here."""
    shutil.copytree(built / "workspace", home)
    keys = _keys_of(home)
    if not keys.exists():
        shutil.copytree(built / "keys", keys)
    return home


def _keys_of(home: Path) -> Path:
    return key_folder() / workspace_identity(Paths(home)).id


def copy_workspace(home: Path, to: Path) -> Path:
    """Copy a workspace to write to, with signed heads of its audit log of its own."""
    shutil.copytree(home, to)
    heads = to / "audit-heads.jsonl"
    shutil.copy(_keys_of(home) / heads.name, heads)
    settings = to / "config" / "dmp.yaml"
    document = yaml.safe_load(settings.read_text())
    document["audit"] = {"heads_file": str(heads)}
    settings.write_text(yaml.safe_dump(document))
    return to
