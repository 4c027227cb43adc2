"""Compaction, expiry and clean-up of the lake's files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dmp.core.clock import now
from dmp.core.sql import quote_text
from dmp.core.types import Progress, silent
from dmp.storage.lake import CATALOG, Lake
from dmp.storage.lock import fair_lock
from dmp.storage.tables import TABLES
from dmp.storage.write import LOCK_TIMEOUT_S


@dataclass(frozen=True)
class Tidied:
    """What maintenance did.

    Attributes:
        files_before: that the newest snapshot read; `files_after` likewise.
        files_kept: others on disk, for older snapshots or queries that still run.
    """

    files_before: int
    files_after: int
    files_kept: int
    snapshots_expired: int


def tidy(
    lake: Lake,
    *,
    keep_since: datetime,
    spared: timedelta = timedelta(),
    progress: Progress = silent,
) -> Tidied:
    """Merge small files, expire old snapshots, delete files nobody needs any more.

    Works table by table and lets other writers in between. The newest snapshot always
    stays; contents do not change. Files of commits that were cut short go too: under
    the commit lock nobody is writing one.

    Args:
        keep_since: snapshots older than this expire.
        spared: a file stays for so long after the last snapshot let go of it. A query
            that began before may still be reading it, and fails without it.
    """
    before = _files(lake)
    for done, spec in enumerate(TABLES):
        progress(done, len(TABLES) + 1)
        schema, _, name = spec.name.partition(".")
        _locked(
            lake,
            f"call ducklake_merge_adjacent_files({quote_text(CATALOG)}, "
            f"{quote_text(name)}, schema => {quote_text(schema)})",
        )
    progress(len(TABLES), len(TABLES) + 1)
    snapshots = _snapshots(lake)
    since = quote_text(keep_since.isoformat())
    _locked(
        lake,
        f"call ducklake_expire_snapshots({quote_text(CATALOG)}, "
        f"older_than => timestamptz {since})",
    )
    expired = snapshots - _snapshots(lake)
    for function in ("ducklake_cleanup_old_files", "ducklake_delete_orphaned_files"):
        _locked(lake, f"call {function}({quote_text(CATALOG)}, {_age(spared)})")
    progress(len(TABLES) + 1, len(TABLES) + 1)
    after = _files(lake)
    return Tidied(before, after, max(0, _on_disk(lake) - after), expired)


def _age(spared: timedelta) -> str:
    if not spared:
        return "cleanup_all => true"
    return f"older_than => timestamptz {quote_text((now() - spared).isoformat())}"


def _locked(lake: Lake, statement: str) -> None:
    with fair_lock(lake.lock_folder, timeout_s=LOCK_TIMEOUT_S):
        lake.rows(statement)


def _files(lake: Lake) -> int:
    return int(
        lake.value(
            "select coalesce(sum(file_count + delete_file_count), 0) "
            f"from ducklake_table_info({quote_text(CATALOG)})"
        )
    )


def _on_disk(lake: Lake) -> int:
    return sum(1 for _ in (lake.root / "files").rglob("*.parquet"))


def _snapshots(lake: Lake) -> int:
    return int(lake.value(f"select count(*) from {CATALOG}.snapshots()"))
