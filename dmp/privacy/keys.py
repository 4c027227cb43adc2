"""The key store: roots of pseudonyms, keys of subjects, keys of days, all wrapped."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dmp.core.errors import PrivacyError
from dmp.privacy.key_tables import (
    connect,
    create_tables,
    day_purpose,
    subject_purpose,
    transaction,
    wipe_journal,
    wrapped_subjects,
)
from dmp.privacy.keyring import KeyRing, Reload
from dmp.privacy.private_files import KEY_BYTES, append_bytes
from dmp.privacy.rewrap import Rewrapping
from dmp.privacy.root_keys import (
    Domain,
    PseudonymKey,
    add_root,
    newest_root,
    read_pseudonym_key,
)
from dmp.privacy.sealing import drawn, key_id
from dmp.privacy.vault_key import VaultKey

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]


class KeyStore:
    """The keys under `data/vault/keys.sqlite`, each wrapped for one use alone.

    A wrapped key is bound to what it is for, so it can't be moved to another subject.
    Several processes may use the store at once; open one a thread.
    """

    def __init__(
        self,
        path: Path,
        vault_key: VaultKey,
        *,
        reload: Reload | None = None,
        ledger: Path | None = None,
    ) -> None:
        """Open the store, made with mode 0600 and a first root key where absent.

        Args:
            reload: gives the vault key as it is configured now; asked when another
                process has rotated it.
            ledger: a file outside the data that keeps the ids of destroyed keys, so
                that they are destroyed again after a restore.

        Raises:
            KeyMissing: the store was made under another vault key; nothing was read.
        """
        self.path = path
        self._ledger = ledger
        self._connection = connect(path)
        self._ring = KeyRing(self._connection, path, vault_key, reload)
        try:
            self._prepare(vault_key)
        except PrivacyError:
            self.close()
            raise

    def pseudonym_key(self, domain: Domain, version: int | None = None) -> PseudonymKey:
        """Return the key of a domain, of the newest version or of the one asked for.

        Raises:
            UnknownName: there is no such domain.
            KeyMissing: there is no such version.
        """
        return read_pseudonym_key(self._connection, self._ring, domain, version)

    def later_pseudonym_keys(
        self, domain: Domain, after: int, upto: int
    ) -> list[PseudonymKey]:
        """Return the keys of a domain of the versions in (after, upto], in order.

        Raises:
            KeyMissing: there is no such version.
        """
        versions = range(after + 1, upto + 1)
        return [self.pseudonym_key(domain, version) for version in versions]

    @property
    def pseudonym_version(self) -> int:
        """The newest version of the root keys, whether in use or not."""
        return newest_root(self._connection)

    def rotate_pseudonyms(self) -> int:
        """Add a root key and return its version; older ones stay readable."""
        with self._writing():
            return add_root(self._connection, self._ring)

    def rewrapping(self) -> Rewrapping:
        """Return the rotation of the vault key over this store, begun or not."""
        return Rewrapping(self._connection, self._ring, self.path)

    def subject_keys(self, subject_ids: Ids, *, create: bool) -> list[bytes | None]:
        """Return the 32-byte key of each subject, in the order of `subject_ids`.

        An id may occur twice. Without `create`, a subject that has no key, or no more,
        gives None; with it, one is made. A million takes some three seconds.

        Raises:
            PrivacyError: a wrapped key was tampered with.
        """
        import numpy as np

        unique, positions = np.unique(subject_ids, return_inverse=True)
        ids: list[int] = unique.tolist()
        found = self._read_subjects(ids)
        if create and len(found) < len(ids):
            with self._writing():
                found |= self._add_subjects([i for i in ids if i not in found])
        keys = [found.get(i) for i in ids]
        if np.array_equal(unique, subject_ids):
            return keys
        return [keys[position] for position in positions.tolist()]

    def destroy_subject_keys(self, subject_ids: Ids) -> int:
        """Destroy keys for ever; return how many there were of those asked for.

        The bytes are overwritten in the file and its journal; what stays is the id of
        each key, here to tell its blobs from tampered ones, and in the ledger to
        destroy it again in a restored store. A second run returns 0.

        Raises:
            PrivacyError: the keys are gone for every reader, but a reader that is
                still open keeps old bytes in the journal: run it again.
        """
        import numpy as np

        ids = np.unique(subject_ids).tolist()
        with self._writing():
            rows = list(wrapped_subjects(self._connection, ids))
            self._note_destroyed(rows)
            self._connection.executemany(
                "delete from subject_key where subject_id = ?", ((r[0],) for r in rows)
            )
        wipe_journal(self._connection, self.path)
        return len(rows)

    def destroy_listed(self, ledger: Path) -> int:
        """Destroy the keys whose ids a ledger lists; return how many were here.

        For a store that was restored: it may hold keys destroyed after the back-up.
        """
        import numpy as np

        listed = set(ledger.read_text().split()) if ledger.exists() else set()
        if not listed:
            return 0
        found = [
            subject_id
            for subject_id, wrapped in self._connection.execute(
                "select subject_id, wrapped from subject_key"
            )
            if self._name(subject_id, wrapped).hex() in listed
        ]
        return self.destroy_subject_keys(np.array(found, np.int64))

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
            with self._writing():
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

    def _prepare(self, vault_key: VaultKey) -> None:
        """Make a new store under the key, or see that it is one in use."""
        with transaction(self._connection):
            create_tables(self._connection)
            is_new = not self._ring.ids
            if is_new:
                self._ring.found(vault_key)
            self._ring.refresh()
            if is_new:
                add_root(self._connection, self._ring)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Make all writes of the block, or none, under the newest vault key."""
        with transaction(self._connection):
            self._ring.keep_current()
            yield

    def _read_subjects(self, ids: Sequence[int]) -> dict[int, bytes]:
        wrapped = dict(wrapped_subjects(self._connection, ids))
        purposes = [*map(subject_purpose, wrapped)]
        keys = self._ring.unwrap_many([*wrapped.values()], purposes)
        return dict(zip(wrapped, keys, strict=True))

    def _note_destroyed(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Keep the ids of the keys, but of those that can't be unwrapped any more."""
        opened = (self._ring.opened(w, subject_purpose(i)) for i, w in rows)
        ids = sorted(key_id(key) for key in opened if key is not None)
        if self._ledger is not None and ids:
            append_bytes(self._ledger, "".join(f"{i.hex()}\n" for i in ids).encode())
        self._connection.executemany(
            "insert or ignore into destroyed_key values (?)", ((i,) for i in ids)
        )

    def _name(self, subject_id: int, wrapped: bytes) -> bytes:
        return key_id(self._ring.unwrap(wrapped, subject_purpose(subject_id)))

    def _add_subjects(self, ids: Sequence[int]) -> dict[int, bytes]:
        """Return the keys of subjects, made unless another process did just now."""
        keys, nonces, wrap = (
            drawn(len(ids), KEY_BYTES),
            drawn(len(ids)),
            self._ring.wrap,
        )
        cursor = self._connection.executemany(
            "insert or ignore into subject_key values (?, ?)",
            (
                (subject_id, wrap(key, subject_purpose(subject_id), nonce))
                for subject_id, key, nonce in zip(ids, keys, nonces, strict=True)
            ),
        )
        if cursor.rowcount < len(ids):
            return self._read_subjects(ids)
        return dict(zip(ids, keys, strict=True))

    def _read_day(self, source: str, day: date) -> bytes | None:
        rows = self._connection.execute(
            "select wrapped from day_key where source = ? and day = ?",
            (source, day.isoformat()),
        ).fetchall()
        if not rows:
            return None
        return self._ring.unwrap(rows[0][0], day_purpose(source, day))

    def _add_day(self, source: str, day: date) -> bytes:
        key = os.urandom(KEY_BYTES)
        wrapped = self._ring.wrap(key, day_purpose(source, day))
        self._connection.execute(
            "insert into day_key values (?, ?, ?)", (source, day.isoformat(), wrapped)
        )
        return key
