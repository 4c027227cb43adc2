"""Rotation of the vault key: every wrapped key is wrapped anew under the next one.

Works in batches while others read and write, and can be cut short anywhere: the next
run goes on after the last batch. Data keys stay what they were, so nothing of the
vault is encrypted anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dmp.core.errors import PrivacyError
from dmp.privacy.key_tables import (
    day_purpose_of,
    root_purpose,
    subject_purpose,
    transaction,
    vault_key_purpose,
    wipe_journal,
)
from dmp.privacy.keyring import KeyRing
from dmp.privacy.sealing import seal
from dmp.privacy.vault_key import VaultKey

BATCH_KEYS = 20_000
_BEFORE_ALL = -(2**63)
_SMALL: tuple[tuple[str, str, str, Callable[..., bytes]], ...] = (
    ("root_key", "name", "version", root_purpose),
    ("day_key", "source", "day", day_purpose_of),
)
"""The tables that are rewrapped at once, with the columns a wrapped key is bound to."""
Progress = Callable[[int, int], None]
"""Called with the keys rewrapped and the keys in all."""


@dataclass(frozen=True)
class Succession:
    """Which vault key follows which: their public ids."""

    former: str
    newest: str


class Rewrapping:
    """The rotation of the vault key over one open key store.

    `begin`, `run`, then `finish`; each may be repeated after a crash.
    """

    def __init__(
        self, connection: sqlite3.Connection, ring: KeyRing, path: Path
    ) -> None:
        """Use an open store."""
        self._connection = connection
        self._ring = ring
        self._path = path

    @property
    def succession(self) -> Succession | None:
        """Which key is followed by which; None where no rotation was begun."""
        ids = self._ring.ids
        return Succession(ids[0], ids[1]) if len(ids) > 1 else None

    def count(self) -> int:
        """Return how many keys of subjects the store holds."""
        row = self._connection.execute("select count(*) from subject_key").fetchone()
        return int(row[0])

    def begin(self, new: VaultKey) -> Succession:
        """Make `new` the key under which everything is wrapped from now on.

        One transaction: each of the two keys is kept wrapped under the other, and the
        few keys of pseudonyms and days are rewrapped.

        Raises:
            PrivacyError: a rotation to another key was begun, or `new` is in use
                already; nothing was changed.
        """
        with transaction(self._connection):
            self._ring.keep_current()
            begun = self.succession
            if begun is None:
                return self._begin(new)
        if begun.newest != new.id:
            raise PrivacyError(
                f"a rotation to the vault key {begun.newest} was begun and has to end "
                f"first; give that key or none ({new.id} was given)"
            )
        return begun

    def new_key(self) -> VaultKey:
        """Return the key that a rotation which was begun goes to."""
        return self._ring.key(self._ring.ids[-1])

    def former_key(self) -> VaultKey:
        """Return the key that a rotation which was begun comes from."""
        return self._ring.key(self._ring.ids[0])

    def run(self, progress: Progress | None = None) -> int:
        """Rewrap the keys of subjects that are still to do; return how many.

        Each batch is a short transaction of its own. A key that is destroyed meanwhile
        stays destroyed.
        """
        total = self.count()
        done = total - self._left()
        first = done
        while batch := self._next_batch():
            self._rewrap(batch)
            done += len(batch)
            if progress:
                progress(min(done, total), total)
        return done - first

    def finish(self) -> bool:
        """Let the former key open nothing any more; False where that was so already.

        Raises:
            PrivacyError: keys are left to rewrap, or the configuration does not give
                the new key yet; both keys still open the store.
        """
        succession = self.succession
        if succession is None:
            return False
        configured = self._ring.reloaded()
        if configured.id != succession.newest:
            raise PrivacyError(
                f"all keys are wrapped under the vault key {succession.newest}, but "
                f"{configured.origin} still gives {configured.id}; put the new key "
                "there, then run this again"
            )
        with transaction(self._connection):
            last = self._next_batch()
            if len(last) == BATCH_KEYS:
                raise PrivacyError("keys are left to rewrap; run the rotation again")
            self._put(self._wrapped_anew(last))
            self._forget(succession.former)
        self._ring.refresh()
        wipe_journal(self._connection, self._path)
        return True

    def _begin(self, new: VaultKey) -> Succession:
        [former_id] = self._ring.ids
        if former_id == new.id:
            raise PrivacyError(
                f"the vault key {new.id} is the one in use; give another"
            )
        former = self._ring.key(former_id)
        for inner, outer in ((former, new), (new, former)):
            wrapped = seal(
                AESGCM(outer.secret), inner.secret, vault_key_purpose(inner.id)
            )
            self._connection.execute(
                "insert into key_link values (?, ?, ?)", (inner.id, outer.id, wrapped)
            )
        self._ring.found(new)
        self._ring.refresh()
        self._rewrap_small()
        self._connection.execute("insert into rewrapping values (?)", (_BEFORE_ALL,))
        return Succession(former.id, new.id)

    def _rewrap_small(self) -> None:
        for table, first, second, purpose in _SMALL:
            rows = self._connection.execute(
                f"select rowid, {first}, {second}, wrapped from {table}"
            ).fetchall()
            changed = [
                (self._rewrapped(wrapped, purpose(a, b)), rowid)
                for rowid, a, b, wrapped in rows
            ]
            self._connection.executemany(
                f"update {table} set wrapped = ? where rowid = ?", changed
            )

    def _rewrapped(self, wrapped: bytes, purpose: bytes) -> bytes:
        return self._ring.wrap(self._ring.unwrap(wrapped, purpose), purpose)

    def _left(self) -> int:
        row = self._connection.execute(
            "select count(*) from subject_key where subject_id > "
            "(select position from rewrapping)"
        ).fetchone()
        return int(row[0])

    def _next_batch(self) -> list[tuple[int, bytes]]:
        return self._connection.execute(
            "select subject_id, wrapped from subject_key where subject_id > "
            "(select position from rewrapping) order by subject_id limit ?",
            (BATCH_KEYS,),
        ).fetchall()

    def _rewrap(self, batch: list[tuple[int, bytes]]) -> None:
        """Wrap anew outside the transaction, which others would have to wait for."""
        changed = self._wrapped_anew(batch)
        with transaction(self._connection):
            self._put(changed)
            self._connection.execute(
                "update rewrapping set position = ?", batch[-1][:1]
            )

    def _wrapped_anew(
        self, batch: list[tuple[int, bytes]]
    ) -> list[tuple[bytes, int, bytes]]:
        return [
            (self._rewrapped(wrapped, subject_purpose(i)), i, wrapped)
            for i, wrapped in batch
        ]

    def _put(self, changed: list[tuple[bytes, int, bytes]]) -> None:
        """Replace the wrapped keys that nobody changed or destroyed meanwhile."""
        self._connection.executemany(
            "update subject_key set wrapped = ? where subject_id = ? and wrapped = ?",
            changed,
        )

    def _forget(self, former: str) -> None:
        self._connection.execute("delete from key_check where key_id = ?", (former,))
        self._connection.execute("delete from key_link")
        self._connection.execute("delete from rewrapping")
