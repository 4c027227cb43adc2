"""Who may do what: roles, permissions, and the caller that carries them.

Nothing is allowed that is not listed here. In embedded mode roles guide and are
logged; they are enforced where a service under its own user stands between.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from dmp.core.clock import Clock, now
from dmp.core.errors import NotAllowed, PrivacyError, UnknownName, UsageError
from dmp.privacy.private_files import KEY_BYTES, read_key, write_key

VARIABLE = "DMP_ROLE"
SENDER_LIFETIME = timedelta(minutes=15)


class Role(StrEnum):
    """What a person, or for `sender` a sync, is there to do."""

    ANALYST = "analyst"
    MATCHER = "matcher"
    MARKETER = "marketer"
    SENDER = "sender"
    PRIVACY_OFFICER = "privacy_officer"
    ENGINEER = "engineer"
    ADMIN = "admin"


class Permission(StrEnum):
    """One thing that a command does and a role allows."""

    GENERATE = "generate"
    INGEST = "ingest"
    RESOLVE = "resolve"
    MAINTAIN = "maintain"
    TRAIN = "train"
    LABEL = "label"
    READ_CLEAR = "read_clear"
    READ_PSEUDONYMOUS = "read_pseudonymous"
    PREVIEW = "preview"
    EXPLAIN = "explain"
    COUNT = "count"
    DEFINE_SEGMENT = "define_segment"
    BUILD_SEGMENT = "build_segment"
    EXPORT = "export"
    SEND = "send"
    READ_IDENTIFIERS = "read_identifiers"
    CONSENT = "consent"
    SUBJECT_REQUEST = "subject_request"
    ERASE = "erase"
    RETAIN = "retain"
    AUDIT_VERIFY = "audit_verify"
    CONFIGURE = "configure"
    MANAGE_KEYS = "manage_keys"


_P = Permission
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ANALYST: frozenset(
        {_P.READ_PSEUDONYMOUS, _P.PREVIEW, _P.EXPLAIN, _P.COUNT}
        | {_P.DEFINE_SEGMENT, _P.BUILD_SEGMENT}
    ),
    Role.MATCHER: frozenset(
        {_P.READ_CLEAR, _P.LABEL, _P.TRAIN, _P.RESOLVE, _P.READ_PSEUDONYMOUS, _P.COUNT}
    ),
    Role.MARKETER: frozenset({_P.COUNT, _P.DEFINE_SEGMENT, _P.EXPORT, _P.SEND}),
    Role.SENDER: frozenset({_P.READ_IDENTIFIERS}),
    Role.PRIVACY_OFFICER: frozenset(
        {_P.CONSENT, _P.SUBJECT_REQUEST, _P.ERASE, _P.RETAIN, _P.AUDIT_VERIFY}
        | {_P.COUNT}
    ),
    Role.ENGINEER: frozenset(
        {_P.GENERATE, _P.INGEST, _P.RESOLVE, _P.MAINTAIN, _P.RETAIN}
        | {_P.BUILD_SEGMENT, _P.COUNT}
    ),
    Role.ADMIN: frozenset({_P.CONFIGURE, _P.MANAGE_KEYS, _P.AUDIT_VERIFY}),
}
HELD_BY_PEOPLE: tuple[Role, ...] = tuple(r for r in Role if r is not Role.SENDER)


@dataclass(frozen=True)
class Caller:
    """Who asks, under a pseudonym, and in which roles.

    Attributes:
        actor: `u_` and 12 hex digits; never a name.
        destination: for a sender, the one destination it may read for.
        purpose: for a sender, the consent purpose it sends under.
        expires_at: for a sender, the instant from which it may do nothing any more.
    """

    actor: str
    roles: frozenset[Role]
    destination: str = ""
    purpose: str = ""
    expires_at: datetime | None = None


def caller(
    settings_roles: Mapping[str, Sequence[str]],
    environ: Mapping[str, str],
    os_user: str,
    *,
    actor_key: bytes,
) -> Caller:
    """Return the caller that an operating-system user is.

    `settings_roles` maps user names to roles, as `users:` in `config/roles.yaml`. A
    user that is not there holds no role. `DMP_ROLE` (roles with commas between them)
    narrows to some of the roles held, and never widens.

    Raises:
        UnknownName: the configuration or `DMP_ROLE` names no role of ours.
        UsageError: the configuration gives a person the role `sender`.
        NotAllowed: `DMP_ROLE` asks for a role that the user does not hold.
    """
    held = frozenset(_role(name) for name in settings_roles.get(os_user, ()))
    if Role.SENDER in held:
        raise UsageError(
            "config/roles.yaml gives a user the role sender, which no person holds; "
            "give marketer, who may ask for a send"
        )
    actor = actor_id(os_user, actor_key)
    return Caller(actor, _narrowed(held, environ.get(VARIABLE, "")))


def actor_id(os_user: str, actor_key: bytes) -> str:
    """Return the pseudonym of a user name: `u_` and 12 hex digits of an HMAC."""
    digest = hmac.new(actor_key, os_user.encode(), hashlib.sha256).hexdigest()
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


def require(caller: Caller, permission: Permission, *, clock: Clock = now) -> None:
    """Go on only if one of the caller's roles includes `permission`.

    Raises:
        NotAllowed: names the permission and the roles that have it; nothing was done.
    """
    if caller.expires_at is not None and clock() >= caller.expires_at:
        raise NotAllowed(
            f"the sender for {caller.destination} has expired; start the sync again"
        )
    if not any(permission in PERMISSIONS[role] for role in caller.roles):
        holders = [
            r for r, permissions in PERMISSIONS.items() if permission in permissions
        ]
        raise NotAllowed(
            f"{permission} is not allowed to {_listed(caller.roles) or 'no role'}; "
            f"it needs the role {' or '.join(holders)}"
        )


def as_sender(
    caller: Caller, destination: str, purpose: str, *, clock: Clock = now
) -> Caller:
    """Return the service role of one sync, for 15 minutes.

    It reads the identifiers of members who consented to `purpose`, for `destination`
    alone, and may do nothing else. The actor stays who asked.

    Raises:
        NotAllowed: the caller may neither send nor export.
        UsageError: destination or purpose is empty.
    """
    if not destination or not purpose:
        raise UsageError("a sender needs a destination and a purpose")
    if not _may_any(caller, (Permission.SEND, Permission.EXPORT)):
        require(caller, Permission.SEND, clock=clock)
    expires_at = clock() + SENDER_LIFETIME
    roles = frozenset({Role.SENDER})
    return Caller(caller.actor, roles, destination, purpose, expires_at)


def _may_any(caller: Caller, permissions: Iterable[Permission]) -> bool:
    return any(p in PERMISSIONS[role] for role in caller.roles for p in permissions)


def _narrowed(held: frozenset[Role], wanted: str) -> frozenset[Role]:
    if not wanted.strip():
        return held
    chosen = frozenset(_role(name.strip()) for name in wanted.split(","))
    if not chosen <= held:
        raise NotAllowed(
            f"{VARIABLE} asks for {_listed(chosen - held)}, which config/roles.yaml "
            f"does not give you; held: {_listed(held) or 'none'}"
        )
    return chosen


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError as error:
        raise UnknownName("role", name, [role.value for role in Role]) from error


def _listed(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
