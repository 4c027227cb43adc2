"""Tokens of the HTTP API: by which a request says whose it is.

A token is shown once, to who asked for it. Kept is its SHA-256 alone, in a file beside
the workspace's keys: of 256 random bits nobody finds the token from its digest.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from pathlib import Path

from dmp.core.errors import PrivacyError, UnknownName, UsageError
from dmp.privacy.private_files import exclusive, whole_file

PREFIX = "dmp_"
_RANDOM_BYTES = 32


def issue_token(file: Path, user: str) -> str:
    """Return a new token of a user; the one held before is good no more.

    Raises:
        UsageError: the name of the user is empty.
    """
    if not user.strip():
        raise UsageError("a token needs the name of a user of config/roles.yaml")
    token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with exclusive(_lock(file)):
        _write(file, {**_read(file), user: _digest(token)})
    return token


def revoke_token(file: Path, user: str) -> None:
    """Take a user's token away.

    Raises:
        UnknownName: the user has none.
    """
    with exclusive(_lock(file)):
        kept = _read(file)
        if user not in kept:
            raise UnknownName("user with a token", user, sorted(kept))
        _write(file, {name: kept[name] for name in kept if name != user})


def token_holders(file: Path) -> tuple[str, ...]:
    """Return the users that have a token, sorted."""
    return tuple(sorted(_read(file)))


def holder_of(file: Path, token: str) -> str | None:
    """Return whose token it is; None where it is nobody's."""
    given = _digest(token)
    found = [
        user
        for user, digest in _read(file).items()
        if hmac.compare_digest(digest, given)
    ]
    return found[0] if found else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _lock(file: Path) -> Path:
    return file.with_name(f".{file.name}.lock")


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PrivacyError(
            f"{file} cannot be read as JSON; move it away and give out tokens anew: "
            "dmp api token USER"
        ) from error
    return {str(user): str(digest) for user, digest in read.items()}


def _write(file: Path, tokens: dict[str, str]) -> None:
    with whole_file(file) as draft:
        draft.write_text(json.dumps(tokens, indent=1), encoding="utf-8")
