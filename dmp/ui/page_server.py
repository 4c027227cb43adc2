"""Standalone Voila, narrowed to dmp's pages, one token and one viewer a kernel."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import DictLoader
from jupyter_core.utils import ensure_async
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.auth.identity import IdentityProvider, User
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError
from traitlets import Any as AnyTrait
from traitlets import Unicode
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.request_info_handler import RequestInfoSocketHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

from dmp.flows.viewer import GROUPS, USER, account_of
from dmp.ui.proxy import SECRET

log = logging.getLogger(__name__)

HEARTBEAT = "<script>window.voila_heartbeat()</script>\n"
"""What Voila writes while a page takes long; our policy runs no inline script."""
_PLAIN_ERROR = DictLoader({"error.html": "{{ status_code }} {{ status_message }}\n"})
"""What the addresses of kernels answer: their own page of errors needs more files."""
_KERNEL = re.compile(r'"kernelId": "([0-9a-f-]{36})"')
WITHHELD = (
    AllowListFileHandler,
    TornadoVoilaHandler,
    TornadoVoilaTreeHandler,
    VoilaContentsHandler,
    VoilaShutdownKernelHandler,
)


@dataclass(frozen=True)
class Page:
    """One notebook of the dashboards folder.

    Attributes:
        name: the file name without `.ipynb`; the page is served at `/pages/<name>`.
        title: what the navigation calls it.
    """

    name: str
    title: str


class TokenIdentity(IdentityProvider):
    """Knows a viewer by the token of the first visit, and by a cookie after it."""

    def get_handlers(self) -> list[tuple[str, object]]:
        """Return no login pages: the address with the token is the key."""
        return []

    async def get_user_token(self, handler: Any) -> User | None:
        """Return the viewer if the request holds the token."""
        given = self.get_token(handler) or ""
        if not hmac.compare_digest(given.encode(), str(self.token).encode()):
            return None
        known = await ensure_async(self.get_user_cookie(handler))
        return known or self.generate_anonymous_user(handler)


class ProxyIdentity(IdentityProvider):
    """Knows a viewer by the headers of a proxy that proves itself by a secret."""

    secret = Unicode(help="what the proxy sends in every request").tag(config=True)

    def get_handlers(self) -> list[tuple[str, object]]:
        """Return no login pages: the proxy signs people in."""
        return []

    def get_user(self, handler: Any) -> User | None:
        """Return the viewer that a proven request names; None without proof.

        A header that is there twice proves and names nothing.
        """
        given = [self._only(handler, name) for name in (SECRET, USER, GROUPS)]
        proof, user, groups = given
        if not hmac.compare_digest(proof.encode(), self.secret.encode()):
            return None
        account = account_of(user, groups)
        return User(username=account.user) if account and self.secret else None

    def _only(self, handler: Any, name: str) -> str:
        found = handler.request.headers.get_list(name)
        return str(found[0]) if len(found) == 1 else ""

    def is_token_authenticated(self, handler: Any) -> bool:
        """Return False: a request of a browser, which must carry the xsrf token."""
        return False


class FirstViewer(Authorizer):
    """Lets only the viewer for whom a page was written reach its kernel."""

    viewer_of = AnyTrait()

    def _viewer_of_default(self) -> dict[str, str]:
        return {}

    def bind(self, page: str, viewer: str) -> None:
        """Give the kernel that a part of a page names to the viewer, for good."""
        for kernel in _KERNEL.findall(page):
            self.viewer_of.setdefault(kernel, viewer)

    def is_authorized(
        self, handler: Any, user: User, action: str, resource: str
    ) -> bool:
        """Return whether the kernel of this request belongs to this viewer."""
        kernel = handler.path_kwargs.get("kernel_id") or next(
            iter(handler.path_args), None
        )
        if resource != "kernels" or kernel is None or user is None:
            return False
        return bool(self.viewer_of.get(str(kernel)) == user.username)


class _Frame(BaseVoilaHandler):  # type: ignore[misc]
    """A page of ours around a message, with the status that fits it."""

    def initialize(self, **kwargs: Any) -> None:
        super().initialize(**kwargs)
        self.pages: Sequence[Page] = kwargs["pages"]

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        missing = status_code == 404
        title = "There is no such page" if missing else "This did not work"
        text = "Choose one from the navigation above." if missing else self._reason
        self._say(status_code, title, text)

    def _say(self, status: int, title: str, text: str, *, nav: bool = True) -> None:
        self.set_status(status)
        pages = self.pages if nav else ()
        html = self.render_template("message.html", title=title, text=text, pages=pages)
        self.finish(html)

    def _ask_for_token(self) -> None:
        if isinstance(self.identity_provider, ProxyIdentity):
            text = "Open this page at the address where you sign in."
            return self._say(403, "Sign in first", text, nav=False)
        text = (
            "This page is private. Open it with the address that `dmp dashboards` "
            "printed when it started: it ends in ?token=… and is needed once per "
            "browser."
        )
        self._say(403, "Open this page with its token", text, nav=False)

    def _drop_token(self) -> bool:
        """Send the browser to the same address without the token, if it has one."""
        arguments = parse_qsl(self.request.query, keep_blank_values=True)
        kept = [(key, value) for key, value in arguments if key != "token"]
        if len(kept) == len(arguments):
            return False
        query = f"?{urlencode(kept)}" if kept else ""
        self.redirect(f"{self.request.path}{query}")
        return True


class HomeHandler(_Frame):
    """Leads to the first page."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Redirect to the first page, with the query but without the token."""
        if self.current_user is None:
            return self._ask_for_token()
        if not self.pages:
            text = "Put a notebook into the workspace's dashboards folder."
            return self._say(404, "No pages yet", text)
        arguments = parse_qsl(self.request.query)
        query = urlencode([(k, v) for k, v in arguments if k != "token"])
        first = f"{self.base_url}pages/{self.pages[0].name}"
        self.redirect(f"{first}?{query}" if query else first)


class PageHandler(_Frame, TornadoVoilaHandler):  # type: ignore[misc]
    """Renders a notebook as a page for a viewer with the token or its cookie."""

    @allow_unauthenticated
    async def get(self, name: str) -> None:
        """Write the page of this name, part by part as its cells finish."""
        if self.current_user is None:
            return self._ask_for_token()
        if self._drop_token():
            return
        if name not in {page.name for page in self.pages}:
            text = "Choose one from the navigation above."
            return self._say(404, "There is no such page", text)
        # Reading the token sets its cookie; without it the browser's message that
        # the page was closed is refused and the kernel lives on.
        _ = self.xsrf_token
        async for html in self.get_generator(path=f"{name}.ipynb"):
            self.authorizer.bind(html, self.current_user.username)
            self.write("\n" if html == HEARTBEAT else html)
            self.flush()


class MissingHandler(_Frame):
    """Answers every address that does not exist."""

    def initialize(self, **kwargs: Any) -> None:
        """Take from the server what other handlers are given."""
        server = self.settings["voila"]
        super().initialize(
            voila_configuration=server.voila_configuration, pages=server.pages
        )

    @allow_unauthenticated
    async def get(self) -> None:
        """Say that there is no such page."""
        if self.current_user is None:
            return self._ask_for_token()
        self._say(404, "There is no such page", "Choose one from the navigation above.")


class CloseHandler(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Ends a kernel when its own viewer closes the page."""

    auth_resource = "kernels"

    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self, kernel_id: str) -> None:
        """End the kernel."""
        await super().post(kernel_id)


class RequestOfPage(RequestInfoSocketHandler):  # type: ignore[misc]
    """Tells a kernel kept ready the request it serves; no browser may listen."""

    def prepare(self) -> None:
        """Refuse what comes from a browser or through a proxy."""
        if {"Origin", SECRET, USER} & set(self.request.headers):
            raise HTTPError(403)


class PageServer(Voila):  # type: ignore[misc]
    """Voila that serves the given pages and none of its other addresses."""

    name = "voila"
    pages = AnyTrait(())
    listening = AnyTrait(help="the socket that listens on the port")
    on_ready = AnyTrait(help="called without arguments once the port is open")

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Read no file: the configuration is what `serve` gave."""

    def init_settings(self) -> dict[str, Any]:
        """Return Voila's settings, with an error of the addresses of kernels."""
        settings: dict[str, Any] = super().init_settings()
        settings["jinja2_env"].loader = _PLAIN_ERROR
        return settings

    def init_handlers(self) -> list[Any]:
        """Return Voila's handlers without files, trees and contents, with ours."""
        kept = [
            (h[0], RequestOfPage, *h[2:]) if h[1] is RequestInfoSocketHandler else h
            for h in super().init_handlers()
            if not issubclass(h[1], WITHHELD)
        ]
        common = {"voila_configuration": self.voila_configuration, "pages": self.pages}
        page = {**common, "template_paths": self.template_paths, "config": self.config}
        return [
            (r"/", HomeHandler, common),
            (r"/pages/([A-Za-z0-9_\-]+)", PageHandler, page),
            (r"/voila/api/shutdown/(.*)", CloseHandler),
            *kept,
        ]

    def stop(self) -> None:
        """End the kernels, then remove the folder of their sockets."""
        self.ioloop.run_sync(self._end_kernels)
        shutil.rmtree(self.connection_dir, ignore_errors=True)

    async def _end_kernels(self) -> None:
        """End the kernels: kept ready at once, those of viewers in good order.

        A kernel that still starts cannot be ended yet, and is waited for.
        """
        kernels = self.kernel_manager
        pools = getattr(kernels, "_pools", {})
        kept_ready = [task for pool in pools.values() for task in pool]
        started = await asyncio.gather(*kept_ready, return_exceptions=True)
        pools.clear()
        unused = [each["kernel_id"] for each in started if isinstance(each, dict)]
        unused = [kernel for kernel in unused if kernel in kernels]
        await asyncio.gather(*[kernels.shutdown_kernel(i, now=True) for i in unused])
        await asyncio.gather(*kernels._pending_kernels.values(), return_exceptions=True)
        await kernels.shutdown_all()

    def listen(self) -> None:
        """Serve the socket that listens already, until interrupted or terminated."""
        self.listening.setblocking(False)
        HTTPServer(self.app).add_socket(self.listening)
        self.ioloop = IOLoop.current()
        loop = self.ioloop.asyncio_loop  # type: ignore[attr-defined]
        loop.set_exception_handler(note_loop_error)
        if self.on_ready:
            self.ioloop.add_callback(self.on_ready)
        try:
            with _stopped_by_signals(loop):
                self.ioloop.start()
            log.info("page server stopping")
        finally:
            self.stop()


@contextmanager
def _stopped_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let a signal stop the loop between the steps of its tasks.

    Raised within one, KeyboardInterrupt would become the result of that task; the end
    of the kernels waits for those that still start, and would break off on it.
    """

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(loop.stop)

    earlier = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def note_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report an error nobody waited for, unless a browser merely went away."""
    if isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
        log.debug("page connection closed while written to")
    else:
        loop.default_exception_handler(context)


def log_request(handler: RequestHandler) -> None:
    """Log a request without its query, which may hold the token."""
    request = handler.request
    ms = 1000 * request.request_time()
    level = logging.WARNING if handler.get_status() >= 500 else logging.INFO
    log.log(
        level,
        "page request method=%s path=%s status=%s ms=%.0f",
        request.method,
        request.path,
        handler.get_status(),
        ms,
    )
