"""Ctrl-C: one word for people, whatever a library makes of it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

EXIT_CODE = 128 + signal.SIGINT


@contextmanager
def interruptible() -> Iterator[None]:
    """End with one line and exit code 130 where Ctrl-C comes within the block.

    What the block opened is closed first, by its own context managers. A library that
    answers Ctrl-C by an error of its own changes nothing.
    """
    came = False

    def take(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, take)
    try:
        yield
    except BaseException as error:
        if not came and not isinstance(error, click.Abort | KeyboardInterrupt):
            raise
        click.echo("interrupted; nothing half done is kept", err=True)
        sys.exit(EXIT_CODE)
    finally:
        signal.signal(signal.SIGINT, before)
