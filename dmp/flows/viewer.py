"""Who opened a page: behind a proxy, the user that the server was told of."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from dmp.core.accounts import Account
from dmp.core.config import parse, read_yaml
from dmp.core.errors import NotAllowed
from dmp.privacy.callers import RolesFile

USER, GROUPS = "X-Forwarded-User", "X-Forwarded-Groups"
MARK = "DMP_BEHIND_PROXY"
_NAME = re.compile(r"[\w.@+-]{1,128}", re.ASCII)


def viewer_account(
    home: Path, environ: Mapping[str, str] = os.environ
) -> Account | None:
    """Return the account of whoever opened this page; None without a proxy.

    The page server gives each page's process the user of its request, and marks it.

    Raises:
        NotAllowed: behind a proxy, no user was given, or `roles.yaml` names nobody.
    """
    if MARK not in environ:
        return None
    user, groups = (
        environ.get(f"HTTP_{name.upper().replace('-', '_')}", "")
        for name in (USER, GROUPS)
    )
    account = account_of(user, groups)
    if account is None:
        raise NotAllowed("the proxy named no user; sign in again")
    check_named(home)
    return account


def check_named(home: Path) -> None:
    """Go on only if `config/roles.yaml` names somebody.

    While it names nobody, whoever made the workspace holds all roles; a name that a
    proxy brings must never become that person.

    Raises:
        NotAllowed: it names nobody.
    """
    file = parse(RolesFile, read_yaml(home / "config" / "roles.yaml"), "roles.yaml")
    if file.names_nobody:
        raise NotAllowed(
            "config/roles.yaml names nobody: behind a proxy it must say which users "
            "and groups hold which roles"
        )


def account_of(user: str, groups: str) -> Account | None:
    """Return the account that two headers name; None where the user is no name.

    >>> sorted(account_of("ada@example.org", "growth, analysts").groups)
    ['analysts', 'growth']
    >>> account_of("ada, root", "") is None
    True
    """
    if not _NAME.fullmatch(user):
        return None
    named = (one.strip() for one in re.split(r"[,;|]", groups))
    return Account(user, frozenset(one for one in named if _NAME.fullmatch(one)))
