"""Batch ingestion: a file becomes one load, all of it or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from dmp.core.errors import ConfigInvalid, Fault, UsageError
from dmp.ingest.connectors import content_hash
from dmp.ingest.contracts import Contract
from dmp.ingest.field_names import shown_file
from dmp.ingest.file_rows import open_file
from dmp.ingest.load import Input, LoadReport, Stores, load
from dmp.ingest.seen import load_of
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.thrift import thrift

_LOCK_TIMEOUT_S = 3600.0
Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in all, and the name of the file at hand."""


@contextmanager
def loading(lake: Lake, source: str) -> Iterator[None]:
    """Let one process at a time load a source, from its first look to the commit.

    What is new in a load is decided against what the lake holds, so nobody else may
    add to the same source meanwhile; other sources are free.

    Raises:
        LakeBusy: another load of the source took longer than an hour.
    """
    with (
        fair_lock(lake.root / "ingest-lock" / source, timeout_s=_LOCK_TIMEOUT_S),
        thrift(lake),
    ):
        yield


def files_of(contract: Contract, home: Path) -> list[Path]:
    """Return the files of a source that are there, by name; folders are passed over.

    Raises:
        UsageError: none is there, one is no regular file, or the pattern is none.
    """
    pattern = Path(contract.connector.path)
    root = Path(pattern.anchor) if pattern.is_absolute() else home
    relative = pattern.relative_to(pattern.anchor) if pattern.is_absolute() else pattern
    try:
        found = sorted(path for path in root.glob(str(relative)) if not path.is_dir())
    except (ValueError, IndexError) as error:
        fault = Fault("connector.path", "no pattern of files", "data/x/*.csv")
        raise ConfigInvalid(
            f"config/sources/{contract.source}.yaml", [fault]
        ) from error
    if not found:
        raise UsageError(
            f"no file of {contract.source} at {root / relative}; put one there or name "
            f"it: dmp ingest {contract.source} FILE"
        )
    if odd := [shown_file(path) for path in found if not path.is_file()]:
        raise UsageError(
            f"links to nowhere, pipes or sockets instead of files: {', '.join(odd)}; "
            f"take them out of {(root / relative).parent}"
        )
    return found


def load_files(
    stores: Stores,
    contract: Contract,
    files: Sequence[Path],
    *,
    now: datetime,
    progress: Progress | None = None,
) -> Iterator[LoadReport]:
    """Load files one after the other; yield what became of each once it is committed.

    Each is loaded a microsecond after the one before: where a source gives no instants
    of its own, what the later file says counts. What a load that was killed left in the
    scratch folder goes first, whether anything is to be loaded or not.
    """
    stores.sweep()
    sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
    for number, path in enumerate(files):

        def tell(
            part: float, done: int = sum(sizes[:number]), at: int = number
        ) -> None:
            if progress:
                progress(
                    done + int(part * sizes[at]), sum(sizes), shown_file(files[at])
                )

        tell(0.0)
        at = now + number * timedelta.resolution
        report = load_file(stores, contract, path, now=at, tell=tell)
        tell(1.0)
        yield report


def load_file(
    stores: Stores,
    contract: Contract,
    path: Path,
    *,
    now: datetime,
    tell: Callable[[float], None] | None = None,
) -> LoadReport:
    """Load one file into the lake and the vault.

    The same bytes under the same contract are the same load: the second time nothing
    is read or written, unless the file at this place said something else meanwhile.
    A changed file gives what changed. Refused rows go to
    `raw.refused`, their bodies encrypted under the key of the day.

    Args:
        tell: called with the part of the load that is done, in [0, 1].

    Raises:
        UsageError: the file cannot be read as the contract says.
        ConfigInvalid: the contract reads columns that the file does not have.
        CommitFailed, LakeBusy: nothing of the load is in the lake.
    """
    digest = content_hash(path)
    name = shown_file(path)
    with loading(stores.lake, contract.source):
        seen = load_of(stores.lake, contract, path, digest)
        if seen.is_known:
            return LoadReport(contract.source, name, seen.load_id, is_new=False)
        with stores.folder() as scratch:
            rows = open_file(stores.lake, contract, path, scratch)
            found = Input(rows, seen.load_id, name, digest, place=seen.place)
            with thrift(stores.lake, rows.memory_mb):
                return load(stores, contract, found, scratch, now=now, tell=tell)
