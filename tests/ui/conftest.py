from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_source import FakeSource

from dmp.ui.explorer import ExplorerState


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def state(source: FakeSource) -> ExplorerState:
    opened = ExplorerState(source)
    opened.start()
    return opened


@pytest.fixture
def opened() -> Callable[..., ExplorerState]:
    """Return a state over a fake source made with the given options."""

    def open_with(query: str = "", **options: object) -> ExplorerState:
        started = ExplorerState(FakeSource(**options), query)  # type: ignore[arg-type]
        started.start()
        return started

    return open_with
