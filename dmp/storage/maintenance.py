"""Compaction, expiry and clean-up of the lake's files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import quote_text
from dmp.storage.lake import CATALOG, Lake
from dmp.storage.lock import fair_lock
from dmp.storage.tables import TABLES
from dmp.storage.write import LOCK_TIMEOUT_S


@dataclass(frozen=True)
class Tidied:
    """What maintenance did: data files before and after, snapshots expired."""

    files_before: int
    files_after: int
    snapshots_expired: int


def tidy(lake: Lake, *, keep_since: datetime) -> Tidied:
    """Merge small files, expire snapshots older than `keep_since`, delete what no
    snapshot needs any more.

    Works table by table and lets other writers in between. The newest snapshot always
    stays; contents do not change.
    """  # noqa: D205
    before = _files(lake)
    for spec in TABLES:
        schema, _, name = spec.name.partition(".")
        _locked(
            lake,
            f"call ducklake_merge_adjacent_files({quote_text(CATALOG)}, "
            f"{quote_text(name)}, schema => {quote_text(schema)})",
        )
    snapshots = _snapshots(lake)
    since = quote_text(keep_since.isoformat())
    _locked(
        lake,
        f"call ducklake_expire_snapshots({quote_text(CATALOG)}, "
        f"older_than => timestamptz {since})",
    )
    expired = snapshots - _snapshots(lake)
    _locked(
        lake,
        f"call ducklake_cleanup_old_files({quote_text(CATALOG)}, cleanup_all => true)",
    )
    return Tidied(before, _files(lake), expired)


def _locked(lake: Lake, statement: str) -> None:
    with fair_lock(lake.lock_folder, timeout_s=LOCK_TIMEOUT_S):
        lake.rows(statement)


def _files(lake: Lake) -> int:
    return sum(1 for _ in (lake.root / "files").rglob("*.parquet"))


def _snapshots(lake: Lake) -> int:
    return int(lake.value(f"select count(*) from {CATALOG}.snapshots()"))
