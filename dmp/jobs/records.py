"""Run records: one folder a run, with `run.json` and the executed notebook."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Status = Literal["running", "done", "failed", "timed out", "interrupted"]


@dataclass(frozen=True)
class RunRecord:
    """One run of one notebook.

    Attributes:
        key: fingerprint of notebook, parameters and input: the same key need not run
            again.
        input_snapshot, output_snapshot: the lake's newest snapshot before and after.
        commits: messages of the commits made meanwhile.
        versions: of dmp and the libraries that matter.
        error: kind and place of the failure, without values; empty otherwise.
        executed: the executed notebook, relative to the run's folder.
        attempt: which attempt of one call it was, counted from 1.
        retry_of: the run that it repeats; empty for one of its own.
    """

    run_id: str
    notebook: str
    parameters: Mapping[str, Any]
    key: str
    status: Status
    started_at: str
    seconds: float = 0.0
    input_snapshot: int = 0
    output_snapshot: int = 0
    commits: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    executed: str = ""
    attempt: int = 1
    retry_of: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the notebook reached its end."""
        return self.status == "done"


def write_record(folder: Path, record: RunRecord) -> None:
    """Write `run.json` into the run's folder, whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = folder / "run.json.partial"
    partial.write_text(json.dumps(asdict(record), indent=1) + "\n")
    os.replace(partial, folder / "run.json")


def read_records(runs: Path) -> list[RunRecord]:
    """Return all runs, the newest first; none where the folder is absent."""
    found = []
    for path in runs.glob("*/run.json"):
        document = json.loads(path.read_text())
        document["commits"] = tuple(document["commits"])
        found.append(RunRecord(**document))
    return sorted(found, key=lambda record: record.started_at, reverse=True)


def find_done(runs: Path, key: str) -> RunRecord | None:
    """Return the newest successful run with this key, or None."""
    for record in read_records(runs):
        if record.key == key and record.is_success:
            return record
    return None


def forget_runs(runs: Path, before: datetime) -> int:
    """Delete the folders of runs that ended and began before an instant; count them.

    The newest run of each notebook that reached its end stays: it says what need not
    run again.
    """
    forgotten, known = 0, set[str]()
    for record in read_records(runs):
        is_newest = record.is_success and record.notebook not in known
        if record.is_success:
            known.add(record.notebook)
        is_old = datetime.fromisoformat(record.started_at) < before
        if is_old and not is_newest and record.status != "running":
            shutil.rmtree(runs / record.run_id)
            forgotten += 1
    return forgotten
