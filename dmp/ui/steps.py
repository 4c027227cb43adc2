"""Work that a page does piece by piece, so that it answers its viewer in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from dmp.ui.guard import TellsProblems, problem_of

if TYPE_CHECKING:
    from dmp.ui.widgets.address import Address

PAUSE_S = 0.02
SHOWN_WITHIN_S = 10.0


class Pace(Enum):
    """When the next piece of some work may begin.

    A browser that opens a page asks the kernel three times before it draws anything: a
    piece that takes long lets it go first.
    """

    SOON = "soon"
    ONCE_SHOWN = "once shown"


Work = Iterator[Pace]
"""Reads and shows something at each `next`."""


def at_once(work: Work) -> None:
    """Do all of some work before anything else, as where no event loop runs."""
    deque(work, maxlen=0)


class Page(TellsProblems, Protocol):
    """A page that does work in steps."""

    address: Address


class Steps:
    """Goes through work in the running loop; newer work takes the place of older.

    What a piece raises is told to the owner, and ends that work.
    """

    def __init__(self, owner: TellsProblems) -> None:
        """Do nothing yet. A page that never says it is shown counts as shown soon."""
        self._owner, self._shown = owner, asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(SHOWN_WITHIN_S, self.show)
        self._going: asyncio.Task[None] | None = None

    def show(self) -> None:
        """Take note that the viewer's browser has drawn the page."""
        self._shown.set()

    def begin(self, work: Work) -> None:
        """Go through this work, and leave what is left of any other."""
        if self._going is not None:
            self._going.cancel()
        self._going = self._loop.create_task(self._go_through(work))

    async def _go_through(self, work: Work) -> None:
        await asyncio.sleep(PAUSE_S)
        try:
            for pace in work:
                await asyncio.sleep(PAUSE_S)
                if pace is Pace.ONCE_SHOWN:
                    await self._shown.wait()
        except Exception as error:
            self._owner.tell(problem_of(error))


def steps_of(page: Page) -> Steps:
    """Return the steps of a page, whose address tells when the browser has drawn it."""
    steps = Steps(page)
    page.address.on_message("shown", lambda _: steps.show())
    return steps


def is_loop_running() -> bool:
    """Say whether this code runs inside an event loop, as in a kernel."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
