"""A job that fails is told of once, and once more when it succeeds again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dmp.flows.initialise import initialise
from dmp.flows.workspace import Workspace
from dmp.jobs.alerts import tell_of_job

pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"  # apprise imports it
)


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(self.server.code)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def inbox() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Hook)
    server.messages, server.code = [], 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def opened(home: Path) -> Iterator[Workspace]:
    initialise(home)
    with Workspace(home) as workspace:
        yield workspace


def told(inbox: Any) -> list[tuple[str, str]]:
    return [(one["title"], one["message"].split(" (")[0]) for one in inbox.messages]


def test_one_message_when_a_job_fails_one_when_it_succeeds(
    opened: Workspace, inbox: Any
) -> None:
    addresses = {"DMP_ALERT_URLS": f"json://127.0.0.1:{inbox.server_port}/hook"}
    for failed in (False, True, True, False, False):
        tell_of_job(opened, "nightly", failed=failed, environ=addresses)
    assert told(inbox) == [
        ("dmp jobs: 1 failing", "failing: job of nightly"),
        ("dmp jobs: 1 passing again", "passing again: job of nightly"),
    ]
    kept = opened.lake.rows("select status from ops.quality_result order by checked_at")
    assert [status for (status,) in kept] == ["failed", "failed", "passed"]


def test_who_could_not_be_told_is_told_next_time(opened: Workspace, inbox: Any) -> None:
    addresses = {"DMP_ALERT_URLS": f"json://127.0.0.1:{inbox.server_port}/hook"}
    inbox.code = 500
    tell_of_job(opened, "nightly", failed=True, environ=addresses)
    inbox.code = 200
    tell_of_job(opened, "weekly", failed=False, environ=addresses)
    assert len(inbox.messages) == 1
    tell_of_job(opened, "nightly", failed=True, environ=addresses)
    assert len(inbox.messages) == 2
    tell_of_job(opened, "nightly", failed=True, environ={})
    assert len(inbox.messages) == 2
