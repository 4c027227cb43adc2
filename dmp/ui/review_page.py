"""The page Match review: widgets bound to its state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import ipywidgets as w

from dmp.ui import review_views as views
from dmp.ui.guard import Problem, guarded
from dmp.ui.review import Part, ReviewState
from dmp.ui.views import problem_content
from dmp.ui.widgets import (
    Address,
    ClusterGraph,
    Decide,
    Notice,
    ReviewPair,
    ReviewProgress,
    Waterfall,
)
from dmp.ui.widgets.part import Message

START_AFTER_S = 0.02
REST_AFTER_S = 0.05


class ReviewPage:
    """The widgets of one page; they show the state and call its actions."""

    def __init__(self, state: ReviewState) -> None:
        """Build the widgets and bind them; nothing is read yet."""
        self.state = state
        self.address, self.notice = Address(), Notice(content={"state": "none"})
        self.pair, self.progress = ReviewPair(), ReviewProgress()
        self.waterfall = Waterfall(
            title="How the score comes about",
            caption="Bits that each comparison adds to the prior, or takes off.",
        )
        self.cluster = ClusterGraph(
            title="The profiles around it",
            caption="Records joined by reasons; the pair has a ring.",
        )
        self.decide = Decide(
            title="Decide", caption="A decision wins over all evidence until undone."
        )
        self.root = self._layout()
        self._bind()

    def tell(self, problem: Problem) -> None:
        """Show a problem that a callback met."""
        self.state.tell(problem)

    def _layout(self) -> w.Widget:
        for part in (self.notice, self.pair, self.decide):
            part.add_class("dmp-wide")
        self.notice.add_class("dmp-notice")
        main = w.VBox(
            [self.notice, self.pair, self.waterfall, self.cluster, self.decide]
        )
        side = w.VBox([self.progress, self.address]).add_class("dmp-side")
        page = w.VBox([side, main.add_class("dmp-main")])
        return page.add_class("dmp-page").add_class("dmp-judging")

    def _bind(self) -> None:
        self.pair.on_message("act", lambda m: self.on_act(m))
        self.cluster.on_message("choose", lambda m: self.on_choose(m))
        for kind in ("merge", "split", "undo", "resolve"):
            self.decide.on_message(kind, lambda m: self.on_decide(m))
        self.address.on_message("visit", lambda m: self.on_visit(m))
        self.notice.on_message("dismiss", lambda _: self.state.tell(None))
        self.state.listen(self.refresh)

    @guarded
    def on_act(self, message: Message) -> None:
        """Do what a key or button of the pair says."""
        state, act = self.state, str(message["act"])
        acts: dict[str, Callable[[], None]] = {
            "match": lambda: state.judge("match"),
            "no_match": lambda: state.judge("no_match"),
            "unsure": lambda: state.judge("unsure"),
            "undo": state.undo,
            "next": state.next,
            "back": state.back,
            "values": lambda: state.show_values(not state.shows_values),
        }
        acts[act]()

    @guarded
    def on_choose(self, message: Message) -> None:
        """Pick a subject of the picture, or let it go."""
        self.state.choose(int(message["subject"]))

    @guarded
    def on_decide(self, message: Message) -> None:
        """Merge, split, undo or resolve."""
        kind, reason = str(message["kind"]), str(message.get("reason", ""))[:200]
        if kind == "merge":
            self.state.merge(reason)
        elif kind == "split":
            self.state.split(reason)
        elif kind == "undo":
            self.state.undo_decision(str(message["decision"]))
        else:
            self.state.resolve()

    @guarded
    def on_visit(self, message: Message) -> None:
        """Open the pair that the browser's address names."""
        self.state.visit(str(message["query"]))

    @guarded
    def begin(self) -> None:
        """Read the queue and show the first pair."""
        self.state.start()

    @guarded
    def catch_up(self, act: Callable[[], None]) -> None:
        """Do what a pair showed without waiting for."""
        act()

    def refresh(self, change: Part) -> None:
        """Draw again what depends on the part of the state that changed."""
        state = self.state
        if change == "pair":
            self.pair.content = views.pair(state)
            self._draw_address()
        elif change == "waterfall":
            self.waterfall.content = views.waterfall(state)
        elif change == "progress":
            self.progress.content = views.progress(state)
        elif change == "problem":
            problem = state.problem
            shown = problem_content(problem) if problem else {"state": "none"}
            self.notice.content = shown
        elif change == "news":
            self.notice.content = {"state": "news", "message": state.news}
        if change in ("cluster", "chosen"):
            self.cluster.content = views.cluster(state)
        if change in ("cluster", "chosen", "decisions", "busy"):
            self.decide.content = views.decisions(state)

    def _draw_address(self) -> None:
        state = self.state
        self.address.content = {
            "state": "ready" if state.question else "loading",
            "query": state.query,
            "asked": state.asked,
            "title": "Match review",
        }


def show_review(state: ReviewState) -> w.Widget:
    """Return the page for the last line of a notebook cell.

    Where an event loop runs, a pair is shown before its score is taken apart, so that
    keys never wait; elsewhere all is read at once.
    """
    page = ReviewPage(state)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        page.begin()
    else:

        def later(act: Callable[[], None]) -> None:
            loop.call_later(REST_AFTER_S, page.catch_up, act)

        state.later = later
        loop.call_later(START_AFTER_S, page.begin)
    return page.root
