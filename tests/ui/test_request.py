"""A kernel started ahead learns its request from the page server, and only then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Thread

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from dmp.ui.request import awaited_query, is_ahead

TOLD = {"QUERY_STRING": "segment=buyers", "HTTP_X_FORWARDED_USER": "ada"}


@pytest.fixture
def server() -> Iterator[int]:
    """A page server that tells one kernel its request, and hangs up on others."""

    def tell(socket: ServerConnection) -> None:
        if socket.request and socket.request.path == "/voila/query/k-1":
            socket.send(json.dumps(TOLD))

    with serve(tell, "127.0.0.1", 0) as served:
        Thread(target=served.serve_forever, daemon=True).start()
        yield served.socket.getsockname()[1]
        served.shutdown()


def ahead(port: int, kernel: str) -> dict[str, str]:
    known = {"VOILA_PREHEAT": "True", "VOILA_APP_PORT": str(port)}
    return {**known, "VOILA_KERNEL_ID": kernel, "VOILA_SERVER_URL": "/"}


def test_a_kernel_started_ahead_takes_its_request(server: int) -> None:
    environ = ahead(server, "k-1")
    assert is_ahead(environ)
    assert awaited_query(environ) == "segment=buyers"
    assert environ["HTTP_X_FORWARDED_USER"] == "ada"


def test_a_kernel_that_is_told_nothing_shows_nothing(server: int) -> None:
    with pytest.raises(ConnectionClosed):
        awaited_query(ahead(server, "k-2"))


def test_any_other_kernel_has_its_request_already() -> None:
    assert awaited_query({"QUERY_STRING": "run=3"}) == "run=3"
    assert awaited_query({}) == ""
