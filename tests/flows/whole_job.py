"""A workspace on the committed sample, and somebody at its command line."""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dmp.cli import main
from dmp.flows.initialise import initialise

REPOSITORY = Path(__file__).parent.parent.parent
PEOPLE, SEED = 1000, 1
"""Whom `data/sample` holds."""


@dataclass
class Desk:
    """Somebody at the command line of a workspace, and all that was shown there."""

    home: Path
    codes: dict[str, int] = field(default_factory=dict)
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    log: io.StringIO = field(default_factory=io.StringIO)

    def run(self, *arguments: str) -> int:
        """Run a command with the log at INFO; return its exit code."""
        handler = logging.StreamHandler(self.log)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        try:
            code = self._call(["dmp", "-v", "--home", str(self.home), *arguments])
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
        self.codes[" ".join(arguments)] = code
        return code

    def _call(self, arguments: list[str]) -> int:
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(self.out),
            contextlib.redirect_stderr(self.err),
        ):
            patch.setattr(sys, "argv", arguments)
            patch.setattr("signal.signal", lambda *_: None)
            try:
                main()
            except SystemExit as done:
                return int(done.code or 0)
        return 0


def sample_workspace(home: Path) -> Path:
    """Make a workspace whose landing folder is the committed sample."""
    initialise(home)
    shutil.copytree(REPOSITORY / "data" / "sample", home / "data" / "landing")
    return home
