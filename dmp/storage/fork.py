"""A fork of the lake: the same rows, writes of its own, gone when the block ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dmp.core.errors import StorageError
from dmp.storage.backup import copy_catalog
from dmp.storage.lake import Lake, Prepare
from dmp.storage.lock import fair_lock

_LOCK_TIMEOUT_S = 120.0


@contextmanager
def forked(
    lake: Lake, parent: Path, *, prepare: Prepare | None = None
) -> Iterator[Lake]:
    """Give a lake that begins as this one stands, and whose writes nobody else sees.

    The catalog is copied and the data files are linked, so that a fork costs next to
    no space and no time; both lie in a folder of their own in `parent`, removed at
    exit. Writers wait while it is made.

    Args:
        parent: a folder of mode 0700 on the file system of the lake.
        prepare: as for `Lake`.

    Raises:
        StorageError: `parent` lies on another file system.
        LakeBusy: a writer held the lock for too long.
    """
    with TemporaryDirectory(prefix="fork-", dir=parent) as name:
        root = Path(name)
        with fair_lock(lake.lock_folder, timeout_s=_LOCK_TIMEOUT_S):
            copy_catalog(lake.root / "catalog.sqlite", root / "catalog.sqlite")
            _link_files(lake.root / "files", root / "files")
        with Lake(root, prepare=prepare) as fork:
            yield fork


def _link_files(source: Path, target: Path) -> None:
    for folder, _, files in os.walk(source):
        there = target / Path(folder).relative_to(source)
        there.mkdir(mode=0o700, parents=True)
        for file in files:
            _link(Path(folder) / file, there / file)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        raise StorageError(
            f"no link to {source} could be made in {target.parent}: {error.strerror}; "
            "data/tmp has to lie on the file system of data/lake"
        ) from error
