"""Behind a proxy that signs people in: whom it says it brings, and its proof."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dmp.core.errors import UsageError

SECRET, SECRET_VARIABLE = "X-Dmp-Proxy-Secret", "DMP_PROXY_SECRET"
LEAST_SECRET = 32


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
