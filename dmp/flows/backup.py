"""Back-up of a workspace while others write to it, and the check of one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import dmp
from dmp.core.errors import UsageError
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission
from dmp.privacy.audit_runs import RUNNING
from dmp.privacy.private_files import exclusive, make_private_folder, whole_file
from dmp.storage.backup import (
    DUCKDB_VERSION,
    copy_tree,
    flush,
    point_in_time,
    sync,
    table_entries,
)
from dmp.storage.manifest import (
    FORMAT,
    NAME,
    FileEntry,
    Manifest,
    Progress,
    file_faults,
    read_manifest,
    require_no_faults,
    table_faults,
)

HEADS = Path("audit") / "heads.jsonl"
"""The signed heads of the audit log, below the data of a back-up."""
_CHOICES = ("config", "notebooks", "dashboards")


@dataclass(frozen=True)
class BackedUp:
    """A back-up, or with a dry run what it would hold.

    Attributes:
        new_bytes: bytes that are not shared with the previous back-up.
    """

    target: Path
    snapshot: int
    files: int
    size_bytes: int
    new_bytes: int
    rows: int


def back_up(
    workspace: Workspace,
    target: Path,
    *,
    previous: Path | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> BackedUp:
    """Copy the workspace as it is at one instant to `target`, while others write.

    Holds the lake, vault, audit log, models, runs, configuration, notebooks and pages;
    no key that opens the vault, no file that was landed or exported. Cut short, there
    is no folder `target`.

    Args:
        previous: an earlier back-up on the same disk; what is the same is linked.

    Raises:
        UsageError: `target` is there already, or lies in the workspace.
        NotAllowed: the caller may not maintain.
    """
    workspace.allow(Permission.MAINTAIN)
    target = _free(target, workspace.paths.home)
    earlier = (previous, read_manifest(previous)) if previous else None
    workspace.paths.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        exclusive(workspace.paths.data / "backup.lock"),
        point_in_time(
            workspace.lake, workspace.paths.data, workspace.paths.scratch
        ) as (data, snapshot),
    ):
        _copy_audit(workspace, data)
        if dry_run:
            return _planned(target, snapshot, data)
        partial = _partial(target)
        entries = [
            entry
            for folder, part in [(data, "data"), *_choices(workspace)]
            for entry in copy_tree(
                folder, partial, part, previous=earlier, progress=progress
            )
        ]
        manifest = _manifest(workspace, partial, snapshot, entries)
    workspace.record("backup", snapshot=snapshot, files=len(entries))
    _complete(partial, manifest, target)
    return _report(target, manifest, earlier[1] if earlier else None)


def verify_backup(folder: Path, progress: Progress | None = None) -> Manifest:
    """Return the manifest of a back-up of which every byte and row is there.

    Needs no workspace and no key; writes nothing to the folder.

    Raises:
        UsageError: the folder is no whole back-up.
        StorageError: lists the files and tables that are not what was written.
    """
    manifest = read_manifest(folder)
    require_no_faults(folder, [*file_faults(folder, manifest, progress)])
    require_same_tables(folder, manifest, folder / "data" / "lake")
    return manifest


def require_same_tables(where: Path, manifest: Manifest, lake: Path) -> None:
    """Go on only if a lake at rest holds the rows that the manifest tells.

    Raises:
        StorageError: lists the tables that differ.
    """
    found = table_entries(lake)
    same = manifest.duckdb == DUCKDB_VERSION
    faults = table_faults(manifest.tables, found, same_duckdb=same)
    require_no_faults(where, [*faults])


def _free(target: Path, home: Path) -> Path:
    target = target.resolve()
    if target.exists():
        raise UsageError(
            f"{target} is there already, and a back-up is never written over "
            "something; name a folder that is not there yet"
        )
    if target.is_relative_to(home):
        raise UsageError(f"{target} lies in the workspace; name a folder outside of it")
    return target


def _partial(target: Path) -> Path:
    """Return an empty folder beside the target, without what a killed run left."""
    partial = target.with_name(f".{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    return make_private_folder(partial)


def _complete(partial: Path, manifest: Manifest, target: Path) -> None:
    """Make the copied files a back-up: all on disk first, then manifest, then name."""
    flush(partial)
    with whole_file(partial / NAME) as draft:
        draft.write_text(manifest.to_json())
    partial.rename(target)
    sync(target.parent)


def _copy_audit(workspace: Workspace, data: Path) -> None:
    """Replace the links to the audit log, which grows in place, by a copy.

    What processes that run now have on record is nothing to keep.
    """
    folder, heads = workspace.paths.audit, workspace.key_files.heads
    files = {name: folder / name for name in ("log.jsonl", "state.json")}
    shutil.rmtree(data / "audit" / RUNNING, ignore_errors=True)
    with exclusive(folder / "lock"):
        for name, path in {**files, HEADS.name: heads}.items():
            copy = data / "audit" / name
            copy.unlink(missing_ok=True)
            if path.exists():
                copy.parent.mkdir(mode=0o700, exist_ok=True)
                shutil.copyfile(path, copy)


def _choices(workspace: Workspace) -> Iterator[tuple[Path, str]]:
    for name in _CHOICES:
        folder = workspace.paths.home / name
        if folder.is_dir():
            yield folder, name


def _planned(target: Path, snapshot: int, data: Path) -> BackedUp:
    sizes = [path.stat().st_size for path in data.rglob("*") if path.is_file()]
    return BackedUp(target, snapshot, len(sizes), sum(sizes), sum(sizes), 0)


def _manifest(
    workspace: Workspace, partial: Path, snapshot: int, entries: list[FileEntry]
) -> Manifest:
    store = partial / "data" / "vault" / "keys.sqlite"
    return Manifest(
        format=FORMAT,
        workspace=workspace.key_files.identity.id,
        home=str(workspace.paths.home),
        made_at=workspace.clock().isoformat(),
        snapshot=snapshot,
        vault_key=key_ids(store),
        dmp=dmp.__version__,
        duckdb=DUCKDB_VERSION,
        files=tuple(entries),
        tables=tuple(table_entries(partial / "data" / "lake")),
    )


def key_ids(store: Path) -> tuple[str, ...]:
    """Return the public ids of the vault keys that open a key store at rest."""
    if not store.exists():
        return ()
    uri = f"file:{store}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        rows = connection.execute("select key_id from key_check order by rowid")
        return tuple(key_id for (key_id,) in rows)


def _report(target: Path, manifest: Manifest, earlier: Manifest | None) -> BackedUp:
    shared = earlier.by_path if earlier else {}
    new = [entry for entry in manifest.files if shared.get(entry.path) != entry]
    return BackedUp(
        target,
        manifest.snapshot,
        len(manifest.files),
        manifest.size_bytes,
        sum(entry.size_bytes for entry in new),
        sum(entry.rows for entry in manifest.tables),
    )
