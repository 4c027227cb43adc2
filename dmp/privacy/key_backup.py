"""Keys in one file under a passphrase, to be kept away from the machine.

The file is JSON: a header in clear (whose keys, when, how the passphrase is stretched),
the keys sealed under it, and a digest of both, by which a damaged file is told from a
wrong passphrase.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from dmp.core.errors import PrivacyError, UsageError
from dmp.privacy.private_files import KEY_BYTES, whole_file
from dmp.privacy.sealing import seal, unseal

FORMAT = "dmp keys 1"
LEAST_CHARACTERS = 12
_SALT_BYTES = 16
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1
"""Source: RFC 7914; OWASP Password Storage Cheat Sheet (N = 2**17, r = 8, p = 1).
Each guess takes 128 MiB and some half a second."""


@dataclass(frozen=True)
class Header:
    """What the file tells without the passphrase.

    Attributes:
        workspace: id of the workspace whose keys these are.
        vault_key: public id of its vault key.
        made_at: ISO instant.
        salt: base64, for scrypt.
    """

    format: str
    workspace: str
    vault_key: str
    made_at: str
    salt: str

    def bytes(self) -> bytes:
        """Return what the sealed keys are bound to."""
        return json.dumps(asdict(self), sort_keys=True).encode()


@dataclass(frozen=True)
class KeyBackup:
    """The content of such a file: key files by their names."""

    header: Header
    files: Mapping[str, bytes]


def write_backup(
    path: Path,
    files: Mapping[str, bytes],
    *,
    passphrase: str,
    workspace: str,
    vault_key: str,
    now: datetime,
) -> None:
    """Write the key files to `path`, mode 0600, whole or not at all.

    Raises:
        UsageError: the passphrase is too short, or the file exists.
    """
    if len(passphrase) < LEAST_CHARACTERS:
        raise UsageError(
            f"the passphrase has {len(passphrase)} characters; it needs "
            f"{LEAST_CHARACTERS} or more: five random words are easy to keep"
        )
    if path.exists():
        raise UsageError(f"{path} exists and is not replaced; name another file")
    salt = base64.b64encode(os.urandom(_SALT_BYTES)).decode()
    header = Header(FORMAT, workspace, vault_key, now.isoformat(), salt)
    content = {name: base64.b64encode(data).decode() for name, data in files.items()}
    sealed = seal(
        _cipher(passphrase, salt), json.dumps(content).encode(), header.bytes()
    )
    document = {**asdict(header), "keys": base64.b64encode(sealed).decode()}
    with whole_file(path) as draft:
        text = {**document, "sha256": _digest(document)}
        draft.write_text(json.dumps(text, indent=1) + "\n")


def read_header(path: Path) -> Header:
    """Return what the file tells without the passphrase.

    Raises:
        UsageError: there is no such file.
        PrivacyError: it is no back-up of keys, or it was damaged.
    """
    return _header(_document(path))


def read_backup(path: Path, passphrase: str) -> KeyBackup:
    """Return the keys in the file.

    Raises:
        UsageError: there is no such file.
        PrivacyError: it is no back-up of keys, was damaged, or the passphrase is wrong.
    """
    document = _document(path)
    header = _header(document)
    sealed = base64.b64decode(document["keys"])
    plain = unseal(_cipher(passphrase, header.salt), sealed, header.bytes())
    if plain is None:
        raise PrivacyError(
            f"the passphrase does not open {path}, which is whole; it was made at "
            f"{header.made_at} for workspace {header.workspace}: give the one of then"
        )
    content = json.loads(plain)
    return KeyBackup(
        header, {name: base64.b64decode(data) for name, data in content.items()}
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}") from error
    except ValueError as error:
        raise _damaged(path, "it is no JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _damaged(path, f"its format is not {FORMAT!r}")
    digest = document.pop("sha256", None)
    if digest != _digest(document):
        raise _damaged(path, "its content is not what was written")
    return document


def _header(document: Mapping[str, Any]) -> Header:
    names = Header.__dataclass_fields__
    return Header(**{name: str(document.get(name, "")) for name in names})


def _damaged(path: Path, why: str) -> PrivacyError:
    return PrivacyError(
        f"{path} is no back-up of keys, or it was damaged: {why}; take another copy"
    )


def _digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _cipher(passphrase: str, salt: str) -> AESGCM:
    try:
        raw = base64.b64decode(salt, validate=True)
    except binascii.Error as error:
        raise PrivacyError("the salt of the back-up of keys is no base64") from error
    stretched = Scrypt(
        salt=raw, length=KEY_BYTES, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P
    )
    return AESGCM(stretched.derive(passphrase.encode()))
