"""The request that a page's kernel serves, awaited where the kernel was started ahead.

Voila brings a helper for it; importing that takes longer than all else a kernel does.
"""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping

HOST = "127.0.0.1"
OPEN_WITHIN_S = 60.0


def is_ahead(environ: MutableMapping[str, str] = os.environ) -> bool:
    """Say whether this kernel was started before anybody opened its page."""
    return environ.get("VOILA_PREHEAT") == "True"


def awaited_query(environ: MutableMapping[str, str] = os.environ) -> str:
    """Return the query string of the request that this kernel serves.

    A kernel started ahead waits here until somebody opens its page; then the
    environment says who, as that of any other kernel does. Outside a served page the
    query is empty.

    Raises:
        OSError: the page server cannot be reached.
        websockets.exceptions.WebSocketException: it went away before anybody came.
    """
    if is_ahead(environ):
        environ.update(_told(_address(environ)))
    return environ.get("QUERY_STRING", "")


def _address(environ: MutableMapping[str, str]) -> str:
    """Return where the page server tells this kernel of its request."""
    kernel = environ["VOILA_KERNEL_ID"]
    host = f"{environ.get('VOILA_APP_IP', HOST)}:{environ['VOILA_APP_PORT']}"
    return f"ws://{host}{environ.get('VOILA_SERVER_URL', '/')}voila/query/{kernel}"


def _told(address: str) -> dict[str, str]:
    from websockets.sync.client import connect

    with connect(address, open_timeout=OPEN_WITHIN_S, proxy=None) as socket:
        told = json.loads(socket.recv())
    return {str(name): str(value) for name, value in told.items()}
