"""Checks of what dmp stands on: Python, packages, disk, clock."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from dmp.flows.checks.finding import Finding, Ground, ok, problem, warning
from dmp.storage.catalog import last_commit_at
from dmp.storage.extensions import Extension, inspect_extensions
from dmp.storage.sqlite_files import reading

_SHOWN = ("duckdb", "splink", "papermill", "pyarrow")


def python(ground: Ground) -> Iterator[Finding]:
    """Compare the Python that runs with the one that dmp was made for."""
    wanted = metadata.metadata("dmp")["Requires-Python"]
    running = platform.python_version()
    if SpecifierSet(wanted).contains(running):
        yield ok("versions: python", f"{running}, at {sys.executable}")
    else:
        yield problem(
            "versions: python",
            f"{running} runs, but dmp needs {wanted}",
            "python3.11 -m venv .venv && .venv/bin/pip install dmp",
        )


def packages(ground: Ground) -> Iterator[Finding]:
    """Compare the packages that are installed with those that dmp declares."""
    wrong = [
        fault
        for text in metadata.requires("dmp") or ()
        if (fault := _package_fault(Requirement(text)))
    ]
    for requirement, found in wrong:
        yield problem(
            f"versions: {requirement.name}",
            f"{found or 'nothing'} is installed, but dmp needs "
            f"{requirement.specifier or 'it'}",
            _install(f"{requirement.name}{requirement.specifier}"),
        )
    if not wrong:
        shown = ", ".join(f"{name} {metadata.version(name)}" for name in _SHOWN)
        yield ok("versions: packages", f"dmp {metadata.version('dmp')}, {shown}")


def extensions(ground: Ground) -> Iterator[Finding]:
    """See that DuckDB's extensions fit it and load."""
    found = inspect_extensions()
    for one in found:
        if one.fault or not one.fits:
            yield _extension_finding(one)
    if not any(one.fault or not one.fits for one in found):
        names = ", ".join(one.name for one in found)
        yield ok("versions: extensions", f"{names} load into DuckDB {found[0].wanted}")


def disk(ground: Ground) -> Iterator[Finding]:
    """See how much room there is where the data lies."""
    place = next(p for p in (ground.paths.data, ground.paths.home) if p.exists())
    usage, limits = shutil.disk_usage(place), ground.limits
    inodes = os.statvfs(place)
    text = f"{_size(usage.free)} free of {_size(usage.total)}"
    if usage.free < limits.free_bytes:
        yield problem(
            "machine: disk space",
            f"{text}: a load may fail (nothing is half written then)",
            f"{ground.dmp('maintain', '--keep-days', '0')} && df -h {place}",
        )
    else:
        yield ok("machine: disk space", text)
    if inodes.f_files and inodes.f_favail < limits.free_inodes:
        yield problem(
            "machine: inodes",
            f"{inodes.f_favail:,} files more can be made",
            f"{ground.dmp('maintain', '--keep-days', '0')} && df -i {place}",
        )


def clock(ground: Ground) -> Iterator[Finding]:
    """See that the clock is not behind what the workspace was last written at."""
    present = ground.clock()
    catalog = ground.paths.lake / "catalog.sqlite"
    if not catalog.exists():
        yield ok("machine: clock", f"{present:%Y-%m-%d %H:%M} UTC")
        return
    with reading(catalog) as connection:
        written = last_commit_at(connection)
    if written > present + ground.limits.clock_ahead:
        yield problem(
            "machine: clock",
            f"it shows {present:%Y-%m-%d %H:%M} UTC, but the lake was written at "
            f"{written:%Y-%m-%d %H:%M}: new rows would seem older than old ones",
            "sudo timedatectl set-ntp true && timedatectl",
        )
    else:
        yield ok("machine: clock", f"{present:%Y-%m-%d %H:%M} UTC, after all commits")


def _package_fault(requirement: Requirement) -> tuple[Requirement, str] | None:
    """Return what is wrong with a package: the version found, empty for none."""
    if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
        return None
    try:
        found = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return requirement, ""
    fits = requirement.specifier.contains(found, prereleases=True)
    return None if fits else (requirement, found)


def _extension_finding(one: Extension) -> Finding:
    text = (
        f"{one.version or 'nothing'} is installed for DuckDB {one.wanted}"
        f"{': ' if one.fault else ''}{one.fault}"
    )
    mend = _install(f"{one.package}=={one.wanted}")
    if one.name == "httpfs":
        text += "; without it nothing is spilled, and large queries fail"
        return warning(f"versions: {one.name}", text, mend)
    return problem(f"versions: {one.name}", text, mend)


def _install(requirement: str) -> str:
    return shlex.join([sys.executable, "-m", "pip", "install", requirement])


def _size(n_bytes: int) -> str:
    value = float(n_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"
