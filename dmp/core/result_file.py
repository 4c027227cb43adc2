"""Files that somebody asked for: written whole or not at all, where they may be."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmp.core.errors import UsageError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_result(path: Path) -> None:
    """Check before the work begins that a result may stand at `path`.

    Raises:
        UsageError: it is `-`, what stands there is no regular file, or its folder is
            not there.
    """
    if str(path) == "-":
        raise UsageError(
            "-: results are written as whole files, never to the terminal; name a file"
        )
    if kind := _other_kind(path):
        raise UsageError(
            f"{path}: is {kind}, and a result replaces what it is written to; name a "
            "file"
        )
    if not _place(path).parent.is_dir():
        raise UsageError(f"{path}: there is no such folder; make it first")


@contextmanager
def whole_result(path: Path) -> Iterator[Path]:
    """Give a temporary name whose file becomes `path` when the block ends well.

    Where `path` is a symlink, the file behind it is replaced and the link stays. The
    temporary name has the same suffix.

    Raises:
        UsageError: `path` cannot be written; what stood there is as it was.
    """
    check_result(path)
    place = _place(path)
    draft = place.with_name(f".partial-{secrets.token_hex(4)}-{place.name}")
    try:
        yield draft
        draft.replace(place)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written ({error.strerror}); name a file in a folder "
            "that exists and may be written to"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def whole_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Raises:
        UsageError: `path` cannot be written; what stood there is as it was.
    """
    with whole_result(path) as draft:
        draft.write_text(text, "utf-8")


def _place(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _other_kind(path: Path) -> str:
    """Return what stands at a path, links followed; nothing for a file or none."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return "a link that leads in a circle" if _place(path).is_symlink() else ""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")
