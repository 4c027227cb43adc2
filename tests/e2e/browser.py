"""A Chromium window that may reach nothing but the server under test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from served_pages import Served

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
FIRST_MS = 60_000


def unavailable(reason: str) -> None:
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason)
    pytest.skip(reason)


class Visit:
    """A browser window that may reach only the server, and what went wrong in it."""

    def __init__(self, chromium: object, server: Served, **options: object) -> None:
        self.server = server
        self.foreign: list[str] = []
        self.errors: list[str] = []
        size = {"width": 1280, "height": 900}
        self.context = chromium.new_context(  # type: ignore[attr-defined]
            **{"viewport": size, "accept_downloads": True, **options}
        )
        self.context.route("**/*", self._allow)
        self.page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _allow(self, route: object) -> None:
        address = route.request.url  # type: ignore[attr-defined]
        if address.startswith((self.server.origin, "blob:", "data:")):
            route.continue_()  # type: ignore[attr-defined]
        else:
            self.foreign.append(address)
            route.abort()  # type: ignore[attr-defined]

    def _note(self, message: object) -> None:
        if message.type == "error":  # type: ignore[attr-defined]
            self.errors.append(message.text)  # type: ignore[attr-defined]

    def open(self, path: str, ready: str = ".dmp-card svg") -> None:
        mark = "&" if "?" in path else "?"
        token = f"{mark}token={self.server.token}"
        self.page.goto(f"{self.server.origin}{path}{token}", wait_until="commit")
        self.page.wait_for_selector(ready, timeout=FIRST_MS)

    def axe(self) -> list[str]:
        """Return what axe-core finds serious or critical, one line a rule."""
        from axe_playwright_python.base import AXE_SCRIPT

        self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("axe.run()")["violations"]
        grave = [one for one in found if one["impact"] in ("serious", "critical")]
        return [
            f"{one['id']}: {one['help']}: {[n['html'][:160] for n in one['nodes']][:4]}"
            for one in grave
        ]

    def text(self, selector: str) -> str:
        return str(self.page.text_content(selector))

    def kernel(self) -> str:
        found = re.search(r'"kernelId":\s*"([^"]+)"', self.page.content())
        assert found
        return found[1]


Visitor = Callable[..., Visit]
