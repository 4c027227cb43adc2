"""What is wrong with the ground under us: disk, folder or rights, told in words."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmp.core.errors import GroundFailed

_WORDS = (
    (
        ("no space left on device", "disk is full", "disk quota exceeded"),
        "the disk is full; free some space, then do it again",
    ),
    (
        ("read-only file system", "readonly database"),
        "the file system is read-only; make it writable, or take another folder",
    ),
    (
        ("permission denied", "operation not permitted"),
        "this user may not use it; ask its owner for the right, or be its owner",
    ),
    (
        ("no such file", "unable to open database file", "stale file handle"),
        "it is not there; bring it back: is its disk mounted?",
    ),
    (
        ("input/output error", "disk i/o error"),
        "the disk is full or gives errors; free some space, or check the disk",
    ),
    (
        ("database is locked",),
        "another program holds it; close that program, then do it again",
    ),
)


def ground_words(error: BaseException) -> str:
    """Return what is wrong and the next step; empty where it is not the ground.

    >>> ground_words(OSError(28, "No space left on device"))
    'the disk is full; free some space, then do it again'
    """
    text = str(error).lower()
    for marks, words in _WORDS:
        if any(mark in text for mark in marks):
            return words
    return ""


@contextmanager
def on_ground(place: Path) -> Iterator[None]:
    """Tell an error of the operating system in our words, with the place.

    Raises:
        GroundFailed: `place` cannot be used.
    """
    try:
        yield
    except OSError as error:
        words = ground_words(error) or f"it cannot be used ({error.strerror})"
        raise GroundFailed(f"{place}: {words}") from error


class KnownFile:
    """A file, told from another that took its name.

    Until `release` its inode is held, since a file system gives the number of a deleted
    one to the next; held on Linux by a descriptor that neither reads nor, when it is
    closed, drops SQLite's locks. Where there is none (macOS) the time of birth tells.
    """

    def __init__(self, path: Path) -> None:
        """Know the file that has this name now.

        Raises:
            OSError: there is none.
        """
        self._path = path
        self._held: weakref.finalize[..., object] | None = None
        flags = getattr(os, "O_PATH", None)
        if flags is not None:
            self._held = weakref.finalize(self, os.close, os.open(path, flags))
        self._identity = _identity(path)

    @property
    def is_in_place(self) -> bool:
        """Whether the name still means this file."""
        try:
            return _identity(self._path) == self._identity
        except OSError:
            return False

    def release(self) -> None:
        """Hold it no longer; `is_in_place` then goes by its numbers alone."""
        if self._held:
            self._held()


def _identity(path: Path) -> tuple[float, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, getattr(found, "st_birthtime", 0.0)
