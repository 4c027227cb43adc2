"""Papermill's engine with a deadline for the whole run and progress by cell."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import (
    NBClientEngine,
    NotebookExecutionManager,
    papermill_engines,
)
from traitlets.config import Config

ENGINE = "dmp"
_AGAIN_S = 0.1
CellProgress = Callable[[int, int], None]
"""Called with the cells done and the cells in all."""


class Deadline:
    """Ends a kernel when its time is over, and remembers that it did."""

    def __init__(self, seconds: float) -> None:
        """Set the length of the run, in seconds."""
        self.seconds = seconds
        self.is_over = False
        self._timer: threading.Timer | None = None

    def start(self, client: PapermillNotebookClient) -> None:
        """Begin to count for the kernel of a client."""
        self._wait(self.seconds, client)

    def stop(self) -> None:
        """Stop counting."""
        if self._timer:
            self._timer.cancel()

    def _wait(self, seconds: float, client: PapermillNotebookClient) -> None:
        self._timer = threading.Timer(seconds, self._end, [client])
        self._timer.daemon = True
        self._timer.start()

    def _end(self, client: PapermillNotebookClient) -> None:
        self.is_over = True
        provisioner = getattr(client.km, "provisioner", None)
        process = getattr(provisioner, "process", None)
        if process is None:  # the kernel is still starting
            self._wait(_AGAIN_S, client)
            return
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


class _Engine(NBClientEngine):  # type: ignore[misc]
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        deadline: Deadline,
        cell_progress: CellProgress,
        start_timeout: int = 60,
        **_: Any,
    ) -> Any:
        """Run the cells; the kernel is gone when this returns or raises."""
        _report_cells(nb_man, cell_progress)
        client = PapermillNotebookClient(
            nb_man,
            timeout=None,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            config=Config({"KernelManager": {"transport": "ipc"}}),
        )
        deadline.start(client)
        try:
            return client.execute(stderr=subprocess.DEVNULL)
        finally:
            deadline.stop()


def _report_cells(nb_man: NotebookExecutionManager, progress: CellProgress) -> None:
    complete, total = nb_man.cell_complete, len(nb_man.nb.cells)
    done = 0

    def completed(cell: Any, cell_index: int | None = None, **more: Any) -> None:
        nonlocal done
        complete(cell, cell_index, **more)
        done += 1
        progress(done, total)

    nb_man.cell_complete = completed


papermill_engines.register(ENGINE, _Engine)
