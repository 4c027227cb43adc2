"""Folders that last as long as their process, however it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dmp.core.ground import on_ground


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Give a new private folder in `parent`; it is removed at exit.

    First removes folders of the same prefix whose process was killed: a folder in use
    is locked, and the kernel drops the lock of a process that dies. Without `parent`
    the folder is made in the system's temporary folder, where nothing is swept.
    """
    if parent is None:
        with tempfile.TemporaryDirectory(prefix=prefix) as name:
            yield Path(name)
        return
    with on_ground(parent):
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(parent):  # nobody sweeps a folder made but not yet locked
            _sweep(parent, prefix)
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            handle = _open_locked(folder)
    try:
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder)


def sweep(prefix: str, parent: Path) -> None:
    """Remove the folders of a prefix in `parent` whose process was killed."""
    if parent.exists():
        with on_ground(parent), _locked(parent):
            _sweep(parent, prefix)


def _sweep(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        with suppress(BlockingIOError, FileNotFoundError, NotADirectoryError):
            os.close(_open_locked(folder))
            shutil.rmtree(folder)


def _open_locked(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    return handle


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
