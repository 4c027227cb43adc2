"""What is wrong with the ground under us: disk, folder or rights, told in words."""

from __future__ import annotations

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


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name; None where it is absent."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
