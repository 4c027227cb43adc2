"""The key-encryption keys that open one key store: one, or two while one follows.

While the store is rewrapped each of the two is kept wrapped under the other, so that
whoever holds either reads every row. New rows are wrapped under the newest alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dmp.core.errors import KeyMissing, PrivacyError
from dmp.privacy.key_tables import CHECK_PURPOSE, vault_key_purpose
from dmp.privacy.sealing import seal, unseal, unseal_all
from dmp.privacy.vault_key import VaultKey

Reload = Callable[[], VaultKey]
_CHECKED = b"dmp"


class KeyRing:
    """What wraps and unwraps the keys of one open store.

    It notices by itself that another process began or ended a rotation: on the next
    write, or when a row does not open.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        vault_key: VaultKey,
        reload: Reload | None = None,
    ) -> None:
        """Use the store behind `connection`, which has its tables.

        Args:
            reload: gives the vault key as it is configured now; asked when the store
                does not know `vault_key` any more.
        """
        self._connection = connection
        self._path = path
        self._reload = reload
        self._own = vault_key
        self._keys: dict[str, VaultKey] = {}
        self._ciphers: list[AESGCM] = []

    @property
    def ids(self) -> list[str]:
        """The ids of the keys that open the store now, the newest last."""
        rows = self._connection.execute("select key_id from key_check order by rowid")
        return [key_id for (key_id,) in rows]

    @property
    def own(self) -> VaultKey:
        """The key that the configuration gave when it was last asked."""
        return self._own

    def reloaded(self) -> VaultKey:
        """Ask the configuration for its key again and return it."""
        if self._reload is not None:
            self._own = self._reload()
        return self._own

    def key(self, key_id: str) -> VaultKey:
        """Return one of the keys that open the store.

        Raises:
            KeyMissing: the store has no such key, or it is in nobody's reach.
        """
        if key_id not in self._keys:
            self.refresh()
        if key_id not in self._keys:
            raise KeyMissing(f"the vault key {key_id} does not open {self._path}")
        return self._keys[key_id]

    def found(self, vault_key: VaultKey) -> None:
        """Make `vault_key` one that opens the store, the newest from now on."""
        sealed = seal(AESGCM(vault_key.secret), _CHECKED, CHECK_PURPOSE)
        self._connection.execute(
            "insert into key_check values (?, ?)", (vault_key.id, sealed)
        )

    def keep_current(self) -> None:
        """Learn the newest key if another process has changed it; for each write."""
        newest = self._connection.execute(
            "select key_id from key_check order by rowid desc limit 1"
        ).fetchone()
        if newest is not None and [newest[0]] != list(self._keys)[:1]:
            self.refresh()

    def refresh(self) -> None:
        """Read from the store which keys open it, and learn those in reach.

        Raises:
            KeyMissing: the configured key opens nothing here; says which would.
        """
        checks = self._connection.execute(
            "select key_id, sealed from key_check order by rowid desc"
        ).fetchall()
        if not any(_fits(self._own, sealed) for _, sealed in checks):
            self.reloaded()
        if not any(_fits(self._own, sealed) for _, sealed in checks):
            raise self._another(checks[0][0])
        self._keys = {key_id: self._linked(key_id) for key_id, _ in checks}
        self._ciphers = [AESGCM(key.secret) for key in self._keys.values()]

    def wrap(self, key: bytes, purpose: bytes, nonce: bytes | None = None) -> bytes:
        """Return `key` sealed under the newest key-encryption key."""
        return seal(self._ciphers[0], key, purpose, nonce)

    def unwrap(self, wrapped: bytes, purpose: bytes) -> bytes:
        """Return the key that was wrapped for `purpose`.

        Raises:
            PrivacyError: no key of the store opens it: it was tampered with.
            KeyMissing: the store was rewrapped under a key that is not in reach.
        """
        key = self.opened(wrapped, purpose)
        if key is None:
            self.refresh()
            key = self.opened(wrapped, purpose)
        if key is None:
            kind = purpose.split(b"\x00")[0].decode()
            raise PrivacyError(
                f"a {kind} key in {self._path} was tampered with or moved from "
                "another; restore the key store from a backup"
            )
        return key

    def unwrap_many(
        self, wrapped: Sequence[bytes], purposes: Sequence[bytes]
    ) -> list[bytes]:
        """Return many keys as `unwrap` does.

        Mostly all are wrapped under the newest key; else each is looked at by itself.
        """
        keys = unseal_all(self._ciphers[0], wrapped, purposes)
        if keys is None:
            keys = [*map(self.unwrap, wrapped, purposes)]
        return keys

    def opened(self, wrapped: bytes, purpose: bytes) -> bytes | None:
        """Return the wrapped key, or None where none of the known keys opens it."""
        for cipher in self._ciphers:
            key = unseal(cipher, wrapped, purpose)
            if key is not None:
                return key
        return None

    def _linked(self, key_id: str) -> VaultKey:
        """Return a key of the store: the own one, or one kept wrapped under it."""
        if key_id == self._own.id:
            return self._own
        row = self._connection.execute(
            "select wrapped from key_link where key_id = ? and under = ?",
            (key_id, self._own.id),
        ).fetchone()
        secret = row and unseal(
            AESGCM(self._own.secret), row[0], vault_key_purpose(key_id)
        )
        if not secret:
            raise PrivacyError(
                f"{self._path} does not tell the vault key {key_id} that it is being "
                "rewrapped under; restore the key store from a backup"
            )
        return VaultKey(secret, f"the key store {self._path}")

    def _another(self, key_id: str) -> KeyMissing:
        return KeyMissing(
            f"{self._path} was made under the vault key {key_id}, but "
            f"{self._own.origin} gives {self._own.id}; bring back the former key "
            "or point the configuration to it; if the key was rotated meanwhile, "
            "start this process again with the new one"
        )


def _fits(vault_key: VaultKey, sealed: bytes) -> bool:
    return unseal(AESGCM(vault_key.secret), sealed, CHECK_PURPOSE) == _CHECKED
