"""Counts the shown rule beside the page: an estimate first, then the exact number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from dmp.core.types import Evaluation
from dmp.flows.estimates import Estimate
from dmp.ui.builder import BuilderState
from dmp.ui.explorer import Loaded, loaded
from dmp.ui.guard import Problem
from dmp.ui.rule_edits import Document


class Sized(Protocol):
    """Counts rules in a thread, and can be broken off from another one."""

    def count(self, document: Document) -> Evaluation:
        """Return the exact funnel of a rule."""
        ...

    def estimate(self, document: Document) -> Estimate | None:
        """Return the size by a sample; None where that says little."""
        ...

    def cancel(self) -> None:
        """Break off what runs."""
        ...


class Counting:
    """One thread that counts the newest rule; a newer one breaks the older off."""

    def __init__(
        self, state: BuilderState, sizes: Sized, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Bind to the state; nothing is counted yet."""
        self.state, self.sizes, self._loop = state, sizes, loop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="count")
        self._wanted: Document | None = None
        self._running = False

    def ask(self, document: Document) -> None:
        """Count this rule now, instead of any other."""
        self._wanted = document
        if self._running:
            self.sizes.cancel()
        self._thread.submit(self._run, document)

    def stop(self) -> None:
        """Break off the count and say so."""
        document, self._wanted = self._wanted, None
        if self._running and document is not None:
            self.sizes.cancel()
            stopped = Problem("missing", "Stopped. Any change of the rule counts anew.")
            self.state.counted(document, Loaded("problem", problem=stopped))

    def _run(self, document: Document) -> None:
        if document is not self._wanted:
            return
        self._running = True
        try:
            about = loaded(lambda: self.sizes.estimate(document)).value
            if about is not None:
                self._tell(document, self.state.estimated, about)
            if document is self._wanted:
                exact = loaded(lambda: self.sizes.count(document))
                self._tell(document, self.state.counted, exact)
        finally:
            self._running = False

    def _tell(self, document: Document, tell: Callable[..., None], found: Any) -> None:
        if document is self._wanted:
            self._loop.call_soon_threadsafe(tell, document, found)
