from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dmp.core.errors import NotAllowed, UsageError
from dmp.privacy.roles import (
    HELD_BY_PEOPLE,
    PERMISSIONS,
    Caller,
    Permission,
    Role,
    as_sender,
    holders,
    may,
    permissions_of,
    require,
)

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


def holding(*roles: Role) -> Caller:
    return Caller("u_0123456789ab", frozenset(roles))


def test_no_person_holds_sender() -> None:
    assert Role.SENDER not in HELD_BY_PEOPLE
    assert len(HELD_BY_PEOPLE) == len(Role) - 1


def test_a_refusal_names_the_permission_and_its_roles() -> None:
    caller = holding(Role.ANALYST, Role.MARKETER)
    with pytest.raises(NotAllowed) as caught:
        require(caller, Permission.READ_CLEAR)
    assert str(caught.value) == (
        "read_clear is not allowed to analyst, marketer; it needs the role matcher"
    )
    with pytest.raises(PermissionError):
        require(holding(Role.ENGINEER), Permission.PREVIEW)
    require(caller, Permission.PREVIEW)


def test_who_holds_no_role_may_do_nothing_and_is_told_where_roles_come_from() -> None:
    for permission in Permission:
        with pytest.raises(NotAllowed, match=r"no role.*config/roles\.yaml.*ask"):
            require(holding(), permission)
    assert permissions_of(holding()) == ()


def test_what_a_caller_may_is_what_the_roles_include() -> None:
    caller = holding(Role.ADMIN)
    assert set(permissions_of(caller)) == PERMISSIONS[Role.ADMIN]
    assert may(caller, Permission.COUNT, Permission.MANAGE_KEYS)
    assert not may(caller, Permission.COUNT, Permission.PREVIEW)
    assert holders(Permission.TRAIN, Permission.SEND) == (Role.MATCHER, Role.MARKETER)


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.READ_CLEAR, {Role.MATCHER}),
        (Permission.READ_IDENTIFIERS, {Role.SENDER}),
        (Permission.PREVIEW, {Role.ANALYST}),
        (Permission.EXPLAIN, {Role.ANALYST, Role.MATCHER}),
        (Permission.SEND, {Role.MARKETER}),
        (Permission.ERASE, {Role.PRIVACY_OFFICER}),
        (Permission.MANAGE_KEYS, {Role.ADMIN}),
        (Permission.INGEST, {Role.ENGINEER}),
        (Permission.AUDIT_VERIFY, {Role.ADMIN, Role.PRIVACY_OFFICER}),
    ],
)
def test_who_may(permission: Permission, roles: set[Role]) -> None:
    assert {r for r in Role if permission in PERMISSIONS[r]} == roles


def test_every_permission_has_a_role_and_admin_sees_no_data() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert frozenset().union(*PERMISSIONS.values()) == set(Permission)
    seeing = {Permission.READ_CLEAR, Permission.READ_PSEUDONYMOUS, Permission.PREVIEW}
    assert not PERMISSIONS[Role.ADMIN] & (seeing | {Permission.COUNT})


def test_a_sender_is_short_lived_and_for_one_destination() -> None:
    marketer = holding(Role.MARKETER, Role.ANALYST)
    sender = as_sender(marketer, "meta", "advertising", clock=lambda: NOON)
    assert (sender.destination, sender.purpose) == ("meta", "advertising")
    assert sender.actor == marketer.actor
    assert sender.roles == {Role.SENDER}
    before = NOON + timedelta(minutes=14, seconds=59)
    require(sender, Permission.READ_IDENTIFIERS, clock=lambda: before)
    after = NOON + timedelta(minutes=15)
    with pytest.raises(NotAllowed, match="expired"):
        require(sender, Permission.READ_IDENTIFIERS, clock=lambda: after)
    with pytest.raises(NotAllowed):
        require(sender, Permission.COUNT, clock=lambda: NOON)


def test_only_who_may_send_becomes_a_sender() -> None:
    for role in set(HELD_BY_PEOPLE) - {Role.MARKETER}:
        with pytest.raises(NotAllowed, match="marketer"):
            as_sender(holding(role), "meta", "advertising")
    sender = as_sender(holding(Role.MARKETER), "meta", "advertising")
    with pytest.raises(NotAllowed):
        as_sender(sender, "google", "advertising")
    with pytest.raises(UsageError):
        as_sender(holding(Role.MARKETER), "meta", "")
