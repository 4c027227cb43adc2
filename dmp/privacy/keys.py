"""The key store: roots of pseudonyms, keys of subjects, keys of days, all wrapped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dmp.core.errors import KeyMissing, PrivacyError, UnknownName
from dmp.privacy.key_tables import (
    CHECK_PURPOSE,
    connect,
    create_tables,
    day_purpose,
    root_purpose,
    subject_purpose,
    transaction,
    wipe_journal,
)
from dmp.privacy.private_files import KEY_BYTES
from dmp.privacy.sealing import derive, key_id, seal, unseal
from dmp.privacy.vault_key import VaultKey

Domain = Literal["subject", "analytics", "activation", "content"]
Ids = npt.NDArray[np.int64]
DOMAINS: tuple[Domain, ...] = ("subject", "analytics", "activation", "content")
_ROOT = "pseudonym"
_CHUNK = 50_000


@dataclass(frozen=True)
class PseudonymKey:
    """The key of one domain in one version, 32 bytes, never shown."""

    version: int
    key: bytes = field(repr=False)


class KeyStore:
    """The keys under `data/vault/keys.sqlite`, each wrapped for one use alone.

    A wrapped key is bound to what it is for, so it can't be moved to another subject.
    Several processes may use the store at once; open one a thread.
    """

    def __init__(self, path: Path, vault_key: VaultKey) -> None:
        """Open the store, made with mode 0600 and a first root key where absent.

        Raises:
            KeyMissing: the store was made under another vault key; nothing was read.
        """
        self.path = path
        self._cipher = AESGCM(vault_key.secret)
        self._connection = connect(path)
        try:
            self._check(vault_key)
        except PrivacyError:
            self.close()
            raise

    def pseudonym_key(self, domain: Domain, version: int | None = None) -> PseudonymKey:
        """Return the key of a domain, of the newest version or of the one asked for.

        Raises:
            UnknownName: there is no such domain.
            KeyMissing: there is no such version.
        """
        if domain not in DOMAINS:
            raise UnknownName("pseudonym domain", domain, DOMAINS)
        rows = self._connection.execute(
            "select version, wrapped from root_key where name = ? "
            "and version = coalesce(?, version) order by version desc limit 1",
            (_ROOT, version),
        ).fetchall()
        if not rows:
            raise KeyMissing(f"no root key of version {version} in {self.path}")
        found, wrapped = rows[0]
        root = self._unwrap(wrapped, root_purpose(_ROOT, found))
        return PseudonymKey(found, derive(root, domain))

    def rotate_pseudonyms(self) -> int:
        """Add a root key and return its version; older ones stay readable."""
        with transaction(self._connection):
            return self._add_root()

    def subject_keys(self, subject_ids: Ids, *, create: bool) -> list[bytes | None]:
        """Return the 32-byte key of each subject, in the order of `subject_ids`.

        An id may occur twice. Without `create`, a subject that has no key, or no more,
        gives None; with it, one is made. A million takes some three seconds.

        Raises:
            PrivacyError: a wrapped key was tampered with.
        """
        unique, positions = np.unique(subject_ids, return_inverse=True)
        ids: list[int] = unique.tolist()
        found = self._read_subjects(ids)
        if create and len(found) < len(ids):
            with transaction(self._connection):
                found = self._read_subjects(ids)
                found |= self._add_subjects([i for i in ids if i not in found])
        keys = [found.get(i) for i in ids]
        return [keys[position] for position in positions.tolist()]

    def destroy_subject_keys(self, subject_ids: Ids) -> int:
        """Destroy keys for ever; return how many there were of those asked for.

        The bytes are overwritten in the file and its journal; what stays is the id of
        each key, to tell its blobs from tampered ones. A second run returns 0.

        Raises:
            PrivacyError: the keys are gone for every reader, but a reader that is
                still open keeps old bytes in the journal: run it again.
        """
        ids = np.unique(subject_ids).tolist()
        with transaction(self._connection):
            rows = list(self._wrapped_subjects(ids))
            self._connection.executemany(
                "delete from subject_key where subject_id = ?", ((r[0],) for r in rows)
            )
            self._note_destroyed(rows)
        wipe_journal(self._connection, self.path)
        return len(rows)

    def was_destroyed(self, key_name: bytes) -> bool:
        """Say whether a subject's key of that id (`sealing.key_id`) was destroyed."""
        found = self._connection.execute(
            "select count(*) from destroyed_key where key_id = ?", (key_name,)
        )
        return bool(found.fetchone()[0])

    def day_key(self, source: str, day: date, *, create: bool) -> bytes | None:
        """Return the 32-byte key of one source's day, or None where there is none.

        Raises:
            PrivacyError: the wrapped key was tampered with.
        """
        found = self._read_day(source, day)
        if found is None and create:
            with transaction(self._connection):
                found = self._read_day(source, day) or self._add_day(source, day)
        return found

    def destroy_day_keys(self, before: date, *, source: str | None = None) -> int:
        """Destroy the keys of days earlier than `before`, of one source or of all.

        Raises:
            PrivacyError: as with `destroy_subject_keys`.
        """
        with transaction(self._connection):
            cursor = self._connection.execute(
                "delete from day_key where day < ? and source = coalesce(?, source)",
                (before.isoformat(), source),
            )
        wipe_journal(self._connection, self.path)
        return cursor.rowcount

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, vault_key: VaultKey) -> None:
        """Make a new store under the key, or see that it is the one in use."""
        with transaction(self._connection):
            create_tables(self._connection)
            rows = self._connection.execute("select * from key_check").fetchall()
            if not rows:
                sealed = seal(self._cipher, b"dmp", CHECK_PURPOSE)
                self._connection.execute(
                    "insert into key_check values (?, ?)", (vault_key.id, sealed)
                )
                self._add_root()
        if rows and unseal(self._cipher, rows[0][1], CHECK_PURPOSE) != b"dmp":
            raise KeyMissing(
                f"{self.path} was made under the vault key {rows[0][0]}, but "
                f"{vault_key.origin} gives {vault_key.id}; bring back the former key "
                "or point the configuration to it"
            )

    def _add_root(self) -> int:
        rows = self._connection.execute(
            "select coalesce(max(version), 0) + 1 from root_key where name = ?",
            (_ROOT,),
        ).fetchall()
        version = int(rows[0][0])
        wrapped = seal(
            self._cipher, os.urandom(KEY_BYTES), root_purpose(_ROOT, version)
        )
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._connection.execute(
            "insert into root_key values (?, ?, ?, ?)",
            (_ROOT, version, wrapped, created_at),
        )
        return version

    def _wrapped_subjects(self, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for start in range(0, len(ids), _CHUNK):
            yield from self._connection.execute(
                "select k.subject_id, k.wrapped from json_each(?) as w "
                "cross join subject_key as k on k.subject_id = w.value",
                (json.dumps(ids[start : start + _CHUNK]),),
            )

    def _read_subjects(self, ids: Sequence[int]) -> dict[int, bytes]:
        return {
            subject_id: self._unwrap(wrapped, subject_purpose(subject_id))
            for subject_id, wrapped in self._wrapped_subjects(ids)
        }

    def _note_destroyed(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Keep the ids of the keys, but of those that can't be unwrapped any more."""
        keys = (unseal(self._cipher, w, subject_purpose(i)) for i, w in rows)
        ids = sorted(key_id(key) for key in keys if key is not None)
        self._connection.executemany(
            "insert or ignore into destroyed_key values (?)", ((i,) for i in ids)
        )

    def _add_subjects(self, ids: Sequence[int]) -> dict[int, bytes]:
        secret = os.urandom(KEY_BYTES * len(ids))
        keys = [secret[i : i + KEY_BYTES] for i in range(0, len(secret), KEY_BYTES)]
        self._connection.executemany(
            "insert into subject_key values (?, ?)",
            (
                (subject_id, seal(self._cipher, key, subject_purpose(subject_id)))
                for subject_id, key in zip(ids, keys, strict=True)
            ),
        )
        return dict(zip(ids, keys, strict=True))

    def _read_day(self, source: str, day: date) -> bytes | None:
        rows = self._connection.execute(
            "select wrapped from day_key where source = ? and day = ?",
            (source, day.isoformat()),
        ).fetchall()
        return self._unwrap(rows[0][0], day_purpose(source, day)) if rows else None

    def _add_day(self, source: str, day: date) -> bytes:
        key = os.urandom(KEY_BYTES)
        wrapped = seal(self._cipher, key, day_purpose(source, day))
        self._connection.execute(
            "insert into day_key values (?, ?, ?)", (source, day.isoformat(), wrapped)
        )
        return key

    def _unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        key = unseal(self._cipher, wrapped, purpose)
        if key is None:
            kind = purpose.split(b"\x00")[0].decode()
            raise PrivacyError(
                f"a {kind} key in {self.path} was tampered with or moved from another; "
                "restore the key store from a backup"
            )
        return key
