"""Serves the dashboards of a workspace to the browser of the person who started it."""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmp.core.errors import UsageError
from dmp.flows.viewer import GROUPS, MARK, USER, check_named
from dmp.ui.numbers import LANGUAGES
from dmp.ui.proxy import SECRET_VARIABLE, Proxy
from dmp.ui.proxy import trusted_proxy as trusted_proxy

if TYPE_CHECKING:
    from dmp.ui.page_server import Page, PageServer

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
USUAL_PORT = 8866
IDLE_S = 600
PING_MS = 30_000
END_WITHIN_S = 2.0
SOCKET_PATH_ROOM = 30
PAGES = ("home", "segment_explorer", "segment_builder", "match_review", "jobs")
"""The pages that dmp comes with, in the order of the navigation."""
EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
]


def serve(
    home: Path,
    *,
    port: int | None = None,
    open_browser: bool = True,
    preheat: int = 2,
    ready: Callable[[str], None] | None = None,
    proxy: Proxy | None = None,
) -> None:
    """Serve the pages of a workspace until interrupted; then their kernels end too.

    Only this machine can connect. A browser needs the token of the address once;
    then a cookie of this run of the server stands for it. Behind a proxy there is no
    token: every request needs the proxy's proof, and names who asks.

    Args:
        home: the workspace; its `dashboards` folder holds a notebook a page.
        port: where to listen; None takes the usual one, or a free one.
        open_browser: whether to open the first page in the default browser.
        preheat: kernels kept ready for each page, 0 or more.
        ready: called once with the address, token included.
        proxy: the proxy that signs people in; None for one person on this machine.

    Raises:
        UsageError: there is no dashboards folder, or the port is taken.
        NotAllowed: behind a proxy, `config/roles.yaml` names nobody.
    """
    folder = home.resolve() / "dashboards"
    if not folder.is_dir():
        raise UsageError(f"{folder} does not exist; `dmp init` makes a workspace")
    if proxy is not None:
        check_named(home.resolve())
    token, listening = secrets.token_urlsafe(24), open_port(port)
    chosen = listening.getsockname()[1]
    own = f"http://{HOST}:{chosen}/?token={token}"
    address = own if proxy is None else f"http://{HOST}:{chosen}/"

    def announce() -> None:
        log.info("page server ready port=%s preheat=%s", chosen, preheat)
        if ready:
            ready(address)
        if open_browser:
            webbrowser.open(address)

    prepare_environment(home.resolve(), proxy)
    server = page_server(folder, port=chosen, token=token, preheat=preheat, proxy=proxy)
    server.listening = listening
    server.on_ready = announce
    server.start()


def page_server(
    folder: Path,
    *,
    port: int,
    token: str,
    preheat: int,
    proxy: Proxy | None = None,
) -> PageServer:
    """Return the server, configured and not yet listening."""
    from dmp.ui.page_server import PageServer

    found = pages(folder)
    server = PageServer(
        config=configuration(found, preheat=preheat, proxy=proxy),
        config_file_paths=[],
        ip=HOST,
        log_level=logging.ERROR,
        open_browser=False,
        pages=found,
        port=port,
        root_dir=str(folder),
        token=token,
        tornado_settings=tornado_settings(port, proxy),
    )
    server.initialize(argv=[])
    return server


def pages(folder: Path) -> list[Page]:
    """Return the notebooks of the folder under their first heading, as navigated.

    Those of `PAGES` come first, in its order; others follow by file name.
    """
    from dmp.ui.page_server import Page

    def place(path: Path) -> tuple[int, str]:
        known = PAGES.index(path.stem) if path.stem in PAGES else len(PAGES)
        return known, path.name

    found = sorted(folder.glob("*.ipynb"), key=place)
    return [Page(path.stem, title_of(path)) for path in found]


def title_of(notebook: Path) -> str:
    """Return a notebook's first heading, or its file name in words."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        first = "".join(cell["source"]).partition("\n")[0]
        if cell["cell_type"] == "markdown" and first.startswith("# "):
            return first.removeprefix("# ").strip()
    return notebook.stem.replace("_", " ").capitalize()


def configuration(
    found: Sequence[Page], *, preheat: int, proxy: Proxy | None = None
) -> Any:
    """Return Voila's configuration; nothing is read from files."""
    from traitlets.config import Config

    from dmp.ui.page_server import FirstViewer, ProxyIdentity, TokenIdentity

    server = {
        "authorizer_class": FirstViewer,
        "identity_provider_class": ProxyIdentity if proxy else TokenIdentity,
    }
    return Config(
        {
            "VoilaConfiguration": page_configuration(found, preheat=preheat),
            "MappingKernelManager": {"cull_idle_timeout": IDLE_S, "cull_interval": 60},
            "ConnectionFileMixin": {"transport": kernel_transport()},
            "KernelManager": {"shutdown_wait_time": END_WITHIN_S},
            "Voila": server,
            "ProxyIdentity": {"secret": proxy.secret if proxy else ""},
            "IdentityProvider": {"cookie_options": {"samesite": "Lax"}},
        }
    )


def page_configuration(found: Sequence[Page], *, preheat: int) -> dict[str, Any]:
    """Return how pages are rendered: with our template, and nothing to override."""
    return {
        "allow_template_override": "NO",
        "allow_theme_override": "NO",
        "default_pool_size": preheat,
        "extension_allowlist": EXTENSIONS,
        "file_allowlist": [],
        "http_header_envs": [USER, GROUPS, LANGUAGES],
        "preheat_kernel": preheat > 0,
        "resources": {"pages": [{"name": p.name, "title": p.title} for p in found]},
        "show_tracebacks": False,
        "template": "dmp",
        "theme": "light",
    }


def kernel_transport() -> str:
    """Return `ipc`: sockets in a private folder instead of ports of this machine.

    A socket's path holds about a hundred characters, most of them taken by its own
    name; where temporary folders lie deeper than that, it is `tcp`.
    """
    return "ipc" if len(tempfile.gettempdir()) <= SOCKET_PATH_ROOM else "tcp"


def tornado_settings(port: int, proxy: Proxy | None = None) -> dict[str, Any]:
    """Return headers and handlers that hold for every answer."""
    from dmp.ui.page_server import MissingHandler, log_request

    return {
        "allow_origin": proxy.origin if proxy else "",
        "allow_remote_access": False,
        "default_handler_class": MissingHandler,
        "headers": {
            "Content-Security-Policy": content_security_policy(port, proxy),
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
        "local_hostnames": ["localhost", *([proxy.host] if proxy else [])],
        "log_function": log_request,
        "ws_ping_timeout": PING_MS,
        "xsrf_cookie_kwargs": {
            "samesite": "Lax",
            **({"secure": True} if proxy and proxy.origin.startswith("https") else {}),
        },
    }


def content_security_policy(port: int, proxy: Proxy | None = None) -> str:
    """Return what a page may load: our own files, widget modules as blobs.

    >>> "script-src-attr 'none'" in content_security_policy(8866)
    True
    """
    own = f"ws://{HOST}:{port} ws://localhost:{port}"
    sockets = own if proxy is None else proxy.socket_origin
    return "; ".join(
        [
            "default-src 'self'",
            "script-src 'self' blob:",
            "script-src-attr 'none'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' {sockets}",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )


def prepare_environment(home: Path, proxy: Proxy | None = None) -> None:
    """Tell the kernels where the workspace is, and Voila where our template is.

    Behind a proxy they are told so, and the secret is kept from them.
    """
    os.environ["DMP_HOME"] = str(home)
    os.environ.pop(SECRET_VARIABLE, None)
    os.environ.pop(MARK, None)
    if proxy is not None:
        os.environ[MARK] = "1"
    ours = str(Path(__file__).parent)
    known = os.environ.get("JUPYTER_PATH", "").split(os.pathsep)
    if ours not in known:
        paths = [ours, *(path for path in known if path)]
        os.environ["JUPYTER_PATH"] = os.pathsep.join(paths)


def open_port(wanted: int | None) -> socket.socket:
    """Return a socket that listens on the port wanted, the usual one, or a free one.

    It is held from here on, so that nobody else takes the port meanwhile.

    Raises:
        UsageError: the port wanted is taken.
    """
    for candidate in [wanted] if wanted else [USUAL_PORT, 0]:
        try:
            return socket.create_server((HOST, candidate), backlog=128)
        except OSError:
            continue
    raise UsageError(f"port {wanted} is taken; choose another one or none")
