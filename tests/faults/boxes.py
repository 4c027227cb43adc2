"""Workspaces in a box with their keys, and real commands that run and die in them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sample_workspace import found_pseudonyms, land_sample

from dmp.core.sql import Query
from dmp.flows.activate import sync_segments
from dmp.flows.ingest import ingest
from dmp.flows.resolve import resolve_people, train_linkage
from dmp.flows.workspace import Workspace
from dmp.storage.write import change, commit

DMP = Path(sys.executable).parent / "dmp"
LOADED_AT = datetime(2026, 7, 1, tzinfo=UTC)
BEFORE = datetime(2026, 6, 1, tzinfo=UTC)
AS_OF = "2026-06-30"
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Box:
    """A folder with a workspace and its keys, which can be copied whole."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "DMP_KEY_DIR": str(self.folder / "keys")}

    def copy(self, to: Path) -> Box:
        shutil.copytree(self.folder, to)
        return Box(to)

    def open(self) -> Workspace:
        """The workspace, its clock standing still at the day of the sample's loads."""
        return Workspace(self.home, environ=self.environ, clock=lambda: LOADED_AT)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `dmp` in a process group of its own."""
        return subprocess.Popen(
            [DMP, *arguments],
            cwd=self.home,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> float:
        """Run `dmp` to its good end; return the seconds it took."""
        begun = time.monotonic()
        process = self.start(*arguments)
        _, words = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, words
        return time.monotonic() - begun


def kill(process: subprocess.Popen[str]) -> bool:
    """Kill a command and all it started; say whether it was still running."""
    was_running = process.poll() is None
    if was_running:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return was_running


def land(box: Box) -> None:
    """Land the sample and load two of its sources."""
    land_sample(box.home)
    with box.open() as workspace:
        found_pseudonyms(workspace)
    _load(box, "app", "shop")


def load_half(box: Box) -> None:
    """Load the first file of a source, and take it away: one commit is left to do."""
    first = box.home / "data" / "landing" / "crm" / "part-00000-a.csv"
    with box.open() as workspace:
        ingest(workspace, "crm", [first])
    first.unlink()


def outdate(box: Box) -> None:
    """Take away what an older layout had not: tables and columns, none with rows."""
    with box.open() as workspace:
        writes = [change(table, Query(text)) for table, text in _OLDER]
        commit(workspace.lake, writes, message="an older layout")


_OLDER = (
    ("raw.refused", "alter table raw.refused drop column replayed_by"),
    ("segment.result", "drop table segment.result"),
    ("activation.ledger", "drop table activation.ledger"),
    ("activation", "drop schema activation cascade"),
)


def grow(box: Box) -> None:
    """Resolve without one source, then load it: the next run has ids to keep."""
    _load(box, "crm", "web")
    with box.open() as workspace:
        train_linkage(workspace)
        resolve_people(workspace)
    _load(box, "partner")


def send(box: Box) -> None:
    """Resolve all and send what held a month ago: people come and go since then."""
    with box.open() as workspace:
        resolve_people(workspace)
        sync_segments(workspace, as_of=BEFORE)


def _load(box: Box, *sources: str) -> None:
    with box.open() as workspace:
        for source in sources:
            ingest(workspace, source)
