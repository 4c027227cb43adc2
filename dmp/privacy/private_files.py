"""Files that only their owner may read, and how they come to be whole or not at all."""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmp.core.errors import KeyMissing, PrivacyError, UsageError
from dmp.core.ground import on_ground

KEY_BYTES = 32
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def safe_name(kind: str, name: str) -> str:
    """Return `name` if it can be a file name: letters, digits, `._-`, no dot first.

    Raises:
        UsageError: it holds another character; no file was touched.
    """
    if _SAFE_NAME.fullmatch(name) is None:
        raise UsageError(
            f"the {kind} cannot be a file name; use letters, digits, '.', '_' and '-', "
            "and begin with another than '.'"
        )
    return name


def make_private_folder(folder: Path) -> Path:
    """Return `folder`, made with mode 0700 where it was absent."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    return folder


def touch_private(path: Path) -> None:
    """Make `path` an empty file of mode 0600 where it was absent."""
    make_private_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _FILE_MODE))


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Keep other processes and threads out of the same block until this one leaves."""
    touch_private(lock)
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(lock: Path) -> Iterator[None]:
    """Keep the holders of `exclusive` out of the block; asks for read rights alone.

    Where the lock was never taken, there is nobody to keep out.
    """
    if not lock.exists():
        yield
        return
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name that becomes `path` when the block ends well.

    The bytes are on disk before the name is; an error leaves what was there before.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with on_ground(path):
        make_private_folder(path.parent)
        touch_private(draft)
        try:
            yield draft
            _sync(draft)
            draft.replace(path)
            _sync(path.parent)
        finally:
            draft.unlink(missing_ok=True)


def append_bytes(path: Path, content: bytes) -> None:
    """Add `content` at the end of `path`; on disk when this returns."""
    with on_ground(path):
        touch_private(path)
        with path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def write_key(path: Path, key: bytes) -> None:
    """Write a new key file: one line of base64, mode 0600, parent made with 0700.

    The file is there whole or not at all, whenever the process ends.

    Raises:
        PrivacyError: the file exists; it was left as it was.
    """
    make_private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        append_bytes(draft, encode_key(key))
        os.link(draft, path)
    except FileExistsError as error:
        raise PrivacyError(
            f"the key file {path} exists and is never replaced: what it encrypted "
            "would be lost; move it away first"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def read_key(path: Path) -> bytes:
    """Return the 32 bytes of a key file.

    Raises:
        KeyMissing: there is no such file.
        PrivacyError: group or others can read it, or it holds no 32-byte key.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4096)
    except FileNotFoundError as error:
        raise KeyMissing(f"there is no key file {path}") from error
    if mode & _OTHERS:
        raise PrivacyError(
            f"the key file {path} has mode {stat.S_IMODE(mode):04o}, so others than "
            f"its owner can use it; run: chmod 600 {path}"
        )
    return decode_key(text, f"the key file {path}")


def encode_key(key: bytes) -> bytes:
    """Return what a key file holds: one line of base64."""
    return base64.b64encode(key) + b"\n"


def decode_key(text: bytes | str, place: str) -> bytes:
    """Return the 32 bytes written in base64.

    Raises:
        PrivacyError: the text is no base64 of 32 bytes; names `place`, not the text.
    """
    try:
        raw = text.encode() if isinstance(text, str) else text
        key = base64.b64decode(raw.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PrivacyError(f"{place} holds no base64") from error
    if len(key) != KEY_BYTES:
        raise PrivacyError(f"{place} holds {len(key)} bytes; a key has {KEY_BYTES}")
    return key


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
