"""Behind a proxy that signs people in: whom it says it brings, and its proof."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dmp.core.accounts import Account
from dmp.core.config import parse, read_yaml
from dmp.core.errors import NotAllowed, UsageError
from dmp.flows.workspace import Workspace, open_workspace
from dmp.privacy.callers import RolesFile

USER, GROUPS, SECRET = "X-Forwarded-User", "X-Forwarded-Groups", "X-Dmp-Proxy-Secret"
SECRET_VARIABLE, MARK = "DMP_PROXY_SECRET", "DMP_BEHIND_PROXY"
LEAST_SECRET = 32
_NAME = re.compile(r"[\w.@+-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class Proxy:
    """A proxy that is trusted.

    Attributes:
        origin: the address that browsers see, such as `https://dmp.example.org`.
        secret: what the proxy proves itself with in every request.
    """

    origin: str
    secret: str = field(repr=False)

    @property
    def host(self) -> str:
        """The host name that browsers see."""
        return urlsplit(self.origin).hostname or ""

    @property
    def socket_origin(self) -> str:
        """The same address for websockets."""
        return self.origin.replace("http", "ws", 1)


def trusted_proxy(origin: str, environ: Mapping[str, str] = os.environ) -> Proxy:
    """Return the proxy at an origin, with the secret of `DMP_PROXY_SECRET`.

    Raises:
        UsageError: the origin is none, or the secret is absent or short.
    """
    parts = urlsplit(origin)
    plain = parts.path in ("", "/") and not parts.query and not parts.username
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise UsageError(
            "--behind-proxy takes the address that browsers see, such as "
            "https://dmp.example.org, without a path"
        )
    secret = environ.get(SECRET_VARIABLE, "")
    if len(secret) < LEAST_SECRET:
        raise UsageError(
            f"{SECRET_VARIABLE} must hold the secret that the proxy sends as {SECRET}: "
            f"{LEAST_SECRET} characters or more; make one with `openssl rand -hex 32`"
        )
    return Proxy(f"{parts.scheme}://{parts.netloc}", secret)


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


def viewer_workspace(home: Path, environ: Mapping[str, str] = os.environ) -> Workspace:
    """Return the workspace for whoever opened this page.

    Without a proxy that is the account of the process. Behind one it is the user that
    the server was given with the request of this page, and nobody without one.

    Raises:
        NotAllowed: behind a proxy, no user was given, or `roles.yaml` names nobody.
    """
    if MARK not in environ:
        return open_workspace(home)
    user, groups = (
        environ.get(f"HTTP_{name.upper().replace('-', '_')}", "")
        for name in (USER, GROUPS)
    )
    account = account_of(user, groups)
    if account is None:
        raise NotAllowed("the proxy named no user; sign in again")
    check_named(home)
    return Workspace(home, environ=environ, account=account)
