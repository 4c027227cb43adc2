"""Whether a vault key opens a key store, tried on some keys, by reading alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import PrivacyError
from dmp.privacy.key_tables import subject_purpose
from dmp.privacy.keyring import KeyRing
from dmp.privacy.vault_key import VaultKey
from dmp.storage.sqlite_files import integrity_faults, reading


@dataclass(frozen=True)
class StoreState:
    """A key store that opens.

    Attributes:
        tried: how many subjects' keys were unwrapped.
        is_rotating: whether a rotation of the vault key was begun and has not ended.
    """

    tried: int
    is_rotating: bool


def try_store(store: Path, vault_key: VaultKey, *, sample: int) -> StoreState:
    """Unwrap up to `sample` keys of subjects; nothing is written, nothing kept.

    Raises:
        StorageError: the file is no database.
        KeyMissing: it was made under another vault key.
        PrivacyError: the file is damaged, or a key was tampered with.
    """
    with reading(store) as connection:
        if faults := integrity_faults(connection):
            raise PrivacyError(f"{store} is damaged: {faults[0]}")
        ring = KeyRing(connection, store, vault_key)
        ring.refresh()
        rows = connection.execute(
            "select subject_id, wrapped from subject_key limit ?", (sample,)
        ).fetchall()
        for subject_id, wrapped in rows:
            ring.unwrap(wrapped, subject_purpose(subject_id))
        return StoreState(len(rows), len(ring.ids) > 1)
