"""Checks of what keeps strangers out: permissions, keys, the vault."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from dmp.core.errors import KeyMissing, PrivacyError, StorageError
from dmp.flows.checks.finding import Finding, Ground, ok, problem, warning
from dmp.flows.key_backup import are_keys_backed_up
from dmp.privacy.private_files import read_key
from dmp.privacy.vault_check import try_store

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SAMPLE = 100


def permissions(ground: Ground) -> Iterator[Finding]:
    """See that nobody but their owner gets at data and keys."""
    folders = [ground.paths.data, ground.paths.vault, ground.keys.folder]
    files = [ground.paths.vault / "keys.sqlite", ground.paths.audit / "log.jsonl"]
    files += sorted(ground.keys.folder.glob("*.key"))
    places = [(path, 0o700) for path in folders] + [(path, 0o600) for path in files]
    present = [(path, mode) for path, mode in places if path.exists()]
    found = [one for path, mode in present for one in _open_to_others(path, mode)]
    yield from found
    if not found:
        yield ok("permissions: data and keys", f"{len(present)} places, all private")


def keys(ground: Ground) -> Iterator[Finding]:
    """See that every key that something was made under is there and is a key."""
    vault_key, folder = ground.keys.place.file, ground.keys.folder
    made_under = [
        (folder / "audit.key", ground.paths.audit / "log.jsonl", "the audit log"),
        (folder / "actor.key", ground.paths.audit / "log.jsonl", "actors' pseudonyms"),
    ]
    if ground.keys.place.is_file:
        store = ground.keys.store
        made_under.append((vault_key, store, "names, addresses, all of the vault"))
    lost = [
        place for place in made_under if place[1].exists() and not place[0].exists()
    ]
    for key, _, what in lost:
        yield problem(
            f"keys: {key.name}",
            f"{key} is not there, and without it nobody reads or continues {what}",
            ground.dmp("keys", "restore", "FILE"),
        )
    present = [key for key, _, _ in made_under if key.exists()]
    yield from (one for key in present for one in _no_key(ground, key))
    if present and not lost:
        yield ok("keys: present", f"{len(present)} in {folder}")


def key_backup(ground: Ground) -> Iterator[Finding]:
    """See that the keys in use are those that were backed up last."""
    if not (ground.keys.folder / "audit.key").exists():
        return  # told by the check of the keys
    if are_keys_backed_up(ground.keys):
        yield ok("keys: back-up", "the keys in use were backed up")
    else:
        text = "the keys in use are in no back-up: a lost disk would lose all names"
        yield warning("keys: back-up", text, ground.dmp("keys", "backup", "FILE"))


def vault(ground: Ground) -> Iterator[Finding]:
    """Unwrap keys of some subjects, by the vault key that the configuration gives."""
    store = ground.keys.store
    if not store.exists():
        yield ok("vault: key store", "nothing was ever loaded into the vault")
        return
    try:
        state = try_store(store, ground.keys.place.load(), sample=_SAMPLE)
    except KeyMissing as error:
        restore = ground.dmp("keys", "restore", "FILE")
        yield problem("vault: key store", str(error), restore)
    except (PrivacyError, StorageError) as error:
        yield problem("vault: key store", str(error), ground.restore())
    else:
        text = f"opens by the vault key; {state.tried} subjects' keys tried"
        yield ok("vault: key store", text)
        if state.is_rotating:
            text = "a rotation of the vault key was begun and has not ended"
            yield warning(
                "vault: rotation", text, ground.dmp("keys", "rotate", "--kek")
            )


def _open_to_others(path: Path, mode: int) -> Iterator[Finding]:
    found = path.stat()
    name = f"permissions: {path.name}"
    if stat.S_IMODE(found.st_mode) & _OTHERS & ~mode:
        yield problem(
            name,
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}, so others than its "
            f"owner can use it; right is {mode:04o}",
            f"chmod {mode:o} {shlex.quote(str(path))}",
        )
    if found.st_uid != os.geteuid():
        yield warning(
            name,
            f"{path} belongs to another user than the one that runs this",
            f'sudo chown "$USER" {shlex.quote(str(path))}',
        )


def _no_key(ground: Ground, key: Path) -> Iterator[Finding]:
    try:
        read_key(key)
    except KeyMissing:
        raise
    except PrivacyError as error:
        if "chmod" not in str(error):  # told by the check of permissions
            mend = ground.dmp("keys", "restore", "FILE")
            yield problem(f"keys: {key.name}", str(error), mend)
