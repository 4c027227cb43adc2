"""What a check finds, and what it is given to look at."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from dmp.core.clock import Clock, now
from dmp.core.config import Paths, Settings, load_settings
from dmp.core.errors import ConfigInvalid, StorageError
from dmp.flows.workspace_keys import WorkspaceKeys


class Level(StrEnum):
    """How much a finding matters: a problem makes `dmp doctor` exit with 1."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        check: what was looked at, `area: thing`.
        text: how it is, and what follows from that; never a person's value.
        mend: the command that mends it; empty where nothing is to be mended.
    """

    check: str
    level: Level
    text: str
    mend: str = ""


def ok(check: str, text: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, mend: str) -> Finding:
    """Return that a thing works, but will not for ever, or should be looked at."""
    return Finding(check, Level.WARNING, text, mend)


def problem(check: str, text: str, mend: str) -> Finding:
    """Return that a thing keeps dmp from working, or is a breach."""
    return Finding(check, Level.PROBLEM, text, mend)


@dataclass(frozen=True)
class Limits:
    """From where on a thing is worth a word.

    Attributes:
        free_bytes: free space on the disk of `data`, below which loads may fail.
        free_inodes: free entries there, below which files may not be made.
        journal_bytes: size of the catalog's journal that readers keep from shrinking.
        held_for: how long a lock is held by work that goes on.
        leftover_after: how long nobody touched a thing that was left behind.
        clock_ahead: how far the workspace may be ahead of this machine's clock.
    """

    free_bytes: int = 2 * 2**30
    free_inodes: int = 10_000
    journal_bytes: int = 64 * 2**20
    held_for: timedelta = timedelta(minutes=15)
    leftover_after: timedelta = timedelta(hours=1)
    clock_ahead: timedelta = timedelta(minutes=5)


@dataclass(frozen=True)
class Ground:
    """A workspace, whole or half broken, as the checks see it; never written to."""

    paths: Paths
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = now
    limits: Limits = Limits()

    @cached_property
    def settings(self) -> Settings:
        """The operator's choices; the defaults where their file has faults."""
        try:
            return load_settings(self.paths, self.environ)
        except ConfigInvalid:  # told by the check of that file
            return Settings()

    @cached_property
    def keys(self) -> WorkspaceKeys:
        """Where the keys lie.

        Raises:
            StorageError: the workspace does not tell its id.
        """
        file = self.paths.identity_file
        try:
            json.loads(file.read_text())["id"]
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{file} does not tell the workspace's id, which names its keys "
                f"({type(error).__name__}); bring it back from a back-up"
            ) from error
        return WorkspaceKeys(self.paths, self.settings, self.environ)

    def dmp(self, *words: str) -> str:
        """Return a command of dmp on this workspace, to be copied into a shell."""
        return shlex.join(["dmp", "--home", str(self.paths.home), *words])

    def restore(self) -> str:
        """Return the command that brings the workspace back from a back-up.

        A restore never writes over something, so what is damaged is moved aside first.
        """
        home = shlex.quote(str(self.paths.home))
        return f"mv {home} {home}.damaged && dmp restore SOURCE --into {home}"
