"""The start page and the page of jobs: widgets bound to what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ipywidgets as w

from dmp.ui.explorer import Loaded, loaded
from dmp.ui.explorer_page import START_AFTER_S
from dmp.ui.guard import Problem, guarded
from dmp.ui.home import HomeSource, home
from dmp.ui.jobs_state import JobsState, jobs
from dmp.ui.steps import Pace, Steps, Work, at_once, is_loop_running, steps_of
from dmp.ui.views import problem_content
from dmp.ui.widgets.address import Address
from dmp.ui.widgets.home_board import HomeBoard
from dmp.ui.widgets.job_board import JobBoard
from dmp.ui.widgets.notice import Notice
from dmp.ui.widgets.part import Message


class HomePage:
    """The start page: one board, read once when it opens and again when asked."""

    def __init__(self, source: HomeSource) -> None:
        """Build the widgets; nothing is read yet."""
        self.source = source
        self.steps: Steps | None = None
        self.board, self.address = HomeBoard(), Address()
        self.board.on_message("refresh", lambda _: self.begin())
        self.root = w.VBox([self.board, self.address]).add_class("dmp-single")

    def tell(self, problem: Problem) -> None:
        """Show a problem in the board's place."""
        self.board.content = problem_content(problem)

    @guarded
    def begin(self) -> None:
        """Read the workspace and show it; what needs attention comes last."""
        if not is_loop_running():
            return at_once(self._read())
        if self.steps is None:
            self.steps = steps_of(self)
        self.steps.begin(self._read())

    def _read(self) -> Work:
        overview, runs = loaded(self.source.overview), loaded(self.source.runs)
        self.board.content = home(overview, runs, Loaded())
        if overview.value:
            yield Pace.ONCE_SHOWN
            self.board.content = home(overview, runs, loaded(self.source.health))


class JobsPage:
    """The page of jobs and data quality."""

    def __init__(self, state: JobsState) -> None:
        """Build the widgets and bind them; nothing is read yet."""
        self.state = state
        self.board, self.address = JobBoard(), Address()
        self.notice = Notice(content={"state": "none"}).add_class("dmp-notice")
        parts = [self.notice, self.board, self.address]
        self.root = w.VBox(parts).add_class("dmp-single")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self._bind()

    def tell(self, problem: Problem) -> None:
        """Show a problem that a callback met."""
        self.state.tell(problem)

    def _bind(self) -> None:
        self.board.on_message("open", lambda m: self.on_open(m))
        self.board.on_message("retry", lambda m: self.on_retry(m))
        self.board.on_message("check", lambda _: self.on_check())
        self.board.on_message("refresh", lambda _: self.on_refresh())
        self.address.on_message("visit", lambda m: self.on_visit(m))
        self.notice.on_message("dismiss", lambda _: self.state.tell(None))
        self.state.listen(self.refresh)

    @guarded
    def begin(self) -> None:
        """Read the runs and show them."""
        if is_loop_running():
            loop = asyncio.get_running_loop()
            self.state.beside = lambda act, done: self._beside(act, done, loop)
        self.state.start()

    @guarded
    def on_open(self, message: Message) -> None:
        """Open a run, or close it."""
        run = message["run"]
        self.state.open(None if run is None else str(run))

    @guarded
    def on_retry(self, message: Message) -> None:
        """Run again, if the role allows it now."""
        self.state.retry(str(message["run"]))

    @guarded
    def on_check(self) -> None:
        """Run the checks of data quality, if the role allows it now."""
        self.state.check()

    @guarded
    def on_refresh(self) -> None:
        """Read the checks and the runs again."""
        self.state.refresh()

    @guarded
    def on_visit(self, message: Message) -> None:
        """Open the view that the browser's address names."""
        self.state.visit(str(message["query"]))

    def _beside(
        self,
        act: Callable[[], Loaded[Any]],
        done: Callable[[Loaded[Any]], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._thread.submit(lambda: loop.call_soon_threadsafe(done, act()))

    def refresh(self, change: str) -> None:
        """Draw again."""
        if change == "problem":
            problem = self.state.problem
            shown = problem_content(problem) if problem else {"state": "none"}
            self.notice.content = shown
            return
        self.board.content = jobs(self.state)
        self.address.content = {
            "state": "loading" if self.state.runs.state == "loading" else "ready",
            "query": self.state.query,
            "asked": self.state.asked,
            "title": "Quality and jobs",
        }


def show_home(source: HomeSource) -> w.Widget:
    """Return the start page for the last line of a notebook cell."""
    return _begun(HomePage(source))


def show_jobs(state: JobsState) -> w.Widget:
    """Return the page of jobs for the last line of a notebook cell."""
    return _begun(JobsPage(state))


def _begun(page: HomePage | JobsPage) -> w.Widget:
    if is_loop_running():
        asyncio.get_running_loop().call_later(START_AFTER_S, page.begin)
    else:
        page.begin()
    return page.root
