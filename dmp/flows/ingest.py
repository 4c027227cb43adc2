"""Load sources through the door, under roles and audit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dmp.flows.workspace import Workspace
from dmp.ingest.batch import Progress, files_of, load_files
from dmp.ingest.contracts import Contract, chosen, read_contracts
from dmp.ingest.dry_run import FIRST_ROWS, DryRun, try_file
from dmp.ingest.load import LoadReport
from dmp.ingest.replay import replay
from dmp.privacy import Permission


def contracts(workspace: Workspace) -> dict[str, Contract]:
    """Return the contracts of the workspace by source."""
    return read_contracts(workspace.paths.config / "sources")


def ingest(
    workspace: Workspace,
    source: str,
    files: Sequence[Path] = (),
    *,
    progress: Progress | None = None,
) -> list[LoadReport]:
    """Load the files of a source; without files, those its contract names.

    Each file is a load of its own: an error in one leaves those before it in place.

    Raises:
        UnknownName: no such source.
        UsageError: no file is there, or one cannot be read as the contract says.
        NotAllowed: the caller may not ingest.
    """
    workspace.allow_work(Permission.INGEST)
    contract = chosen(contracts(workspace), source)
    found = list(files) or files_of(contract, workspace.paths.home)
    now = workspace.clock()
    loads = load_files(workspace.stores, contract, found, now=now, progress=progress)
    return [*_recorded(workspace, "ingest", loads)]


def dry_run(
    workspace: Workspace,
    source: str,
    files: Sequence[Path] = (),
    *,
    rows: int | None = FIRST_ROWS,
) -> list[DryRun]:
    """Say what loading would do, file by file; nothing is written.

    Args:
        rows: how many rows of each file to look at; None looks at all.

    Raises:
        UnknownName, UsageError, NotAllowed: as `ingest`.
    """
    workspace.allow(Permission.INGEST)
    contract = chosen(contracts(workspace), source)
    found = list(files) or files_of(contract, workspace.paths.home)
    now = workspace.clock()
    return [
        try_file(workspace.stores, contract, path, now=now, rows=rows) for path in found
    ]


def replay_refused(workspace: Workspace, source: str) -> list[LoadReport]:
    """Try the refused rows of a source again under its contract of now."""
    workspace.allow_work(Permission.INGEST)
    contract = chosen(contracts(workspace), source)
    loads = replay(workspace.stores, contract, now=workspace.clock())
    return [*_recorded(workspace, "replay", loads)]


def _recorded(
    workspace: Workspace, action: str, loads: Iterable[LoadReport]
) -> Iterator[LoadReport]:
    """Put each load on record once it is in, whatever becomes of those after it."""
    for report in loads:
        if report.is_new:
            workspace.record(
                action,
                load=report.load_id,
                rows=report.rows_read,
                refused=report.rows_refused,
            )
        yield report
