from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dmp.core.accounts import Account, current_account
from dmp.core.config import parse
from dmp.core.errors import ConfigInvalid, NotAllowed, UnknownName
from dmp.privacy.callers import (
    RolesFile,
    actor_id,
    caller_of,
    held_roles,
    load_actor_key,
    narrowed,
)
from dmp.privacy.roles import HELD_BY_PEOPLE, Caller, Role

KEY = b"a" * 32
FILE = RolesFile(
    users={"jane": (Role.ANALYST, Role.MARKETER), "svc": (Role.ENGINEER,)},
    groups={"privacy": (Role.PRIVACY_OFFICER,), "marketing": (Role.MARKETER,)},
)


def who(user: str, *groups: str, role: str = "") -> Caller:
    account = Account(user, frozenset(groups))
    roles = held_roles(FILE, account, owner="jane")
    held = caller_of(account, roles, actor_key=KEY)
    return narrowed(held, {"DMP_ROLE": role})


def read(document: dict[str, object]) -> RolesFile:
    return parse(RolesFile, document, "config/roles.yaml")


def test_a_caller_is_named_by_a_pseudonym() -> None:
    jane = who("jane")
    assert jane.roles == {Role.ANALYST, Role.MARKETER}
    assert jane.actor == actor_id("jane", KEY)
    assert jane.actor != actor_id("jane", b"b" * 32)
    assert len(jane.actor) == 14
    assert jane.actor != actor_id("joan", KEY)
    assert "jane" not in repr(jane)


def test_a_group_gives_its_roles_to_all_in_it() -> None:
    assert who("jo", "privacy").roles == {Role.PRIVACY_OFFICER}
    assert who("svc", "marketing", "staff").roles == {Role.ENGINEER, Role.MARKETER}
    assert who("jane", "staff").roles == {Role.ANALYST, Role.MARKETER}


def test_who_is_not_named_holds_none() -> None:
    assert who("stranger").roles == frozenset()
    assert who("privacy").roles == frozenset()  # the group's name, as a user


def test_a_file_that_names_nobody_gives_all_to_the_owner_alone() -> None:
    nobody = read({})
    jane, stranger = Account("jane"), Account("stranger")
    assert held_roles(nobody, jane, owner="jane") == set(HELD_BY_PEOPLE)
    assert held_roles(nobody, stranger, owner="jane") == frozenset()
    one_group = read({"groups": {"privacy": []}})
    assert held_roles(one_group, jane, owner="jane") == frozenset()


def test_the_environment_only_narrows() -> None:
    assert who("jane", role="analyst").roles == {Role.ANALYST}
    assert who("jane", role="marketer, analyst").roles == who("jane").roles
    assert who("jane", role=" ").roles == who("jane").roles
    with pytest.raises(NotAllowed, match=r"asks for admin.*you hold analyst, mark"):
        who("jane", role="analyst,admin")
    with pytest.raises(NotAllowed, match="you hold no role"):
        who("stranger", role="analyst")
    with pytest.raises(UnknownName, match="did you mean analyst"):
        who("jane", role="analist")
    with pytest.raises(UnknownName, match="no role named 'sender'"):
        who("jane", role="sender")


def test_all_faults_of_the_file_come_at_once() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(
            {
                "users": {"jane": ["analist", "sender"], "svc": "engineer"},
                "groups": {"staff": [7]},
                "user": {},
            }
        )
    text = str(caught.value)
    assert "config/roles.yaml: 5 faults" in text
    assert "users.jane.0" in text
    assert "did you mean analyst?" in text
    assert "users.jane.1" in text
    assert "which no person holds; give marketer" in text
    assert "users.svc" in text
    assert "groups.staff.0" in text
    assert "known: analyst, matcher" in text


def test_the_kernel_is_asked_who_runs_and_not_the_environment() -> None:
    script = (
        "from dmp.core.accounts import current_account as a; "
        "print(a().user, *sorted(a().groups))"
    )
    names = {name: "somebody" for name in ("USER", "LOGNAME", "USERNAME", "LNAME")}
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    account = current_account()
    assert told == [account.user, *sorted(account.groups)]
    assert "somebody" not in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_number_without_a_name_is_an_account_of_its_own() -> None:
    script = (
        "import os; from dmp.core.accounts import current_account; os.setgroups([]); "
        "os.setgid(54322); os.setuid(54321); print(current_account())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.strip() == "Account(user='uid-54321', groups=frozenset({'gid-54322'}))"


def test_the_key_of_actors_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "actor.key"
    assert load_actor_key(path) == load_actor_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
