"""A page server as its own process, over a workspace whose pages use a fake source."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, urlsplit

import psutil

ROOT = Path(__file__).parents[2]
FAKE = ROOT / "tests" / "ui"
END_WITHIN_S = 60

RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from typing import IO
from dmp.ui.proxy import trusted_proxy
from dmp.ui.serve import serve
proxy = trusted_proxy(sys.argv[3]) if sys.argv[3] else None
serve(Path(sys.argv[1]), port=None, open_browser=False, preheat=int(sys.argv[2]),
      proxy=proxy, ready=lambda address: print(address, flush=True))
"""


@dataclass(frozen=True)
class Served:
    """A running server: its address without the token, the token, the process."""

    origin: str
    token: str
    process: psutil.Process

    @property
    def kernels(self) -> int:
        """Return how many kernels run now."""
        return len(kernels_of(self.process))


def kernels_of(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in process.children(recursive=True):
        try:
            if any("ipykernel" in word for word in child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def write_page(home: Path, name: str, source: str, title: str = "Segments") -> None:
    """Write a page over the fake source made by the expression `source`."""
    cells = [
        {"cell_type": "markdown", "id": "t", "metadata": {}, "source": f"# {title}"},
        _code(
            "a",
            f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(FAKE)!r}]\n"
            "from fake_source import FakeSource, Viewer\n"
            "from dmp.ui import ExplorerState, show_explorer\n"
            "from dmp.ui.request import awaited_query",
        ),
        _code("b", f"explorer = ExplorerState({source}, awaited_query())"),
        _code("c", "show_explorer(explorer)"),
    ]
    write_notebook(home, name, cells)


def write_notebook(home: Path, name: str, cells: list[dict[str, object]]) -> None:
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": spec, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    folder = home / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook))


def _code(key: str, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": key,
        "metadata": {},
        "outputs": [],
        "source": source,
    }


@contextmanager
def served(home: Path, *, preheat: int, proxy: str = "") -> Iterator[Served]:
    """Serve the workspace; at the end interrupt, and expect every process to end.

    Whatever was asked of it, the server has noted no traceback.
    """
    with (home / "server.log").open("w") as log:
        started = start(home, preheat, log, proxy)
        assert started.stdout
        with started.stdout:
            address = urlsplit(started.stdout.readline().strip())
            if not address.netloc:
                started.wait(END_WITHIN_S)
            assert address.netloc, (home / "server.log").read_text()
            process = psutil.Process(started.pid)
            token = parse_qs(address.query).get("token", [""])[0]
            try:
                yield Served(f"http://{address.netloc}", token, process)
            finally:
                left = interrupt(started, kernels_of(process))
    noted = (home / "server.log").read_text()
    assert not left and started.returncode == 0 and "Traceback" not in noted, noted


def start(
    home: Path, preheat: int, log: IO[str], proxy: str = "", run: str = RUN
) -> subprocess.Popen[str]:
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-c", run, str(home), str(preheat), proxy],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def interrupt(
    started: subprocess.Popen[str], kernels: list[psutil.Process]
) -> list[psutil.Process]:
    """Press Ctrl-C; return the kernels that outlived the server, and end them."""
    started.send_signal(signal.SIGINT)
    try:
        started.wait(END_WITHIN_S)
    finally:
        started.kill()
        _, left = psutil.wait_procs(kernels, timeout=END_WITHIN_S)
        for survivor in left:
            survivor.kill()
    return list(left)
