"""Restore of a workspace from a back-up: verified, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from os import environ as process_environ
from pathlib import Path

from dmp.core.clock import now
from dmp.core.config import Paths, load_settings
from dmp.core.errors import KeyMissing, StorageError, UsageError
from dmp.flows.backup import HEADS, key_ids, require_same_tables
from dmp.flows.copies import adopt
from dmp.flows.workspace import Workspace
from dmp.flows.workspace_keys import WorkspaceKeys
from dmp.privacy.keys import KeyStore
from dmp.privacy.private_files import make_private_folder, whole_file
from dmp.privacy.vault_key import VaultKey, former_file
from dmp.storage.backup import flush
from dmp.storage.manifest import (
    FileEntry,
    Manifest,
    Progress,
    copy_file,
    read_manifest,
)

_REMEDY = "dmp --home {home} keys restore FILE"


@dataclass(frozen=True)
class Restored:
    """A workspace that was restored, or with a dry run what it would be.

    Attributes:
        made_at: ISO instant of the back-up.
        id: the workspace's id; a new one where the one backed up still lives.
        destroyed: keys destroyed again, because they were after the back-up.
        keys_missing: why the vault cannot be read; empty where it can.
    """

    home: Path
    made_at: str
    snapshot: int
    files: int
    size_bytes: int
    id: str
    destroyed: int = 0
    keys_missing: str = ""


def restore(
    source: Path,
    into: Path,
    *,
    environ: Mapping[str, str] = process_environ,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Restored:
    """Make `into` the workspace that was backed up at `source`.

    Every file is compared with the manifest while it is copied, every table once it is
    there. Keys destroyed since the back-up are destroyed again, by the ledger in the
    key folder, before anybody can open the workspace. Cut short, `into` is not there.

    Raises:
        UsageError: `source` is no whole back-up, or `into` is not empty.
        StorageError: a file or table is not what was backed up; nothing is left.
    """
    manifest = read_manifest(source)
    into = _empty(into)
    plan = _plan(into, manifest)
    if dry_run:
        return plan
    partial = _partial(into)
    try:
        _copy(source, partial, manifest, progress)
        require_same_tables(partial, manifest, partial / "data" / "lake")
        keys = _keys(partial, environ)
        destroyed = _destroy_again(keys) if keys.store.exists() else 0
        flush(partial)
        own_id = _settle(keys)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.rename(into)
    with Workspace(into, environ=environ) as workspace:
        missing = _record(workspace, manifest, destroyed)
    return replace(plan, id=own_id, destroyed=destroyed or 0, keys_missing=missing)


def _plan(into: Path, manifest: Manifest) -> Restored:
    return Restored(
        into,
        manifest.made_at,
        manifest.snapshot,
        len(manifest.files),
        manifest.size_bytes,
        manifest.workspace,
    )


def _empty(into: Path) -> Path:
    into = into.resolve()
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(
            f"{into} is not empty, and a restore never writes over something; name a "
            "folder that is empty or not there yet: dmp restore SOURCE --into FOLDER"
        )
    return into


def _partial(into: Path) -> Path:
    partial = into.with_name(f".{into.name}.restoring")
    if partial.exists():
        shutil.rmtree(partial)
    return make_private_folder(partial)


def _copy(
    source: Path, target: Path, manifest: Manifest, progress: Progress | None
) -> None:
    for folder in (Paths(target).data, Paths(target).vault):
        make_private_folder(folder)
    done = 0
    for entry in manifest.files:
        _copy_checked(source / entry.path, target / entry.path, entry)
        done += entry.size_bytes
        if progress:
            progress(done, manifest.size_bytes)


def _copy_checked(source: Path, target: Path, entry: FileEntry) -> None:
    try:
        copied = copy_file(source, target)
    except FileNotFoundError as error:
        raise StorageError(
            f"{source} of the back-up is missing; restore from another one"
        ) from error
    if copied.sha256 != entry.sha256:
        raise StorageError(
            f"{source} of the back-up is damaged; restore from another one"
        )


def _keys(home: Path, environ: Mapping[str, str]) -> WorkspaceKeys:
    paths = Paths(home)
    return WorkspaceKeys(paths, load_settings(paths, environ), environ)


def _destroy_again(keys: WorkspaceKeys) -> int | None:
    """Destroy what was destroyed since the back-up; None where no key opens the vault.

    A store under a former vault key is brought under the one of now.
    """
    try:
        key = _opening(keys)
    except KeyMissing:
        return None
    with KeyStore(keys.store, key, reload=keys.place.load) as store:
        if key.id != keys.place.load().id:
            rewrapping = store.rewrapping()
            rewrapping.begin(keys.place.load())
            rewrapping.run()
            rewrapping.finish()
        days = timedelta(days=keys.settings.retention.refused_bodies_days)
        store.destroy_day_keys((now() - days).date())
        return store.destroy_listed(keys.ledger)


def _opening(keys: WorkspaceKeys) -> VaultKey:
    """Return the key that opens the restored store: that of now, or a former one."""
    place, ids = keys.place, key_ids(keys.store)
    for key_id in ids:
        former = former_file(place.file, key_id)
        if former.exists():
            return replace(place, environ={}, command=(), file=former).load()
    key = place.load()
    if key.id not in ids:
        raise KeyMissing(f"{keys.store} was made under the vault key {ids[-1]}")
    return key


def _settle(keys: WorkspaceKeys) -> str:
    """Give the restored workspace an id and audit heads; return the id.

    Where the one that was backed up still lives, they can't share an id. Else heads
    signed after the back-up are set aside, since their records are not restored.
    """
    heads = keys.paths.data / HEADS
    original = keys.original()
    if original is not None and keys.settings.audit.heads_file is not None:
        raise UsageError(
            f"{original}, which was backed up, is still there and writes its audit "
            f"heads to {keys.heads}, as the restored one would; restore after it is "
            "gone, or on another machine"
        )
    if original is not None:
        return adopt(keys, heads).id
    if heads.exists():
        _set_aside(keys.heads, heads)
        with whole_file(keys.heads) as draft:
            shutil.copyfile(heads, draft)
    return keys.identity.id


def _set_aside(live: Path, restored: Path) -> None:
    if live.exists() and live.read_bytes() != restored.read_bytes():
        live.rename(live.with_name(f"{live.name}.{now():%Y%m%dT%H%M%S%f}"))


def _record(workspace: Workspace, manifest: Manifest, destroyed: int | None) -> str:
    """Write the restore to the audit log; say which keys are missing."""
    keys = workspace.key_files
    try:
        workspace.record(
            "restore",
            made_at=manifest.made_at,
            snapshot=manifest.snapshot,
            destroyed=destroyed or 0,
        )
    except KeyMissing as error:
        return f"{error}; bring the keys back: {_REMEDY.format(home=keys.paths.home)}"
    if destroyed is None:
        wanted = " or ".join(manifest.vault_key)
        return (
            f"the vault key {wanted} is not in reach, so names and addresses cannot be "
            f"read; bring it back: {_REMEDY.format(home=keys.paths.home)}"
        )
    return ""
