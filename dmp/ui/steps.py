"""Work that a page does piece by piece, so that it answers its viewer in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

from dmp.ui.guard import Problem, TellsProblems, guarded

PAUSE_S = 0.02
Work = Iterator[None]
"""Reads and shows something at each `next`."""


def at_once(work: Work) -> None:
    """Do all of some work before anything else, as where no event loop runs."""
    deque(work, maxlen=0)


class Steps:
    """Goes through work in an event loop; newer work takes the place of older.

    What a piece raises is told to the owner, and ends that work.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: TellsProblems) -> None:
        """Do nothing yet."""
        self._loop, self._owner = loop, owner
        self._work: Work | None = None
        self._is_waiting = False

    def tell(self, problem: Problem) -> None:
        """Show a problem that a piece met."""
        self._owner.tell(problem)

    def begin(self, work: Work) -> None:
        """Go through this work, and leave what is left of any other."""
        self._work = work
        self._wait()

    def _wait(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._loop.call_later(PAUSE_S, self._go_on)

    @guarded
    def _go_on(self) -> None:
        self._is_waiting = False
        work, done = self._work, object()
        if work is not None and next(work, done) is not done:
            self._wait()


def is_loop_running() -> bool:
    """Say whether this code runs inside an event loop, as in a kernel."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
