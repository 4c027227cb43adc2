"""Rotation of keys while others load and read, under roles and audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dmp.core.errors import UsageError
from dmp.core.sql import Query, sql
from dmp.flows.workspace import Workspace
from dmp.privacy import Permission, PseudonymKey
from dmp.privacy.private_files import read_key
from dmp.privacy.pseudonyms import rekeyed_sql
from dmp.privacy.rewrap import Progress, Rewrapping
from dmp.privacy.vault_key import (
    VaultKey,
    create_key_file,
    new_vault_key,
    replace_key_file,
)
from dmp.storage.lake import Lake
from dmp.storage.versions import token_version
from dmp.storage.write import Write, append, commit_planned, replace


@dataclass(frozen=True)
class VaultKeyRotation:
    """What the rotation of the vault key did, or with a dry run would do.

    Attributes:
        former: public id of the key that is followed.
        newest: public id of the key that follows; empty before one is made.
        keys: wrapped keys of subjects in the store.
        rewrapped: how many of them this run wrapped anew.
        is_done: False while the former key still opens the store.
        next_step: what the operator has to do; empty when it is done.
    """

    former: str
    newest: str
    keys: int
    rewrapped: int = 0
    is_done: bool = False
    next_step: str = ""


@dataclass(frozen=True)
class PseudonymRotation:
    """What the rotation of the tokens' key did, or with a dry run would do."""

    former: int
    newest: int
    tokens: int


def rotate_vault_key(
    workspace: Workspace,
    *,
    new_key_file: Path | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> VaultKeyRotation:
    """Wrap every key anew under another vault key; loads and readers go on.

    Cut short, it goes on where it was when run again. Where the key comes from a file,
    that file is replaced and the former key kept beside it, for back-ups made before.

    Args:
        new_key_file: the new key, made there where the file is absent; needed where the
            key comes from the environment or a command, which dmp cannot change.

    Raises:
        UsageError: such a place is configured and no file was given; or the workspace
            is a copy. Nothing was changed.
        NotAllowed: the caller may not manage keys.
    """
    workspace.allow(Permission.MANAGE_KEYS)
    workspace.key_files.check_own()
    rewrapping = workspace.keys.rewrapping()
    if dry_run:
        return _planned(rewrapping, workspace.key_files.place.load())
    begun = rewrapping.succession
    if begun is None or new_key_file is not None:
        begun = rewrapping.begin(_next_key(workspace, new_key_file))
    rewrapped = rewrapping.run(progress)
    place = workspace.key_files.place
    if place.is_file:
        former, new = rewrapping.former_key(), rewrapping.new_key()
        replace_key_file(place.file, former, new)
    is_done = place.load().id == begun.newest and rewrapping.finish()
    workspace.record(
        "keys.rotate",
        what="vault key",
        former=begun.former,
        newest=begun.newest,
        rewrapped=rewrapped,
        done=is_done,
    )
    step = "" if is_done else _give(begun.newest, place.load())
    count = rewrapping.count()
    return VaultKeyRotation(begun.former, begun.newest, count, rewrapped, is_done, step)


def rotate_pseudonyms(
    workspace: Workspace, *, dry_run: bool = False
) -> PseudonymRotation:
    """Bring the tokens of identifiers under a new key, in one commit.

    Rewrites `identity.identifier` and adds a row to `ops.key_version`; until the commit
    everybody reads and writes the former version, after it the new one. Names of
    subjects, events and versions stay (ADR 6). Cut short, the next run uses the key
    that was made.

    Raises:
        CommitFailed, LakeBusy: all tokens are as they were.
        NotAllowed: the caller may not manage keys.
    """
    workspace.allow(Permission.MANAGE_KEYS)
    workspace.key_files.check_own()
    store, lake = workspace.keys, workspace.lake
    former = token_version(lake)
    if dry_run:
        count = int(lake.value("select count(*) from identity.identifier"))
        return PseudonymRotation(former, former + 1, count)
    newest = store.pseudonym_version
    if newest <= former:
        newest = store.rotate_pseudonyms()
    later = store.later_pseudonym_keys("analytics", former, newest)
    _stage_map(lake, later, Query("select token from identity.identifier"))
    commit_planned(
        lake,
        lambda: _rekeying(workspace, later),
        message=f"rotate tokens to key version {newest}",
    )
    tokens = int(lake.value("select max_by(tokens, version) from ops.key_version"))
    workspace.record(
        "keys.rotate", what="pseudonyms", former=former, newest=newest, tokens=tokens
    )
    return PseudonymRotation(former, newest, tokens)


def _planned(rewrapping: Rewrapping, configured: VaultKey) -> VaultKeyRotation:
    begun = rewrapping.succession
    former = begun.former if begun else configured.id
    newest = begun.newest if begun else ""
    return VaultKeyRotation(former, newest, rewrapping.count())


def _next_key(workspace: Workspace, file: Path | None) -> VaultKey:
    place = workspace.key_files.place
    if file is None:
        if place.is_file:
            return new_vault_key()
        raise UsageError(
            f"the vault key comes from {place.load().origin}, which dmp cannot change; "
            "give the new key in a file: dmp keys rotate --kek --new-key-file FILE "
            "(it is made if it is absent), then put it where the old one was"
        )
    if not file.exists():
        return create_key_file(file)
    return VaultKey(read_key(file), f"the key file {file}")


def _give(newest: str, configured: VaultKey) -> str:
    return (
        f"{configured.origin} still gives the former key: put the new key {newest} "
        "there, start what runs anew, then run dmp keys rotate --kek once more; until "
        "then both keys open the vault"
    )


def _stage_map(lake: Lake, keys: Sequence[PseudonymKey], tokens: Query) -> None:
    lake.stage(
        "token_map",
        sql(
            "select token as former, {newest} as newest "
            "from (select distinct token from ({tokens}))",
            newest=rekeyed_sql(keys, Query("token")),
            tokens=tokens,
        ),
    )


_NEW_SINCE = """
insert into token_map select token, {newest} from (
    select distinct token from identity.identifier
    where token not in (select former from token_map)
)
"""
_REKEYED = """
select i.* replace (m.newest as token)
from identity.identifier as i join token_map as m on m.former = i.token
"""
_VERSION = """
select $version::integer as version, $at::timestamptz as applied_at,
    $tokens::bigint as tokens
"""


def _rekeying(workspace: Workspace, keys: Sequence[PseudonymKey]) -> list[Write]:
    """Return the writes, asked for under the commit lock; none where it was done."""
    lake, version = workspace.lake, keys[-1].version
    if token_version(lake) >= version:
        return []
    lake.execute(sql(_NEW_SINCE, newest=rekeyed_sql(keys, Query("token"))))
    staged = lake.stage("rekeyed_identifier", _REKEYED)
    tokens = int(lake.value(sql("select count(*) from {t}", t=staged)))
    row = sql(_VERSION, version=version, at=workspace.clock(), tokens=tokens)
    return [replace("identity.identifier", staged), append("ops.key_version", row)]
