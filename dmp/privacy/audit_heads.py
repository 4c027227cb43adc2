"""Signed tree heads: what the audit log was at each size, told by another key."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from dmp.core.errors import PrivacyError
from dmp.privacy.private_files import read_key, write_key


@dataclass(frozen=True)
class Head:
    """The root of the log's first `size` records, signed at an instant.

    Attributes:
        size: number of records.
        root: 64 hex digits of the Merkle root over them.
        at: ISO instant of the signature, UTC.
        signature: base64 of Ed25519 over the three above.
    """

    size: int
    root: str
    at: str
    signature: str

    def line(self) -> bytes:
        """Return the head as one line of JSON, without the newline."""
        return canonical(
            {
                "size": self.size,
                "root": self.root,
                "at": self.at,
                "signature": self.signature,
            }
        )


def create_signing_key(path: Path) -> Ed25519PublicKey:
    """Write a new signing key, mode 0600, and return its public half.

    It belongs to another role than who writes the log, and is never beside it.

    Raises:
        PrivacyError: the file exists; it was left as it was.
    """
    key = Ed25519PrivateKey.generate()
    write_key(path, key.private_bytes_raw())
    return key.public_key()


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the signing key.

    Raises:
        KeyMissing: there is no such file.
        PrivacyError: it holds no key, or others than its owner can read it.
    """
    return Ed25519PrivateKey.from_private_bytes(read_key(path))


def sign(key: Ed25519PrivateKey, size: int, root: bytes, at: str) -> Head:
    """Return the signed head of a log of `size` records."""
    signature = key.sign(_message(size, root.hex(), at))
    return Head(size, root.hex(), at, base64.b64encode(signature).decode())


def is_signed(head: Head, public_key: Ed25519PublicKey) -> bool:
    """Say whether the head was signed by the key's other half."""
    try:
        signature = base64.b64decode(head.signature, validate=True)
        public_key.verify(signature, _message(head.size, head.root, head.at))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def read_head(line: bytes) -> Head:
    """Read a head from its line.

    Raises:
        PrivacyError: the line is no head.
    """
    try:
        return head_of(json.loads(line))
    except ValueError as error:
        raise PrivacyError("a line of the tree heads is no JSON") from error


def head_of(fields: Any) -> Head:
    """Return the head that a parsed line holds.

    Raises:
        PrivacyError: a field is missing, is of another type or is not ours.
    """
    types = {"size": int, "root": str, "at": str, "signature": str}
    if not isinstance(fields, dict) or fields.keys() != types.keys():
        raise PrivacyError(
            "a tree head has other fields than size, root, at, signature"
        )
    if any(type(fields[name]) is not kind for name, kind in types.items()):
        raise PrivacyError("a field of a tree head has the wrong type")
    return Head(**fields)


def canonical(fields: dict[str, Any]) -> bytes:
    """Return the one way in which a record is written: compact JSON, ASCII."""
    return json.dumps(fields, separators=(",", ":")).encode()


def _message(size: int, root: str, at: str) -> bytes:
    return f"dmp audit head\n{size}\n{root}\n{at}\n".encode()
