"""Who may do what: roles, permissions, and the caller that carries them.

Nothing is allowed that is not listed here. In embedded mode roles guide and are
logged; they are enforced where a service under its own user stands between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dmp.core.clock import Clock, now
from dmp.core.errors import NotAllowed, UsageError

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

    STATUS = "status"
    RUN_NOTEBOOK = "run_notebook"
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
    APPROVE_SEGMENT = "approve_segment"
    EXPORT = "export"
    SEND = "send"
    READ_IDENTIFIERS = "read_identifiers"
    CONSENT = "consent"
    SUBJECT_REQUEST = "subject_request"
    ERASE = "erase"
    RETAIN = "retain"
    AUDIT_VERIFY = "audit_verify"
    AUDIT_READ = "audit_read"
    CONFIGURE = "configure"
    MANAGE_KEYS = "manage_keys"


_P = Permission
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ANALYST: frozenset(
        {_P.STATUS, _P.RUN_NOTEBOOK, _P.READ_PSEUDONYMOUS, _P.PREVIEW, _P.EXPLAIN}
        | {_P.COUNT, _P.DEFINE_SEGMENT, _P.BUILD_SEGMENT, _P.APPROVE_SEGMENT}
    ),
    Role.MATCHER: frozenset(
        {_P.STATUS, _P.RUN_NOTEBOOK, _P.READ_CLEAR, _P.LABEL, _P.TRAIN, _P.RESOLVE}
        | {_P.READ_PSEUDONYMOUS, _P.EXPLAIN, _P.COUNT}
    ),
    Role.MARKETER: frozenset(
        {_P.STATUS, _P.COUNT, _P.DEFINE_SEGMENT, _P.EXPORT, _P.SEND}
    ),
    Role.SENDER: frozenset({_P.READ_IDENTIFIERS}),
    Role.PRIVACY_OFFICER: frozenset(
        {_P.STATUS, _P.CONSENT, _P.SUBJECT_REQUEST, _P.ERASE, _P.RETAIN}
        | {_P.AUDIT_VERIFY, _P.AUDIT_READ, _P.COUNT, _P.APPROVE_SEGMENT}
    ),
    Role.ENGINEER: frozenset(
        {_P.STATUS, _P.RUN_NOTEBOOK, _P.GENERATE, _P.INGEST, _P.RESOLVE, _P.MAINTAIN}
        | {_P.RETAIN, _P.BUILD_SEGMENT, _P.COUNT}
    ),
    Role.ADMIN: frozenset({_P.STATUS, _P.CONFIGURE, _P.MANAGE_KEYS, _P.AUDIT_VERIFY}),
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


def require(caller: Caller, permission: Permission, *, clock: Clock = now) -> None:
    """Go on only if one of the caller's roles includes `permission`.

    Raises:
        NotAllowed: names the permission and the roles that have it; nothing was done.
    """
    if caller.expires_at is not None and clock() >= caller.expires_at:
        raise NotAllowed(
            f"the sender for {caller.destination} has expired; start the sync again"
        )
    if not may(caller, permission):
        raise NotAllowed(
            f"{permission} is not allowed to {_listed(caller.roles) or 'no role'}; "
            f"it needs the role {' or '.join(holders(permission))}{_next_step(caller)}"
        )


def may(caller: Caller, *permissions: Permission) -> bool:
    """Say whether one of the caller's roles includes one of `permissions`."""
    held = frozenset[Permission]().union(*(PERMISSIONS[r] for r in caller.roles))
    return not held.isdisjoint(permissions)


def permissions_of(caller: Caller) -> tuple[Permission, ...]:
    """Return what the caller may do, in the order of `Permission`."""
    return tuple(one for one in Permission if may(caller, one))


def holders(*permissions: Permission) -> tuple[Role, ...]:
    """Return the roles that include one of `permissions`."""
    return tuple(r for r in Role if not PERMISSIONS[r].isdisjoint(permissions))


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
    if not may(caller, Permission.SEND, Permission.EXPORT):
        require(caller, Permission.SEND, clock=clock)
    expires_at = clock() + SENDER_LIFETIME
    roles = frozenset({Role.SENDER})
    return Caller(caller.actor, roles, destination, purpose, expires_at)


def _next_step(caller: Caller) -> str:
    if caller.roles:
        return ""
    return (
        ". config/roles.yaml gives your operating-system user no role: ask who looks "
        "after that file for one"
    )


def _listed(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
