"""The key-encryption key: 32 bytes from outside the data store, and where from."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dmp.core.errors import KeyMissing, PrivacyError
from dmp.privacy.private_files import (
    KEY_BYTES,
    decode_key,
    encode_key,
    read_key,
    whole_file,
    write_key,
)
from dmp.privacy.sealing import key_id

VARIABLE = "DMP_VAULT_KEY"
_COMMAND_TIMEOUT_S = 30


@dataclass(frozen=True)
class VaultKey:
    """The key that wraps all others.

    Attributes:
        secret: its 32 bytes, never shown.
        origin: where it was found, for messages.
    """

    secret: bytes = field(repr=False)
    origin: str

    @cached_property
    def id(self) -> str:
        """A public name of the key: 16 hex digits, the same for the same bytes."""
        return key_id(self.secret).hex()


@dataclass(frozen=True)
class KeyPlace:
    """Where the configuration says the vault key is.

    Attributes:
        file: used where neither the variable nor a command is configured.
    """

    environ: Mapping[str, str] = field(repr=False)
    command: Sequence[str]
    file: Path

    @property
    def is_file(self) -> bool:
        """Say whether the key is in the file, which dmp may replace."""
        return not self.environ.get(VARIABLE) and not self.command

    def load(self) -> VaultKey:
        """Return the key as it is there now; see `load_vault_key`."""
        return load_vault_key(
            environ=self.environ, command=self.command, file=self.file
        )


def new_vault_key() -> VaultKey:
    """Return a new random key, which is nowhere but in memory."""
    return VaultKey(secrets.token_bytes(KEY_BYTES), "memory")


def former_file(path: Path, key_id: str) -> Path:
    """Return where a key that was replaced in the key file `path` is kept."""
    return path.with_name(f"{path.name}.{key_id}")


def replace_key_file(path: Path, former: VaultKey, new: VaultKey) -> None:
    """Put `new` in the key file, after `former` is kept beside it; may be repeated.

    The former key opens back-ups that were made before, and nothing else.
    """
    kept = former_file(path, former.id)
    if not kept.exists():
        with whole_file(kept) as draft:
            draft.write_bytes(encode_key(former.secret))
    with whole_file(path) as draft:
        draft.write_bytes(encode_key(new.secret))


def load_vault_key(
    *,
    environ: Mapping[str, str],
    command: Sequence[str] = (),
    file: Path | None = None,
) -> VaultKey:
    """Return the key from the first place that is configured.

    In this order: the variable `DMP_VAULT_KEY` (base64), the output of `command`
    (an argument list, run without a shell, at most 30 s), the key file. A place that
    is configured but faulty is an error, never a reason to try the next.

    Raises:
        KeyMissing: no place is configured, or the key file is not there.
        PrivacyError: a place holds no 32-byte key, or others can read the file.
    """
    if environ.get(VARIABLE):
        return VaultKey(decode_key(environ[VARIABLE], VARIABLE), f"${VARIABLE}")
    if command:
        return VaultKey(_run(command), f"the key command {command[0]}")
    if file is not None:
        return VaultKey(_read(file), f"the key file {file}")
    raise KeyMissing(f"no vault key: {_remedy('a key file')}")


def create_key_file(path: Path) -> VaultKey:
    """Write a new random key to `path`, mode 0600, and return it.

    The parent is made with mode 0700 where it was absent. Keep a copy elsewhere: what
    it wraps can't be read without it.

    Raises:
        PrivacyError: the file exists; it was left as it was.
    """
    secret = secrets.token_bytes(KEY_BYTES)
    write_key(path, secret)
    return VaultKey(secret, f"the key file {path}")


def _read(file: Path) -> bytes:
    try:
        return read_key(file)
    except KeyMissing as error:
        raise KeyMissing(f"no vault key: {_remedy(str(file))}") from error


def _remedy(file: str) -> str:
    return (
        f"looked for ${VARIABLE}, a key command and {file}; set one of them, or make "
        "a key file for a new workspace"
    )


def _run(command: Sequence[str]) -> bytes:
    name = command[0]
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PrivacyError(
            f"the key command {name} did not run to its end within "
            f"{_COMMAND_TIMEOUT_S} s ({type(error).__name__})"
        ) from error
    if done.returncode:
        raise PrivacyError(f"the key command {name} ended with {done.returncode}")
    return decode_key(done.stdout, f"the output of the key command {name}")
