"""Authenticated encryption of small values, and public names of keys."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID_BYTES = 8
NONCE_BYTES = 12


def key_id(key: bytes) -> bytes:
    """Return 8 bytes that name a random key and tell nothing else about it.

    Stored beside a ciphertext they tell "written under another key" from "tampered
    with", which AES-GCM by itself does not.
    """
    return hashlib.sha256(b"dmp key id\x00" + key).digest()[:KEY_ID_BYTES]


def derive(secret: bytes, purpose: str) -> bytes:
    """Return the 32-byte key for `purpose`; other purposes give unrelated keys.

    Source: RFC 5869, HKDF-SHA256 without salt, info = purpose.
    """
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret)


def drawn(count: int, size: int = NONCE_BYTES) -> list[bytes]:
    """Return random texts of `size` bytes, asked of the system in one go."""
    random = os.urandom(count * size)
    return [random[i : i + size] for i in range(0, len(random), size)]


def seal(
    cipher: AESGCM, plaintext: bytes, purpose: bytes, nonce: bytes | None = None
) -> bytes:
    """Return nonce (96 random bits), ciphertext and tag, bound to `purpose`.

    Args:
        nonce: one of `drawn`, used for nothing else; for many values.

    Source: NIST SP 800-38D; at most 2**32 values under one key.
    """
    nonce = nonce or os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plaintext, purpose)


def unseal(cipher: AESGCM, sealed: bytes, purpose: bytes) -> bytes | None:
    """Return the plaintext, or None where key, purpose or bytes are not the same."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose)
    except (InvalidTag, ValueError):
        return None


def unseal_all(
    cipher: AESGCM, sealed: Sequence[bytes], purposes: Sequence[bytes]
) -> list[bytes] | None:
    """Return the plaintexts of many values; None where `unseal` gives any none."""
    try:
        return [
            cipher.decrypt(one[:NONCE_BYTES], one[NONCE_BYTES:], purpose)
            for one, purpose in zip(sealed, purposes, strict=True)
        ]
    except (InvalidTag, ValueError):
        return None
