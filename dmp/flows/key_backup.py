"""Back-up, check and restore of a workspace's keys, under roles and audit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import PrivacyError
from dmp.flows.workspace import Workspace
from dmp.flows.workspace_keys import WorkspaceKeys
from dmp.privacy import Permission
from dmp.privacy.audit_recovery import sign_heads_anew
from dmp.privacy.key_backup import KeyBackup, read_backup, read_header, write_backup
from dmp.privacy.private_files import (
    append_bytes,
    decode_key,
    encode_key,
    read_key,
    whole_file,
)
from dmp.privacy.sealing import key_id

VAULT, AUDIT, ACTOR, LEDGER = "vault.key", "audit.key", "actor.key", "destroyed-keys"
_RECORD = "backup.json"


@dataclass(frozen=True)
class KeysRestored:
    """What the restore of keys did.

    Attributes:
        written: names of the key files that were absent and are there now.
        kept: names of those that were there already.
        heads_signed: heads of the audit log that had to be signed anew.
        destroyed: keys destroyed again, by the ledger of erasures.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    heads_signed: int = 0
    destroyed: int = 0


@dataclass(frozen=True)
class KeysVerified:
    """What a back-up of keys holds, compared with the workspace.

    Attributes:
        made_at: ISO instant of the back-up.
        opens_vault: whether its vault key opens the workspace's key store.
        is_current: whether it holds the very keys that are in use.
    """

    made_at: str
    opens_vault: bool
    is_current: bool


def are_keys_backed_up(keys: WorkspaceKeys) -> bool:
    """Say whether the keys in use are those that were backed up last.

    A key that comes from the environment or a command is in the operator's care.
    """
    record = keys.folder / _RECORD
    if not record.exists():
        return False
    saved: Mapping[str, str] = json.loads(record.read_text())["keys"]
    files = {AUDIT: keys.folder / AUDIT}
    if keys.place.is_file:
        files[VAULT] = keys.place.file
    return all(
        path.exists() and saved.get(name) == _name(read_key(path))
        for name, path in files.items()
    )


def back_up_keys(workspace: Workspace, file: Path, passphrase: str) -> Path:
    """Write all keys of the workspace into one file under a passphrase.

    Raises:
        UsageError: the file exists, or the passphrase is too short.
        KeyMissing: a key is not there to be saved.
        NotAllowed: the caller may not manage keys.
    """
    workspace.allow(Permission.MANAGE_KEYS)
    keys = workspace.key_files
    assert workspace.keys and workspace.audit
    vault_key = keys.place.load()
    content = _content(keys, vault_key.secret)
    write_backup(
        file,
        content,
        passphrase=passphrase,
        workspace=keys.identity.id,
        vault_key=vault_key.id,
        now=workspace.clock(),
    )
    _note(keys, content, workspace.clock().isoformat())
    workspace.record("keys.backup", vault_key=vault_key.id, files=len(content))
    return file


def verify_key_backup(
    workspace: Workspace, file: Path, passphrase: str
) -> KeysVerified:
    """Open a back-up of keys and try its vault key on the key store; writes nothing.

    Raises:
        PrivacyError: it is of another workspace, damaged, or the passphrase is wrong.
        NotAllowed: the caller may not manage keys.
    """
    workspace.allow(Permission.MANAGE_KEYS)
    keys = workspace.key_files
    backup = _read(keys, file, passphrase)
    secret = decode_key(backup.files[VAULT], str(file))
    opens = keys.opens(secret)
    is_current = opens and all(
        (keys.folder / name).exists()
        and (keys.folder / name).read_bytes() == backup.files[name]
        for name in (AUDIT, ACTOR)
    )
    return KeysVerified(backup.header.made_at, opens, is_current)


def restore_keys(workspace: Workspace, file: Path, passphrase: str) -> KeysRestored:
    """Put the keys back that are missing; those that are there are never replaced.

    Signs the heads of the audit log anew where they were lost with the keys, and
    destroys again what the ledger of erasures lists.

    Raises:
        PrivacyError: it is of another workspace, damaged, the passphrase is wrong, or
            another key is in its place; nothing was written.
        NotAllowed: the caller may not manage keys.
    """
    workspace.allow(Permission.MANAGE_KEYS)
    keys = workspace.key_files
    backup = _read(keys, file, passphrase)
    wanted = _places(keys, backup)
    kept = [name for name, path in wanted.items() if path.exists()]
    _refuse_others(keys, backup, {name: wanted[name] for name in kept})
    for name, path in wanted.items():
        if name not in kept or name == ACTOR:
            with whole_file(path) as draft:
                draft.write_bytes(backup.files[name])
    _merge_ledger(keys, backup)
    signed = sign_heads_anew(
        workspace.paths.audit, keys.heads, keys.folder / AUDIT, clock=workspace.clock
    )
    workspace.forget_keys()
    destroyed = workspace.keys.destroy_listed(keys.ledger)
    _note(keys, backup.files, backup.header.made_at)
    written = tuple(name for name in wanted if name not in kept)
    workspace.record(
        "keys.restore", files=len(written), heads_signed=signed, destroyed=destroyed
    )
    return KeysRestored(written, tuple(kept), signed, destroyed)


def _content(keys: WorkspaceKeys, vault_key: bytes) -> dict[str, bytes]:
    found = {VAULT: encode_key(vault_key)}
    for name in (AUDIT, ACTOR):
        found[name] = encode_key(read_key(keys.folder / name))
    for former in sorted(keys.place.file.parent.glob(f"{keys.place.file.name}.*")):
        found[f"{VAULT}{former.suffix}"] = former.read_bytes()
    if keys.ledger.exists():
        found[LEDGER] = keys.ledger.read_bytes()
    return found


def _read(keys: WorkspaceKeys, file: Path, passphrase: str) -> KeyBackup:
    header = read_header(file)
    if header.workspace not in (keys.identity.id, *keys.identity.former_ids):
        raise PrivacyError(
            f"{file} holds the keys of workspace {header.workspace}; "
            f"{keys.paths.home} is workspace {keys.identity.id}: name its own back-up"
        )
    return read_backup(file, passphrase)


def _places(keys: WorkspaceKeys, backup: KeyBackup) -> dict[str, Path]:
    """Return where each key file of a back-up belongs."""
    file = keys.place.file
    places = {
        name: file.with_name(file.name + name.removeprefix(VAULT))
        for name in backup.files
        if name.startswith(VAULT)
    }
    return {**places, AUDIT: keys.folder / AUDIT, ACTOR: keys.folder / ACTOR}


def _refuse_others(
    keys: WorkspaceKeys, backup: KeyBackup, there: Mapping[str, Path]
) -> None:
    """Raise if a key that is there is another; actors' pseudonyms alone may differ."""
    other = [
        name
        for name, path in there.items()
        if name != ACTOR and path.read_bytes().strip() != backup.files[name].strip()
    ]
    if other:
        raise PrivacyError(
            f"{', '.join(other)} in {keys.folder} is another key than in the back-up, "
            "and a key in use is never replaced; if it is the wrong one, move it away "
            "and run this again"
        )


def _merge_ledger(keys: WorkspaceKeys, backup: KeyBackup) -> None:
    saved = backup.files.get(LEDGER, b"").split()
    known = set(keys.ledger.read_bytes().split() if keys.ledger.exists() else ())
    news = [line for line in saved if line not in known]
    if news:
        append_bytes(keys.ledger, b"".join(line + b"\n" for line in news))


def _note(keys: WorkspaceKeys, files: Mapping[str, bytes], made_at: str) -> None:
    saved = {
        name: _name(decode_key(content, name))
        for name, content in files.items()
        if name in (VAULT, AUDIT, ACTOR)
    }
    with whole_file(keys.folder / _RECORD) as draft:
        draft.write_text(json.dumps({"made_at": made_at, "keys": saved}))


def _name(key: bytes) -> str:
    return key_id(key).hex()
