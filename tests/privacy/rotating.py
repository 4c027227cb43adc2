"""What the other processes of the tests of rotation run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from dmp.privacy.keys import KeyStore
from dmp.privacy.private_files import read_key
from dmp.privacy.rewrap import BATCH_KEYS
from dmp.privacy.vault_key import KeyPlace, new_vault_key, replace_key_file

KNOWN = np.arange(3 * BATCH_KEYS, dtype=np.int64)


def place_of(file: Path) -> KeyPlace:
    return KeyPlace({}, (), file)


def open_store(folder: Path) -> KeyStore:
    place = place_of(folder / "vault.key")
    return KeyStore(folder / "keys.sqlite", place.load(), reload=place.load)


def rotate(folder: Path) -> str:
    """Rotate the vault key of a store beside its key file; return the new key's id."""
    with open_store(folder) as store:
        rewrapping = store.rewrapping()
        begun = rewrapping.succession or rewrapping.begin(new_vault_key())
        rewrapping.run()
        former, new = rewrapping.former_key(), rewrapping.new_key()
        replace_key_file(folder / "vault.key", former, new)
        rewrapping.finish()
    return begun.newest


def rotate_and_die(folder: Path) -> None:
    """Rotate, in a process that was told to be killed."""
    (folder / "began").touch()
    rotate(folder)
    (folder / "ended").touch()


def write_keys(folder: Path, number: int, until: float) -> list[int]:
    """Make keys for new subjects and read them and old ones until told to stop."""
    made: list[int] = []
    with open_store(folder) as store:
        old = store.subject_keys(KNOWN[:100], create=False)
        while time.time() < until or not made:
            first = (number + 1) * 10_000_000 + len(made)
            ids = np.arange(first, first + 500, dtype=np.int64)
            keys = store.subject_keys(ids, create=True)
            if None in keys or store.subject_keys(ids, create=False) != keys:
                raise AssertionError("a key that was made is not the one read")
            if store.subject_keys(KNOWN[:100], create=False) != old:
                raise AssertionError("an old key changed")
            made += ids.tolist()
    return made


def key_bytes(folder: Path) -> bytes:
    return read_key(folder / "vault.key")


def pid() -> int:
    return os.getpid()
