"""The server: one process, on loopback unless it is told otherwise."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from dmp.api.app import create_app
from dmp.core.errors import GroundFailed

HOST, PORT = "127.0.0.1", 8787


def serve(
    home: Path, *, host: str = HOST, port: int = PORT, ready: Callable[[str], None]
) -> None:
    """Serve the API of a workspace until the process is told to end.

    Args:
        host: the address listened on; beyond loopback a proxy has to encrypt.
        port: 0 takes any free one.
        ready: called with the address once connections are taken.

    Raises:
        GroundFailed: the address cannot be listened on.
    """
    listening = listening_socket(host, port)
    with listening:
        name = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(create_app(home), log_level="warning", lifespan="on")
        ready(f"http://{name}:{listening.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listening])


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections; port 0 is any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen()
    except OSError as error:
        made.close()
        raise GroundFailed(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose "
            "another: --port 0 takes any free one"
        ) from error
    return made
