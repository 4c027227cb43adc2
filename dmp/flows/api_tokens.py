"""Who may use the HTTP API: tokens given out, taken away and recognised."""

from __future__ import annotations

from pathlib import Path

from dmp.core.config import parse, read_yaml
from dmp.core.errors import UnknownName
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.callers import RolesFile, actor_id, load_actor_key
from dmp.privacy.tokens import holder_of, issue_token, revoke_token, token_holders


def give_token(workspace: Workspace, user: str) -> str:
    """Return a new token of a user, whose roles `config/roles.yaml` says.

    The one held before is good no more. The audit log names the user by pseudonym.

    Raises:
        NotAllowed: the caller is no admin.
        UnknownName: `config/roles.yaml` names users, and not this one.
    """
    workspace.allow(Permission.MANAGE_KEYS)
    document = read_yaml(workspace.paths.config / "roles.yaml")
    roles = parse(RolesFile, document, "config/roles.yaml")
    if not roles.names_nobody and user not in roles.users:
        raise UnknownName("user in config/roles.yaml", user, sorted(roles.users))
    token = issue_token(_file(workspace), user)
    workspace.record("give_token", user=_pseudonym(workspace, user))
    return token


def take_token(workspace: Workspace, user: str) -> None:
    """Take a user's token away.

    Raises:
        NotAllowed: the caller is no admin.
        UnknownName: the user has none.
    """
    workspace.allow(Permission.MANAGE_KEYS)
    revoke_token(_file(workspace), user)
    workspace.record("take_token", user=_pseudonym(workspace, user))


def users_with_token(workspace: Workspace) -> tuple[str, ...]:
    """Return the users that have a token, sorted."""
    return token_holders(_file(workspace))


def user_of(workspace: Workspace, token: str) -> str | None:
    """Return whose token it is; nobody's is None, and a denial on record."""
    user = holder_of(_file(workspace), token)
    if user is None:
        workspace.audit.append(
            "denied", actor="u_unknown", role="none", detail={"asked": "api"}
        )
    return user


def _file(workspace: Workspace) -> Path:
    return workspace.key_files.folder / "api-tokens.json"


def _pseudonym(workspace: Workspace, user: str) -> str:
    key = load_actor_key(workspace.key_files.folder / "actor.key")
    return actor_id(user, key)
