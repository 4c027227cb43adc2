"""How long the queries of one request may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Event, Thread

from dmp.api.problems import Refused
from dmp.core.errors import StorageError
from dmp.storage.lake import Lake

MOST_SECONDS = 60.0
_AGAIN_S = 0.05


@contextmanager
def limited(lake: Lake, seconds: float) -> Iterator[None]:
    """Break off what the lake's connection runs after so many seconds.

    Raises:
        Refused: it took longer; 503, for the same may be quicker in another hour.
    """
    done, over = Event(), Event()

    def watch() -> None:
        if done.wait(seconds):
            return
        over.set()
        while not done.wait(_AGAIN_S):
            lake.connection.interrupt()

    watching = Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    except StorageError as error:
        if not over.is_set():
            raise
        wrong = f"the answer took longer than {seconds:g} s and was broken off"
        right = "narrow the rule, or ask by the command line, which waits"
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{wrong}; {right}") from error
    finally:
        done.set()
        watching.join()
