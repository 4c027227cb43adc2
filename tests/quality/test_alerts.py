"""Who is told, and how often: by a web hook and by e-mail, on servers of this test."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import yaml

from dmp.core.errors import UsageError
from dmp.core.sql import row
from dmp.flows.quality import run_quality
from dmp.flows.workspace import Workspace
from dmp.quality.alerts import AlertNotSent, message, sender
from dmp.quality.results import Alert, Result, Status, alerts, is_untold, moved, told
from dmp.quality.settings import QualitySettings
from dmp.storage.write import append, commit

pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"  # apprise imports it
)
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def result(status: Status, at: datetime, scope: str = "crm") -> Result:
    return Result(
        "q", at, "freshness", scope, status, 31.0, "hours", 30.0, None, snapshot=1
    )


def states(*statuses: Status) -> list[Alert]:
    """Return the alerts after runs an hour apart, nobody being told of any."""
    known: dict[datetime, Alert] = {}
    for number, status in enumerate(statuses):
        changed = moved(list(known.values()), [result(status, NOW + number * HOUR)])
        known.update({alert.opened_at: alert for alert in changed})
    return list(known.values())


def test_a_check_that_fails_on_is_one_alert() -> None:
    assert states("failed", "failed", "not_measured", "failed") == [
        Alert("freshness", "crm", NOW)
    ]


def test_a_check_that_passes_closes_its_alert_and_the_next_failure_is_another() -> None:
    assert states("passed", "failed", "passed", "passed", "failed") == [
        Alert("freshness", "crm", NOW + HOUR, closed_at=NOW + 2 * HOUR),
        Alert("freshness", "crm", NOW + 4 * HOUR),
    ]


def test_an_alert_is_told_of_once_at_each_end() -> None:
    opened = Alert("freshness", "crm", NOW)
    assert is_untold(opened)
    known = told(opened, NOW)
    assert not is_untold(known)
    (closed,) = moved([known], [result("passed", NOW + HOUR)])
    assert is_untold(closed)
    assert not is_untold(told(closed, NOW + HOUR))


def test_what_closed_before_anybody_knew_is_not_told() -> None:
    assert not is_untold(Alert("freshness", "crm", NOW, closed_at=NOW + HOUR))


def test_a_message_holds_counts_and_no_row() -> None:
    opened = Alert("freshness", "crm", NOW)
    title, text = message([opened], [result("failed", NOW)])
    assert title == "dmp data quality: 1 failing"
    assert text == (
        "failing: freshness of crm: 31.0 hours, bound 30.0 hours "
        "(failing since 2026-06-30 12:00 UTC)"
    )


class Inbox(HTTPServer):
    """A web hook that keeps what it was sent."""

    def __init__(self, code: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.code = code
        self.messages: list[dict[str, Any]] = []

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server_port}/hook"


class Hook(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(self.server.code)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs to hand over a message."""

    def handle(self) -> None:
        self._say("220 here")
        for line in self.rfile:
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                self._say("354 go on")
                self.server.mails.append(self._body())  # type: ignore[attr-defined]
            self._say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return

    def _body(self) -> str:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(lines).decode()

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.mails: list[str] = []

    @property
    def address(self) -> str:
        port = self.server_address[1]
        return (
            f"mailto://127.0.0.1:{port}?from=dmp@sender.example"
            "&to=ops@team.example&format=text"
        )


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def freshness_alone(request: pytest.FixtureRequest) -> None:
    """Leave out the other checks where a workspace is checked."""
    if "workspace" in request.fixturenames:
        home = request.getfixturevalue("home")
        others = dict.fromkeys(set(QualitySettings.model_fields) - {"freshness"})
        document = yaml.safe_dump({**others, "freshness": {"limit": 30}})
        (home / "config" / "quality.yaml").write_text(document)


def load(workspace: Workspace, number: int, at: datetime) -> None:
    values = row(load_id=f"l{number}", source="crm", loaded_at=at, rows_read=1)
    commit(workspace.lake, [append("ops.load", values)], message="case")


def at(workspace: Workspace, now: datetime) -> Workspace:
    workspace.clock = lambda: now
    return workspace


def test_one_message_when_it_fails_one_when_it_passes(workspace: Workspace) -> None:
    load(workspace, 1, NOW - 40 * HOUR)
    with serving(Inbox()) as inbox, serving(Mailbox()) as mailbox:
        environ = {"DMP_ALERT_URLS": f"{inbox.address} {mailbox.address}"}
        first = run_quality(at(workspace, NOW), environ=environ)
        again = run_quality(at(workspace, NOW + HOUR), environ=environ)
        load(workspace, 2, NOW + 2 * HOUR)
        mended = run_quality(at(workspace, NOW + 3 * HOUR), environ=environ)
        after = run_quality(at(workspace, NOW + 4 * HOUR), environ=environ)
    assert [len(run.told) for run in (first, again, mended, after)] == [1, 0, 1, 0]
    titles = [one["title"] for one in inbox.messages]
    assert titles == [
        "dmp data quality: 1 failing",
        "dmp data quality: 1 passing again",
    ]
    assert "freshness of crm: 40.0 hours, bound 30.0" in inbox.messages[0]["message"]
    assert ["1 failing" in mailbox.mails[0], "passing again" in mailbox.mails[1]] == [
        True,
        True,
    ]
    assert len(mailbox.mails) == 2
    (kept,) = alerts(workspace.lake)
    assert (kept.told_at, kept.recovery_told_at) == (NOW, NOW + 3 * HOUR)
    runs = workspace.lake.value("select count(distinct run_id) from ops.quality_result")
    assert runs == 4


def test_who_could_not_be_told_is_told_next_time(workspace: Workspace) -> None:
    load(workspace, 1, NOW - 40 * HOUR)
    with serving(Inbox(code=500)) as inbox:
        environ = {"DMP_ALERT_URLS": inbox.address}
        with pytest.raises(AlertNotSent) as error:
            run_quality(at(workspace, NOW), environ=environ)
        assert str(inbox.server_port) not in str(error.value)
        assert workspace.lake.value("select count(*) from ops.quality_result") > 0
        inbox.code = 200
        run = run_quality(at(workspace, NOW + HOUR), environ=environ)
    assert [alert.opened_at for alert in run.told] == [NOW]


def test_without_an_address_alerts_wait(workspace: Workspace) -> None:
    load(workspace, 1, NOW - 40 * HOUR)
    run = run_quality(at(workspace, NOW), environ={})
    assert [alert.of for alert in run.untold] == [("freshness", "crm")]
    with serving(Inbox()) as inbox:
        later = at(workspace, NOW + HOUR)
        run = run_quality(later, environ={"DMP_ALERT_URLS": inbox.address})
    assert len(run.told) == len(inbox.messages) == 1


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="address 2") as error:
        sender({"DMP_ALERT_URLS": "json://127.0.0.1:1/ nonsense://hunter2@x"})
    assert "hunter2" not in str(error.value)
