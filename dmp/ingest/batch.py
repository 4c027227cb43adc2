"""Batch ingestion: a file becomes one load, all of it or none."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dmp.core.config import fingerprint
from dmp.core.errors import UsageError
from dmp.ingest.connectors import content_hash, stage_file
from dmp.ingest.contracts import Contract
from dmp.ingest.field_names import shown_file
from dmp.ingest.load import Input, LoadReport, Stores, load, report_of, stage
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.write import is_loaded

_LOCK_TIMEOUT_S = 3600.0
Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the next one."""


@contextmanager
def loading(lake: Lake, source: str) -> Iterator[None]:
    """Let one process at a time load a source, from its first look to the commit.

    What is new in a load is decided against what the lake holds, so nobody else may
    add to the same source meanwhile; other sources are free.

    Raises:
        LakeBusy: another load of the source took longer than an hour.
    """
    with fair_lock(lake.root / "ingest-lock" / source, timeout_s=_LOCK_TIMEOUT_S):
        yield


def files_of(contract: Contract, home: Path) -> list[Path]:
    """Return the files of a source that are there, by name.

    Raises:
        UsageError: none is there.
    """
    pattern = Path(contract.connector.path)
    root = Path(pattern.anchor) if pattern.is_absolute() else home
    relative = pattern.relative_to(pattern.anchor) if pattern.is_absolute() else pattern
    found = sorted(path for path in root.glob(str(relative)) if path.is_file())
    if not found:
        raise UsageError(
            f"no file of {contract.source} at {root / relative}; put one there or name "
            f"it: dmp ingest {contract.source} FILE"
        )
    return found


def load_files(
    stores: Stores,
    contract: Contract,
    files: Sequence[Path],
    *,
    now: datetime,
    progress: Progress | None = None,
) -> list[LoadReport]:
    """Load files one after the other; each is committed on its own."""
    reports = []
    for done, path in enumerate(files):
        if progress:
            progress(done, len(files), shown_file(path))
        reports.append(load_file(stores, contract, path, now=now))
    if progress:
        progress(len(files), len(files), "")
    return reports


def load_file(
    stores: Stores, contract: Contract, path: Path, *, now: datetime
) -> LoadReport:
    """Load one file into the lake and the vault.

    The same bytes under the same contract are the same load: the second time nothing
    is read or written. A changed file gives what changed. Refused rows go to
    `raw.refused`, their bodies encrypted under the key of the day.

    Raises:
        UsageError: the file cannot be read as the contract says.
        ConfigInvalid: the contract reads columns that the file does not have.
        CommitFailed, LakeBusy: nothing of the load is in the lake.
    """
    digest = content_hash(path)
    load_id = _load_id(contract, digest)
    with loading(stores.lake, contract.source):
        if is_loaded(stores.lake, load_id):
            return LoadReport(contract.source, shown_file(path), load_id, is_new=False)
        with _scratch(stores) as scratch:
            rows = stage_file(stores.lake, contract, path, Path(scratch))
            found = Input(rows, load_id, shown_file(path), digest)
            return load(stores, contract, found, now=now)


def _scratch(stores: Stores) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="load-", dir=stores.scratch)


def preview_file(
    stores: Stores, contract: Contract, path: Path, *, now: datetime
) -> LoadReport:
    """Say what loading a file would do; nothing is written."""
    digest = content_hash(path)
    with _scratch(stores) as scratch:
        rows = stage_file(stores.lake, contract, path, Path(scratch))
        found = Input(rows, _load_id(contract, digest), shown_file(path), digest)
        return report_of(stage(stores, contract, found, now), found, is_new=False)


def _load_id(contract: Contract, digest: str) -> str:
    return f"{contract.source}-{fingerprint(digest, contract.version)}"
