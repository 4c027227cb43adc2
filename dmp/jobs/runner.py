"""Run a notebook as a job: checked, recorded, idempotent, never half published."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import papermill
from papermill.exceptions import PapermillExecutionError

from dmp.core.config import fingerprint
from dmp.core.errors import LakeBusy, RunFailed, UnknownName
from dmp.flows.ingest import contracts
from dmp.flows.workspace import Workspace
from dmp.ingest.batch import files_of
from dmp.jobs.engine import ENGINE, CellProgress, Deadline
from dmp.jobs.executed import partial_copy, publish, settle
from dmp.jobs.parameters import checked, read_parameters
from dmp.jobs.records import (
    RunRecord,
    Status,
    find_done,
    forget_runs,
    write_record,
)
from dmp.privacy import Permission, mask
from dmp.quality.results import MESSAGE as QUALITY
from dmp.storage.lock import fair_lock

DEFAULT_TIMEOUT_S = 3600.0
_LIBRARIES = ("dmp", "duckdb", "splink", "papermill", "pandas")


class RunTimedOut(RunFailed):
    """The run took longer than allowed; its kernel was ended."""


class WorkspaceBusy(LakeBusy):
    """Another run holds the workspace."""


def run_notebook(
    workspace: Workspace,
    notebook: str,
    parameters: Mapping[str, str] | None = None,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    force: bool = False,
    attempt: int = 1,
    retry_of: str = "",
    progress: CellProgress | None = None,
) -> tuple[RunRecord, bool]:
    """Run one notebook of the workspace; return its record and whether it ran now.

    A successful run of the same notebook, parameters and input is not repeated unless
    forced: its record is returned with False. The input is the lake's snapshot, the
    configuration, the models and the files that sources name; what checks of quality
    write is none. Runs older than `retention.run_days` are deleted. The executed copy
    lies in `data/runs/<run_id>/`, and appears under its name only when complete. One
    run at a time holds a workspace. No kernel is left behind.

    Args:
        attempt, retry_of: what the record says of a repeated run.

    Raises:
        NotAllowed: the caller may not run notebooks; each step asks for itself too.
        UnknownName: no such notebook.
        ConfigInvalid: parameters are unknown, of a wrong type, or unsafe; no kernel
            was started.
        WorkspaceBusy: another run holds the workspace.
        RunTimedOut: the whole run took longer than `timeout_s`.
        RunFailed: a cell failed; the executed copy shows where.
    """
    workspace.allow(Permission.RUN_NOTEBOOK)
    path = find_notebook(workspace, notebook)
    values = checked(read_parameters(path), parameters or {}, path.name)
    key = fingerprint(path.read_text(), values, _input_state(workspace))
    if not force and (before := find_done(workspace.paths.runs, key)):
        return before, False
    with _held(workspace):
        settle(workspace.paths.runs)
        days = workspace.settings.retention.run_days
        forget_runs(workspace.paths.runs, workspace.clock() - timedelta(days=days))
        record = _begun(workspace, path, values, key)
        record = replace(record, attempt=attempt, retry_of=retry_of)
        return _run(workspace, path, record, timeout_s, progress), True


def find_notebook(workspace: Workspace, name: str) -> Path:
    """Return the file of a notebook, named with or without its ending or number.

    Raises:
        UnknownName: no such notebook; the near ones are named.
    """
    known = {
        path.stem: path for path in sorted(workspace.paths.notebooks.glob("*.ipynb"))
    }
    wanted = Path(name).stem
    if wanted in known:
        return known[wanted]
    by_title = {stem.partition("_")[2]: path for stem, path in known.items()}
    if wanted in by_title:
        return by_title[wanted]
    raise UnknownName("notebook", wanted, list(known))


@contextmanager
def _held(workspace: Workspace) -> Iterator[None]:
    try:
        with fair_lock(workspace.paths.data / "run-lock", timeout_s=0.5):
            yield
    except LakeBusy as error:
        raise WorkspaceBusy(
            "another notebook runs in this workspace; wait for it, see `dmp status`"
        ) from error


def _input_state(workspace: Workspace) -> list[Any]:
    paths = workspace.paths
    config = [
        (str(path.relative_to(paths.home)), path.read_text())
        for path in sorted(paths.config.rglob("*.yaml"))
    ]
    models = sorted(str(path) for path in paths.models.rglob("current.json"))
    pointers = [Path(path).read_text() for path in models]
    files = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for contract in contracts(workspace).values()
        for path in _files(workspace, contract)
    ]
    return [_input_snapshot(workspace), config, pointers, files]


def _input_snapshot(workspace: Workspace) -> int:
    """Return the newest snapshot that is not of a check of quality."""
    found = workspace.lake.value(
        "select max(snapshot_id) from lake.snapshots() "
        "where commit_message is distinct from $quality",
        quality=QUALITY,
    )
    return int(found or 0)


def _files(workspace: Workspace, contract: Any) -> list[Path]:
    pattern = workspace.paths.home / contract.connector.path
    if not list(pattern.parent.glob(pattern.name)):
        return []
    return files_of(contract, workspace.paths.home)


def _begun(
    workspace: Workspace, path: Path, values: Mapping[str, Any], key: str
) -> RunRecord:
    now = workspace.clock()
    suffix = hashlib.sha256(f"{key}{now.isoformat()}".encode()).hexdigest()[:6]
    return RunRecord(
        run_id=f"{path.stem}-{now:%Y%m%dT%H%M%S}-{suffix}",
        executed=path.name,
        notebook=path.stem,
        parameters=dict(values),
        key=key,
        status="running",
        started_at=now.isoformat(),
        input_snapshot=workspace.lake.snapshot(),
        versions={n: version(n) for n in _LIBRARIES}
        | {"python": platform.python_version()},
    )


def _run(
    workspace: Workspace,
    path: Path,
    record: RunRecord,
    timeout_s: float,
    progress: CellProgress | None,
) -> RunRecord:
    begun = time.monotonic()
    folder = workspace.paths.runs / record.run_id
    write_record(folder, record)
    workspace.close()
    ended = _execute(workspace, path, folder, record, timeout_s, progress)
    ended = replace(
        ended,
        seconds=round(time.monotonic() - begun, 2),
        output_snapshot=workspace.lake.snapshot(),
        commits=_commits(workspace, record.input_snapshot),
    )
    write_record(folder, ended)
    _raise_unless_done(ended, folder, timeout_s)
    return ended


def _execute(
    workspace: Workspace,
    path: Path,
    folder: Path,
    record: RunRecord,
    timeout_s: float,
    progress: CellProgress | None,
) -> RunRecord:
    deadline = Deadline(timeout_s)
    try:
        with _environment(DMP_HOME=str(workspace.paths.home)):
            papermill.execute_notebook(
                path,
                partial_copy(folder, path.stem),
                parameters=dict(record.parameters),
                engine_name=ENGINE,
                kernel_name="python3",
                progress_bar=False,
                cwd=workspace.paths.home,
                deadline=deadline,
                cell_progress=progress or _no_progress,
            )
        return replace(record, status="done")
    except PapermillExecutionError as error:
        place = f"cell {error.exec_count}: {error.ename}: {mask(str(error.evalue))}"
        return replace(record, status="failed", error=place)
    except RuntimeError:  # that of a kernel that died, or never came up
        status: Status = "timed out" if deadline.is_over else "failed"
        return replace(record, status=status, error="the kernel died")
    except BaseException as error:
        status = "failed" if isinstance(error, Exception) else "interrupted"
        kind = type(error).__name__
        write_record(folder, replace(record, status=status, error=kind))
        raise
    finally:
        publish(folder, path.stem)


def _no_progress(done: int, total: int) -> None:
    """Show nothing."""


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _commits(workspace: Workspace, since: int) -> tuple[str, ...]:
    rows = workspace.lake.rows(
        "select commit_message from lake.snapshots() where snapshot_id > $since "
        "order by snapshot_id",
        since=since,
    )
    return tuple(message or "" for (message,) in rows)


def _raise_unless_done(record: RunRecord, folder: Path, timeout_s: float) -> None:
    executed = folder / record.executed
    if record.status == "timed out":
        raise RunTimedOut(
            f"{record.notebook} took longer than {timeout_s:g} s and was ended; see "
            f"{executed}, or give it more with --timeout"
        )
    if record.status == "failed":
        raise RunFailed(
            f"{record.notebook} failed at {record.error}\nthe executed copy: {executed}"
        )
