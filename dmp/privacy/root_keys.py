"""The roots of pseudonyms, by version, and the key of each domain derived from them."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from dmp.core.errors import KeyMissing, UnknownName
from dmp.privacy.key_tables import root_purpose
from dmp.privacy.keyring import KeyRing
from dmp.privacy.private_files import KEY_BYTES
from dmp.privacy.sealing import derive

Domain = Literal["subject", "analytics", "activation", "content", "linkage"]
FOUNDING = 1
"""The version under which subjects, events and versions have their lasting names."""
DOMAINS: tuple[Domain, ...] = (
    "subject",
    "analytics",
    "activation",
    "content",
    "linkage",
)
_ROOT = "pseudonym"


@dataclass(frozen=True)
class PseudonymKey:
    """The key of one domain in one version, 32 bytes, never shown."""

    version: int
    key: bytes = field(repr=False)


def read_pseudonym_key(
    connection: sqlite3.Connection, ring: KeyRing, domain: Domain, version: int | None
) -> PseudonymKey:
    """Return the key of a domain, of the newest version or of the one asked for.

    Raises:
        UnknownName: there is no such domain.
        KeyMissing: there is no such version.
    """
    if domain not in DOMAINS:
        raise UnknownName("pseudonym domain", domain, DOMAINS)
    row = connection.execute(
        "select version, wrapped from root_key where name = ? "
        "and version = coalesce(?, version) order by version desc limit 1",
        (_ROOT, version),
    ).fetchone()
    if row is None:
        raise KeyMissing(
            f"the key store has no root key of version {version}, only those up to "
            f"{newest_root(connection)}; restore the key store from a newer back-up"
        )
    found, wrapped = row
    root = ring.unwrap(wrapped, root_purpose(_ROOT, found))
    return PseudonymKey(found, derive(root, domain))


def newest_root(connection: sqlite3.Connection) -> int:
    """Return the newest version, 0 where there is none."""
    row = connection.execute(
        "select coalesce(max(version), 0) from root_key where name = ?", (_ROOT,)
    ).fetchone()
    return int(row[0])


def add_root(connection: sqlite3.Connection, ring: KeyRing) -> int:
    """Add a root key in the open transaction and return its version."""
    version = newest_root(connection) + 1
    wrapped = ring.wrap(os.urandom(KEY_BYTES), root_purpose(_ROOT, version))
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute(
        "insert into root_key values (?, ?, ?, ?)",
        (_ROOT, version, wrapped, created_at),
    )
    return version
