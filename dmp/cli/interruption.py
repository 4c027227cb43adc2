"""Ctrl-C: one word for people, whatever a library makes of it."""

from __future__ import annotations

import inspect
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import click

EXIT_CODE = 128 + signal.SIGINT
TERMINATED_CODE = 128 + signal.SIGTERM
_SIGNALS = (signal.SIGINT, signal.SIGALRM)
_AGAIN_S = 0.02


class Interruption:
    """Takes Ctrl-C, remembers that it came, and raises KeyboardInterrupt.

    While DuckDB binds a statement it calls `inspect.currentframe`, and drops what is
    raised there: then it is tried again a moment later.
    """

    def __init__(self) -> None:
        """Begin before any Ctrl-C."""
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take the signal, or the timer that stands for it."""
        self.came = True
        if frame and frame.f_code is inspect.currentframe.__code__:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        else:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """End with one line and exit code 130 where Ctrl-C comes within the block.

    What the block opened is closed first, by its own context managers. A library that
    answers Ctrl-C by an error of its own changes nothing. After the block nothing is
    left to interrupt: Ctrl-C is passed over while the process ends.
    """
    interruption = Interruption()
    for number in _SIGNALS:
        signal.signal(number, interruption)
    try:
        yield
    except BaseException as error:
        is_ours = isinstance(error, click.Abort | KeyboardInterrupt)
        if not (interruption.came or is_ours):
            raise
        click.echo("interrupted; nothing half done is kept", err=True)
        sys.exit(EXIT_CODE)
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def leave(code: int) -> NoReturn:
    """End a process that a signal broke off, after all that it opened was closed.

    Not through the interpreter's own ending: a thread of DuckDB that was broken off
    within a Python function still waits for the interpreter then, and aborts it
    ("FATAL: exception not rethrown").
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)
