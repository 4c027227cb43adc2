from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from served_pages import END_WITHIN_S, RUN, Served, served, start, write_page

from dmp.core.errors import UsageError
from dmp.ui.serve import configuration, open_port, pages, serve

INTERRUPTED_AT_START = (
    """
import os, signal
from voila import voila_kernel_manager
usual = voila_kernel_manager.get_page_config

def interrupted(**arguments):
    os.kill(os.getpid(), signal.SIGINT)
    return usual(**arguments)

voila_kernel_manager.get_page_config = interrupted
"""
    + RUN
)


class Browser:
    """A cookie jar and the requests made with it."""

    def __init__(self, server: Served) -> None:
        self.origin = server.origin
        jar = http.cookiejar.CookieJar()
        self.cookies = jar
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(jar)
        )

    def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        return self.send(urllib.request.Request(self.origin + path, headers=headers))

    def send(self, request: urllib.request.Request) -> tuple[int, str, Any]:
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.read().decode(), answer
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workspace")
    write_page(home, "segments", "FakeSource()", "All <segments>")
    (home / "dashboards" / "secret.png").write_bytes(b"png")
    with served(home, preheat=0) as running:
        yield running


@pytest.fixture(scope="module")
def visited(server: Served) -> tuple[Browser, str]:
    """Return a browser that opened the page with the token, and the page."""
    browser = Browser(server)
    status, page, _ = browser.get(f"/pages/segments?token={server.token}&by=country")
    assert status == 200
    return browser, page


def kernel_of(page: str) -> str:
    found = re.search(r'"kernelId": "([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "path", ["/", "/pages/segments", "/pages/segments?token=wrong", "/nowhere"]
)
def test_without_the_token_a_page_says_what_to_do(server: Served, path: str) -> None:
    status, page, answer = Browser(server).get(path)
    assert status == 403
    assert "dmp dashboards" in page and "token" in page
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert server.kernels <= 1


def test_the_token_leaves_the_address_and_a_cookie_stands_for_it(
    server: Served, visited: tuple[Browser, str]
) -> None:
    browser, page = visited
    assert "All &lt;segments&gt;" in page and server.token not in page
    names = {cookie.name for cookie in browser.cookies}
    assert "_xsrf" in names and len(names) == 2
    status, _, answer = browser.get("/nowhere")
    assert status == 404 and "There is no such page" in _
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/secret.png",
        "/voila/files/segments.ipynb",
        "/voila/tree",
        "/voila/render/segments.ipynb",
        "/voila/api/contents",
        "/login",
        "/pages/..%2fsecret",
        "/pages/missing",
    ],
)
def test_nothing_but_the_pages_is_served(
    visited: tuple[Browser, str], path: str
) -> None:
    assert visited[0].get(path)[0] == 404


def test_a_foreign_host_name_is_refused(visited: tuple[Browser, str]) -> None:
    assert visited[0].get("/pages/segments", Host="evil.example")[0] == 403


def test_a_kernel_answers_only_its_first_viewer(
    server: Served, visited: tuple[Browser, str]
) -> None:
    browser, page = visited
    kernel = kernel_of(page)
    other = Browser(server)
    other.get(f"/missing?token={server.token}")
    assert browser.get(f"/api/kernels/{kernel}")[0] == 200
    assert other.get(f"/api/kernels/{kernel}")[0] == 403
    assert other.get(f"/api/kernels/{kernel}/channels")[0] == 403
    assert Browser(server).get(f"/api/kernels/{kernel}")[0] == 403
    assert close(other, kernel) == 403 and server.kernels == 1
    assert close(browser, kernel) == 204 and server.kernels == 0


def close(browser: Browser, kernel: str) -> int:
    xsrf = next((c.value for c in browser.cookies if c.name == "_xsrf"), "") or ""
    request = urllib.request.Request(
        f"{browser.origin}/voila/api/shutdown/{kernel}",
        method="POST",
        data=f"_xsrf={xsrf}".encode(),
    )
    return browser.send(request)[0]


def test_the_configuration_allows_nothing_to_be_overridden(tmp_path: Path) -> None:
    write_page(tmp_path, "b_page", "FakeSource()", "Second")
    write_page(tmp_path, "a_page", "FakeSource()", "First")
    found = pages(tmp_path / "dashboards")
    assert [page.title for page in found] == ["First", "Second"]
    voila = configuration(found, preheat=0)["VoilaConfiguration"]
    assert voila["allow_template_override"] == voila["allow_theme_override"] == "NO"
    assert voila["file_allowlist"] == [] and not voila["preheat_kernel"]
    assert json.dumps(voila["resources"])


def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dmp init"):
        serve(tmp_path, open_browser=False)
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="is taken"):
            open_port(taken.getsockname()[1])


def test_ctrl_c_while_a_kernel_starts_ends_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_page(tmp_path, "segments", "FakeSource()")
    monkeypatch.setenv("STARTED_IN", str(tmp_path))
    with (tmp_path / "server.log").open("w") as log:
        started = start(tmp_path, 1, log, run=INTERRUPTED_AT_START)
        said, _ = started.communicate(timeout=END_WITHIN_S)
    noted = (tmp_path / "server.log").read_text()
    assert said.startswith("http") and started.returncode == 0, noted
    assert "Traceback" not in noted
    assert not [p for p in psutil.process_iter() if started_in(p) == str(tmp_path)]


def started_in(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("STARTED_IN")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def test_two_servers_never_get_one_port() -> None:
    with open_port(None) as one, open_port(None) as other:
        assert one.getsockname() != other.getsockname()
