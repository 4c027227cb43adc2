"""Panels are read one by one in an event loop, and a click in between comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fake_source import LAPSED, PRICING, FakeSource

from dmp.ui.explorer import PANELS, ExplorerState
from dmp.ui.explorer_page import ExplorerPage
from dmp.ui.guard import Problem
from dmp.ui.steps import PAUSE_S, Pace, Steps, Work


class Owner:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Problem] = []

    def tell(self, problem: Problem) -> None:
        self.told.append(problem)


def shown(page: ExplorerPage) -> None:
    """Say what the browser says when it has drawn the page."""
    page.address._handle_custom_msg({"kind": "shown"}, [])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(PAUSE_S / 4)


def test_a_click_between_two_panels_comes_first() -> None:
    source = FakeSource()
    page = ExplorerPage(ExplorerState(source))

    async def look() -> None:
        page.begin()
        assert page.headline.content["members"] == "8,412"
        assert page.funnel.content["state"] == "loading"
        await until(lambda: "funnel" in source.calls)
        shown(page)
        assert page.makeup.content["state"] == "loading"
        page.list._handle_custom_msg({"kind": "choose", "segment": LAPSED}, [])
        await until(lambda: page.state.panels["trend"].state == "ready")

    asyncio.run(look())
    assert page.headline.content["members"] == "12,077"
    assert {page.state.panels[name].state for name in PANELS} == {"ready"}
    assert source.calls.count("trend") == source.calls.count("examples") == 1
    assert PRICING != page.state.segment


def test_what_takes_long_waits_until_the_browser_has_drawn_the_page() -> None:
    source = FakeSource()
    page = ExplorerPage(ExplorerState(source))

    async def look() -> None:
        page.begin()
        await until(lambda: "versions" in source.calls)
        for _ in range(9):
            await asyncio.sleep(PAUSE_S)
        assert not {"makeup", "examples", "trend"} & set(source.calls)
        shown(page)
        await until(lambda: page.state.panels["trend"].state == "ready")

    asyncio.run(look())


def test_newer_work_takes_the_place_of_older() -> None:
    done: list[str] = []

    def work(name: str, pieces: int) -> Work:
        for n in range(pieces):
            done.append(f"{name}{n}")
            yield Pace.SOON

    async def look() -> None:
        steps = Steps(Owner())
        steps.begin(work("old", 100))
        await until(lambda: bool(done))
        done.clear()
        steps.begin(work("new", 20))
        await until(lambda: "new19" in done)

    asyncio.run(look())
    assert done == [f"new{n}" for n in range(20)]


def test_what_a_piece_raises_is_told_and_later_work_goes_on() -> None:
    owner, done = Owner(), []

    def broken() -> Work:
        yield Pace.SOON
        raise RuntimeError("nobody may read this")

    def whole() -> Work:
        done.append("whole")
        yield Pace.SOON

    async def look() -> None:
        steps = Steps(owner)
        steps.begin(broken())
        await until(lambda: bool(owner.told))
        steps.begin(whole())
        await until(lambda: bool(done))

    asyncio.run(look())
    assert len(owner.told) == 1 and owner.told[0].reference and done == ["whole"]
