"""Many viewers behind a proxy: whom the server believes, and what each can reach."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_pages import Served, served, write_notebook

from dmp.core.accounts import current_account
from dmp.core.errors import NotAllowed, UsageError
from dmp.flows.initialise import initialise
from dmp.flows.viewer import viewer_account
from dmp.flows.workspace import open_workspace
from dmp.privacy import Permission
from dmp.ui.proxy import trusted_proxy

pytestmark = pytest.mark.slow

SECRET = "0123456789abcdef" * 3
ORIGIN = "https://dmp.example.org"
PROOF = {"X-Dmp-Proxy-Secret": SECRET}
ADA = {**PROOF, "X-Forwarded-User": "ada", "X-Forwarded-Groups": "growth,analysts"}
BOB = {**PROOF, "X-Forwarded-User": "bob"}
WHO = """
from dmp.ui.request import awaited_query
query = awaited_query()
names = ("HTTP_X_FORWARDED_USER", "HTTP_X_FORWARDED_GROUPS", "DMP_PROXY_SECRET")
" ".join(["viewer:", *[os.environ.get(name, "none") for name in names], "end"])
"""


def cell(source: str) -> dict[str, object]:
    return {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {},
            "outputs": [], "source": source}  # fmt: skip


@pytest.fixture(scope="module", params=[0, 1], ids=["cold", "kept ready"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("workspace")
    write_notebook(home, "who", [cell(WHO)])
    (home / "config").mkdir()
    (home / "config" / "roles.yaml").write_text("users: {ada: [analyst]}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DMP_PROXY_SECRET", SECRET)
        with served(home, preheat=request.param, proxy=ORIGIN) as running:
            yield running


def ask(
    server: Served, path: str, headers: dict[str, str], data: bytes | None = None
) -> tuple[int, str]:
    request = urllib.request.Request(server.origin + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Forwarded-User": "ada"},
        {"X-Forwarded-User": "ada", "X-Dmp-Proxy-Secret": ""},
        {"X-Forwarded-User": "ada", "X-Dmp-Proxy-Secret": SECRET[:-1]},
        {"X-Forwarded-User": "ada", "X-Dmp-Proxy-Secret": SECRET + "0"},
        PROOF,
        {**PROOF, "X-Forwarded-User": "ada,root"},
        {**PROOF, "X-Forwarded-User": "ada root"},
        {"X-Forwarded-User": "ada", "Authorization": "token "},
        {"X-Forwarded-User": "ada", "Cookie": "username-127-0-0-1=ada"},
    ],
    ids=lambda headers: " ".join(headers) or "none",
)
def test_what_is_not_proven_is_refused(server: Served, headers: dict[str, str]) -> None:
    for path in ("/pages/who", "/pages/who?token=", "/", "/nowhere"):
        status, page = ask(server, path, headers)
        assert status == 403 and "Sign in first" in page and "viewer:" not in page


def test_a_header_that_stands_twice_names_nobody(server: Served) -> None:
    host = server.origin.removeprefix("http://")
    for twice in ("X-Forwarded-User", "X-Dmp-Proxy-Secret"):
        line = http.client.HTTPConnection(host, timeout=60)
        line.putrequest("GET", "/pages/who")
        for name, value in {**ADA, twice: ADA[twice]}.items():
            line.putheader(name, value)
        line.putheader(twice, "root" if twice == "X-Forwarded-User" else SECRET)
        line.endheaders()
        assert line.getresponse().status == 403
        line.close()


def test_the_user_reaches_the_kernel_and_the_secret_does_not(server: Served) -> None:
    path = "/pages/who?HTTP_X_FORWARDED_USER=root&X-Forwarded-User=root"
    status, page = ask(server, path, ADA)
    assert status == 200, page[-700:]
    assert "viewer: ada growth,analysts none end" in page
    assert SECRET not in page


def test_two_viewers_at_once_reach_only_their_own_kernels(server: Served) -> None:
    pages = {name: ask(server, "/pages/who", headers)[1] for name, headers in
             (("ada", ADA), ("bob", BOB))}  # fmt: skip
    assert "viewer: ada" in pages["ada"] and "viewer: bob none" in pages["bob"]
    mine, theirs = (kernel_of(pages[name]) for name in ("bob", "ada"))
    assert mine != theirs
    assert ask(server, f"/api/kernels/{mine}", BOB)[0] == 200
    for headers in (BOB, {**BOB, "X-Forwarded-Groups": "ada"}, PROOF, {}):
        for path in ("", "/channels"):
            assert ask(server, f"/api/kernels/{theirs}{path}", headers)[0] == 403
        assert ask(server, f"/voila/api/shutdown/{theirs}", headers, b"")[0] == 403
    assert ask(server, f"/api/kernels/{theirs}", ADA)[0] == 200


def test_no_browser_listens_to_the_request_of_another_page(server: Served) -> None:
    kernel = kernel_of(ask(server, "/pages/who", ADA)[1])
    for extra in ({"Origin": ORIGIN}, BOB, {"X-Forwarded-User": "bob"}):
        assert upgraded(server, f"/voila/query/{kernel}", extra) in (403, 404)
    channels = f"/api/kernels/{kernel}/channels"
    assert upgraded(server, channels, {**ADA, "Origin": "https://evil.example"}) == 403
    assert upgraded(server, channels, {**BOB, "Origin": ORIGIN}) == 403
    assert upgraded(server, channels, {**ADA, "Origin": ORIGIN}) == 101


def upgraded(server: Served, path: str, headers: dict[str, str]) -> int:
    """Ask for a websocket and return the status."""
    line = http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=60)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "c2l4dGVlbi1ieXRlcy0hIQ==",
    }
    try:
        line.request("GET", path, headers={**upgrade, **headers})
        return line.getresponse().status
    finally:
        line.close()


def test_a_foreign_host_is_refused_and_the_public_one_is_not(server: Served) -> None:
    assert ask(server, "/pages/who", {**ADA, "Host": "evil.example"})[0] == 403
    assert ask(server, "/pages/who", {**ADA, "Host": "dmp.example.org"})[0] == 200


def kernel_of(page: str) -> str:
    found = re.search(r'"kernelId": "([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("origin", "secret"),
    [
        ("dmp.example.org", SECRET),
        ("https://dmp.example.org/path", SECRET),
        ("ftp://dmp.example.org", SECRET),
        ("https://me@dmp.example.org", SECRET),
        (ORIGIN, "short"),
        (ORIGIN, ""),
    ],
)
def test_a_proxy_that_cannot_be_trusted_is_refused(origin: str, secret: str) -> None:
    with pytest.raises(UsageError):
        trusted_proxy(origin, {"DMP_PROXY_SECRET": secret})
    assert SECRET not in repr(trusted_proxy(ORIGIN, {"DMP_PROXY_SECRET": SECRET}))


def test_nobody_becomes_the_maker_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "roles.yaml").write_text("users: {}\n")
    owner = {"DMP_BEHIND_PROXY": "1", "HTTP_X_FORWARDED_USER": current_account().user}
    with pytest.raises(NotAllowed, match="names nobody"):
        viewer_account(tmp_path, owner)
    with pytest.raises(NotAllowed, match="named no user"):
        viewer_account(tmp_path, {"DMP_BEHIND_PROXY": "1"})
    assert viewer_account(tmp_path, {"HTTP_X_FORWARDED_USER": "ada"}) is None


def test_every_page_opens_the_workspace_as_its_viewer_while_the_role_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialise(tmp_path)
    roles = tmp_path / "config" / "roles.yaml"
    roles.write_text("users: {ada: [analyst], bob: [marketer]}\n")
    monkeypatch.setenv("DMP_BEHIND_PROXY", "1")
    with pytest.raises(NotAllowed, match="named no user"):
        open_workspace(tmp_path)
    monkeypatch.setenv("HTTP_X_FORWARDED_USER", "ada")
    with open_workspace(tmp_path) as workspace:
        assert {str(role) for role in workspace.caller.roles} == {"analyst"}
        workspace.allow_now(Permission.DEFINE_SEGMENT)
        roles.write_text("users: {bob: [marketer]}\n")
        with pytest.raises(NotAllowed):
            workspace.allow_now(Permission.DEFINE_SEGMENT)
