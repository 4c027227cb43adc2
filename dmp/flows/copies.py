"""A workspace that was copied gets an id, keys and audit heads of its own."""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from dmp.core.config import Identity, Paths
from dmp.core.errors import UsageError
from dmp.flows.workspace import Workspace
from dmp.flows.workspace_keys import WorkspaceKeys
from dmp.privacy import Permission
from dmp.privacy.private_files import make_private_folder, whole_file

_NOT_COPIED = {"home.json", "audit-heads.jsonl"}


@dataclass(frozen=True)
class NewId:
    """What a copy is called from now on, and what it was."""

    home: Path
    id: str
    former_id: str
    key_folder: Path


def give_new_id(workspace: Workspace) -> NewId:
    """Give a copied workspace an id of its own; what its keys open stays readable.

    The keys are copied into a folder of the new id, with the audit heads of those
    records that the copy's log holds. The id is changed last: cut short, it is still
    the copy that it was.

    Raises:
        UsageError: it is no copy of a workspace that is still there.
        NotAllowed: the caller may not configure.
    """
    workspace.allow(Permission.CONFIGURE)
    keys = workspace.key_files
    if keys.original() is None:
        raise UsageError(
            f"{keys.paths.home} is no copy: the id {keys.identity.id} and its keys are "
            "its own; nothing was changed"
        )
    new = adopt(keys, keys.heads)
    workspace.forget_keys()
    workspace.record("new id", former=new.former_id)
    return new


def adopt(keys: WorkspaceKeys, heads: Path) -> NewId:
    """Change the id of a workspace and copy its keys to a folder of the new one.

    Args:
        heads: the audit heads of its log, or of one that goes on after it.
    """
    former = keys.identity
    made = Identity(
        uuid.uuid4().hex[:16], former.owner, (former.id, *former.former_ids)
    )
    folder = make_private_folder(keys.folder.with_name(made.id))
    for path in sorted(keys.folder.iterdir()):
        if path.is_file() and path.name not in _NOT_COPIED:
            shutil.copy(path, folder / path.name)
    copy_heads(keys.paths, heads, folder / "audit-heads.jsonl")
    write_identity(keys.paths, made)
    return NewId(keys.paths.home, made.id, former.id, folder)


def write_identity(paths: Paths, identity: Identity) -> None:
    """Make the workspace have this identity."""
    with whole_file(paths.identity_file) as draft:
        draft.write_text(
            json.dumps(
                {
                    "id": identity.id,
                    "owner": identity.owner,
                    "former_ids": list(identity.former_ids),
                }
            )
        )


def copy_heads(paths: Paths, source: Path, target: Path) -> None:
    """Copy those signed heads that belong to the records of a workspace's log.

    The original may have signed more since the copy was made.
    """
    state = paths.audit / "state.json"
    if not state.exists() or not source.exists():
        return
    size = int(json.loads(state.read_bytes())["heads_bytes"])
    with whole_file(target) as draft:
        draft.write_bytes(source.read_bytes()[:size])
