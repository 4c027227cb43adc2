"""`dmp doctor`: everything that can be wrong with a workspace, and what mends it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dmp.core.clock import Clock, now
from dmp.core.config import Paths
from dmp.core.errors import DMPError, UsageError
from dmp.flows.checks import lake, machine, processes, secrets, settings, trail
from dmp.flows.checks.finding import Finding, Ground, Level, Limits, problem

Check = Callable[[Ground], Iterable[Finding]]

CHECKS: Mapping[str, Check] = {
    "versions: python": machine.python,
    "versions: packages": machine.packages,
    "versions: extensions": machine.extensions,
    "machine: disk space": machine.disk,
    "machine: clock": machine.clock,
    "config: files": settings.configuration,
    "config: roles": settings.roles,
    "permissions": secrets.permissions,
    "keys": secrets.keys,
    "keys: back-up": secrets.key_backup,
    "vault": secrets.vault,
    "lake: catalog": lake.catalog,
    "lake: files": lake.files,
    "lake: layout": lake.layout,
    "locks: holders": processes.locks,
    "locks: stale tickets": processes.tickets,
    "scratch": processes.scratch,
    "runs": processes.runs,
    "audit": trail.audit,
}


USUAL = Limits()


@dataclass(frozen=True)
class Diagnosis:
    """How a workspace is, by every check.

    Attributes:
        level: that of the gravest finding.
    """

    home: str
    level: Level
    findings: tuple[Finding, ...]


def examine(
    home: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Clock = now,
    limits: Limits = USUAL,
    checks: Mapping[str, Check] = CHECKS,
) -> Diagnosis:
    """Look at a workspace, whole or half broken; only reads, and needs no role.

    A check that cannot be carried out is a finding itself, and stops no other.

    Raises:
        UsageError: the folder holds neither the configuration nor the data of a
            workspace.
    """
    paths = Paths(home.resolve())
    if not _is_workspace(paths):
        raise UsageError(
            f"{paths.home} is no workspace: it has neither config/dmp.yaml nor data; "
            "make one with `dmp init DIR`, or name one by --home DIR or DMP_HOME"
        )
    ground = Ground(paths, environ, clock, limits)
    found = [
        one for name, check in checks.items() for one in _found(name, check, ground)
    ]
    levels = [one.level for one in found]
    gravest = max(levels, key=list(Level).index)
    return Diagnosis(str(paths.home), gravest, tuple(found))


def _is_workspace(paths: Paths) -> bool:
    try:
        return (paths.config / "dmp.yaml").exists() or paths.data.exists()
    except PermissionError:  # something is there: the checks tell who may not look
        return True


def _found(name: str, check: Check, ground: Ground) -> list[Finding]:
    try:
        return list(check(ground))
    except (DMPError, OSError) as error:
        text = f"could not be checked: {error}"
        return [problem(name, text, _mend(error, ground))]


def _mend(error: Exception, ground: Ground) -> str:
    """Return what may help where a check could not be carried out."""
    if isinstance(error, PermissionError) and error.filename:
        return f"ls -ld {error.filename}"
    return ground.restore()
