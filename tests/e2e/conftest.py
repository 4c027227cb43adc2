"""The browser that the page tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import ARGUMENTS, CHROMIUM, Visit, Visitor, unavailable
from served_pages import Served


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """Return a started Chromium."""
    if not CHROMIUM.exists():
        unavailable(f"{CHROMIUM} is missing: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("playwright is missing: pip install -e '.[test]'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: object, server: Served) -> Iterator[Visitor]:
    """Return a function that opens a window; none may ask for anything foreign."""
    visits: list[Visit] = []

    def open_window(server: Served = server, **options: object) -> Visit:
        visits.append(Visit(chromium, server, **options))
        return visits[-1]

    yield open_window
    for each in visits:
        each.context.close()
        assert each.foreign == [] and each.errors == []
