from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dmp.core.errors import NotAllowed, UnknownName, UsageError
from dmp.privacy.roles import (
    HELD_BY_PEOPLE,
    PERMISSIONS,
    Caller,
    Permission,
    Role,
    actor_id,
    as_sender,
    caller,
    load_actor_key,
    require,
)

KEY = b"a" * 32
USERS = {"jane": ["analyst", "marketer"], "svc": ["engineer"]}
NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


def who(user: str, role: str = "") -> Caller:
    return caller(USERS, {"DMP_ROLE": role}, user, actor_key=KEY)


def holding(*roles: Role) -> Caller:
    return Caller("u_0123456789ab", frozenset(roles))


def test_a_caller_is_named_by_a_pseudonym() -> None:
    jane = who("jane")
    assert jane.roles == {Role.ANALYST, Role.MARKETER}
    assert jane.actor == actor_id("jane", KEY)
    assert jane.actor != actor_id("jane", b"b" * 32)
    assert len(jane.actor) == 14
    assert "jane" not in repr(jane)


def test_an_unknown_user_may_do_nothing() -> None:
    stranger = who("stranger")
    assert stranger.roles == frozenset()
    for permission in Permission:
        with pytest.raises(NotAllowed):
            require(stranger, permission)


def test_the_environment_only_narrows() -> None:
    assert who("jane", "analyst").roles == {Role.ANALYST}
    assert who("jane", "marketer, analyst").roles == {Role.ANALYST, Role.MARKETER}
    with pytest.raises(NotAllowed, match="asks for admin"):
        who("jane", "analyst,admin")
    with pytest.raises(NotAllowed):
        who("stranger", "analyst")
    with pytest.raises(UnknownName, match="analyst"):
        who("jane", "analist")


def test_no_person_holds_sender() -> None:
    with pytest.raises(UsageError, match="sender"):
        caller({"jane": ["sender"]}, {}, "jane", actor_key=KEY)
    assert Role.SENDER not in HELD_BY_PEOPLE
    assert len(HELD_BY_PEOPLE) == len(Role) - 1


def test_a_refusal_names_the_permission_and_its_roles() -> None:
    with pytest.raises(NotAllowed) as caught:
        require(who("jane"), Permission.READ_CLEAR)
    assert str(caught.value) == (
        "read_clear is not allowed to analyst, marketer; it needs the role matcher"
    )
    with pytest.raises(PermissionError):
        require(who("svc"), Permission.PREVIEW)
    require(who("jane"), Permission.PREVIEW)


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.READ_CLEAR, {Role.MATCHER}),
        (Permission.READ_IDENTIFIERS, {Role.SENDER}),
        (Permission.PREVIEW, {Role.ANALYST}),
        (Permission.EXPLAIN, {Role.ANALYST}),
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


def test_the_key_of_actors_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "actor.key"
    assert load_actor_key(path) == load_actor_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
