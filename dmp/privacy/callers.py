"""From the account that runs a process to the caller, by `config/roles.yaml`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from dmp.core.accounts import Account
from dmp.core.config import Document
from dmp.core.errors import NotAllowed, PrivacyError, UnknownName
from dmp.privacy.private_files import KEY_BYTES, read_key, write_key
from dmp.privacy.roles import HELD_BY_PEOPLE, Caller, Role

VARIABLE = "DMP_ROLE"
_NAMES = tuple(role.value for role in HELD_BY_PEOPLE)


def _role_of_people(name: object) -> object:
    if name == Role.SENDER.value:
        raise ValueError(
            "sender is the role of a sync, which no person holds; give marketer, who "
            "may ask for a send"
        )
    if name not in _NAMES:
        near = get_close_matches(str(name), _NAMES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(f"no such role; {hint}known: {', '.join(_NAMES)}")
    return Role(name)


Roles = tuple[Annotated[Role, BeforeValidator(_role_of_people)], ...]


class RolesFile(Document):
    """`config/roles.yaml`: accounts of this machine and what they hold.

    Attributes:
        users: user name to roles.
        groups: group name to roles, which everybody in the group holds.
    """

    users: Mapping[str, Roles] = {}
    groups: Mapping[str, Roles] = {}

    @property
    def names_nobody(self) -> bool:
        """Whether no user and no group has an entry."""
        return not self.users and not self.groups


def held_roles(file: RolesFile, account: Account, *, owner: str) -> frozenset[Role]:
    """Return the roles of an account: of its user name and of all its groups.

    While the file names nobody, `owner`, who made the workspace, holds all roles that
    people hold. As soon as it names one, only those named hold any.
    """
    if file.names_nobody:
        return frozenset(HELD_BY_PEOPLE if account.user == owner else ())
    by_group = [file.groups.get(group, ()) for group in account.groups]
    return frozenset(file.users.get(account.user, ())).union(*by_group)


def caller_of(account: Account, roles: Iterable[Role], *, actor_key: bytes) -> Caller:
    """Return the account as a caller with these roles, under its pseudonym."""
    return Caller(actor_id(account.user, actor_key), frozenset(roles))


def narrowed(caller: Caller, environ: Mapping[str, str]) -> Caller:
    """Return the caller with some of the roles held: those that `DMP_ROLE` names.

    Several have commas between them. Without the variable, all roles stay.

    Raises:
        UnknownName: the variable names no role of ours.
        NotAllowed: it asks for a role that the caller does not hold.
    """
    wanted = environ.get(VARIABLE, "")
    if not wanted.strip():
        return caller
    chosen = frozenset(_role(name.strip()) for name in wanted.split(","))
    if not chosen <= caller.roles:
        raise NotAllowed(
            f"{VARIABLE} asks for {_listed(chosen - caller.roles)}, which "
            f"config/roles.yaml does not give you; you hold "
            f"{_listed(caller.roles) or 'no role'}: choose among these, or unset "
            f"{VARIABLE}"
        )
    return replace(caller, roles=chosen)


def actor_id(user: str, actor_key: bytes) -> str:
    """Return the pseudonym of a user name: `u_` and 12 hex digits of an HMAC."""
    digest = hmac.new(actor_key, user.encode(), hashlib.sha256).hexdigest()
    return f"u_{digest[:12]}"


def load_actor_key(path: Path) -> bytes:
    """Return the key of actors' pseudonyms, made with mode 0600 where absent.

    Raises:
        PrivacyError: the file holds no key, or others than its owner can read it.
    """
    if not path.exists():
        with suppress(PrivacyError):
            write_key(path, secrets.token_bytes(KEY_BYTES))
    return read_key(path)


def _role(name: str) -> Role:
    if name not in _NAMES:
        raise UnknownName("role", name, _NAMES)
    return Role(name)


def _listed(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
