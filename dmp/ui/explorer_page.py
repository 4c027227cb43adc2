"""The segment explorer's page: widgets bound to its state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from dmp.ui import views
from dmp.ui.drawings import words
from dmp.ui.explorer import PANELS, ExplorerState
from dmp.ui.export_card import ExportCard
from dmp.ui.guard import Problem, guarded
from dmp.ui.steps import is_loop_running, steps_of
from dmp.ui.widgets import (
    Address,
    Bars,
    DiscussionCard,
    Funnel,
    Headline,
    Notice,
    Overlap,
    PagedTable,
    SegmentList,
    Trend,
    Versions,
    WhyCard,
)
from dmp.ui.widgets.part import Message

START_AFTER_S = 0.02


class ExplorerPage:
    """The widgets of one page; they show the state and call its actions."""

    def __init__(self, state: ExplorerState) -> None:
        """Build the widgets and bind them; nothing is read yet."""
        self.state = state
        self.address, self.notice = Address(), Notice(content={"state": "none"})
        self.list, self.headline = SegmentList(), Headline()
        self.funnel = Funnel(
            title="From members to accepted",
            caption="People left after each step, and why the others left.",
        )
        self.conditions = Bars(
            title="What each condition admits",
            caption="People each condition of the rule lets in on its own.",
        )
        self.makeup = Bars(title="Make-up")
        self.trend = Trend(
            title="Size over time", caption="Members at each evaluation."
        )
        self.examples = PagedTable(
            title="Example members", caption="A few rows, as your role allows."
        )
        self.overlap = Overlap(
            title="Overlap", caption="People who are in exactly these segments."
        )
        self.reach = Bars(
            title="Reach by destination",
            caption="Members with consent whom the destination can address.",
        )
        self.why = WhyCard(
            title="Why this person",
            caption="Which conditions hold for one profile_id; needs the analyst role.",
        )
        self.versions = Versions(
            title="Versions of the rule", caption="Since when, how many, what changed."
        )
        self.discussion = DiscussionCard(
            title="Comments and approval",
            caption="Kept with the segment. Personal data do not belong here.",
        )
        self.count_reach = w.Button(description="Count")
        self.attribute = w.Dropdown(description="Compare by")
        self.export = ExportCard(state, self)
        self.root = self._layout()
        self._bind()

    def tell(self, problem: Problem) -> None:
        """Show a problem that a callback met."""
        self.state.tell(problem)

    def _layout(self) -> w.Widget:
        control = w.HBox([self.attribute]).add_class("dmp-control")
        makeup = w.VBox([control, self.makeup]).add_class("dmp-joined")
        count = w.HBox([self.count_reach]).add_class("dmp-control")
        reach = w.VBox([count, self.reach]).add_class("dmp-joined")
        reach.add_class("dmp-short")
        wide = (self.notice, self.headline, self.export.root, self.examples)
        for part in (*wide, self.discussion, self.versions, self.why):
            part.add_class("dmp-wide")
        self.notice.add_class("dmp-notice")
        main = w.VBox(
            [
                self.notice,
                self.headline,
                self.funnel,
                makeup,
                self.conditions,
                self.trend,
                reach,
                self.overlap,
                self.discussion,
                self.export.root,
                self.examples,
                self.versions,
                self.why,
            ]
        ).add_class("dmp-main")
        side = w.VBox([self.list, self.address]).add_class("dmp-side")
        return w.VBox([side, main]).add_class("dmp-page")

    def _bind(self) -> None:
        self.list.on_message("choose", lambda m: self.on_choose(m))
        self.address.on_message("visit", lambda m: self.on_visit(m))
        self.notice.on_message("dismiss", lambda _: self.state.tell(None))
        self.examples.on_message("turn", lambda m: self.on_turn(m))
        self.overlap.on_message("compare", lambda m: self.on_compare(m))
        self.why.on_message("why", lambda m: self.on_why(m))
        self.discussion.on_message("comment", lambda m: self.on_comment(m))
        self.discussion.on_message("approve", lambda _: self.on_approve())
        self.discussion.on_message("archive", lambda m: self.on_archive(m))
        self.count_reach.on_click(lambda _: self.on_reach())
        self.attribute.observe(lambda change: self.on_attribute(change), "value")
        self.state.listen(self.refresh)

    @guarded
    def on_choose(self, message: Message) -> None:
        """Select the segment that was clicked."""
        self.state.choose(str(message["segment"]))

    @guarded
    def on_visit(self, message: Message) -> None:
        """Open the view that the browser's address names."""
        self.state.visit(str(message["query"]))

    @guarded
    def on_turn(self, message: Message) -> None:
        """Turn to another page of the examples."""
        self.state.turn_to(int(message["page"]))

    @guarded
    def on_attribute(self, change: dict[str, Any]) -> None:
        """Compare by the attribute that was selected."""
        if change["new"] and change["new"] != self.state.attribute:
            self.state.compare_by(change["new"])

    @guarded
    def on_compare(self, message: Message) -> None:
        """Show the overlap with the segments that were ticked."""
        self.state.overlap_with([str(one) for one in message["segments"]])

    @guarded
    def on_why(self, message: Message) -> None:
        """Show which conditions hold for one person, if the role allows it now."""
        self.state.ask_why(str(message["profile_id"]))

    @guarded
    def on_comment(self, message: Message) -> None:
        """Keep the comment that was written, if the role allows it now."""
        self.state.comment(str(message["text"]))

    @guarded
    def on_approve(self) -> None:
        """Approve the segment, if the role allows it now."""
        self.state.approve()

    @guarded
    def on_archive(self, message: Message) -> None:
        """Archive the segment or bring it back, if the role allows it now."""
        self.state.archive(archived=bool(message["archived"]))

    @guarded
    def on_reach(self) -> None:
        """Count by destination, if the role allows it now."""
        self.state.count_reach()

    @guarded
    def begin(self) -> None:
        """Read the data and show it; panel by panel where an event loop runs."""
        if is_loop_running():
            self.state.later = steps_of(self).begin
        self.state.start()

    def refresh(self, change: str) -> None:
        """Draw again what depends on the part of the state that changed."""
        draw = self._drawers().get(change)
        if draw:
            draw()
        if change in ("segment", "segments", "attribute", "page", "overlap"):
            self._draw_address()

    def _drawers(self) -> dict[str, Callable[[], None]]:
        return {
            "segments": self._draw_segments,
            "segment": self._draw_segments,
            "attribute": self._draw_attribute,
            "page": lambda: self._draw_panel("examples"),
            "problem": self._draw_problem,
            "news": self._draw_news,
            "overlap": self._draw_overlap,
            "reach": self._draw_reach,
            "why": self._draw_why,
            "versions": self._draw_versions,
            "discussion": self._draw_discussion,
            **{name: lambda name=name: self._draw_panel(name) for name in PANELS},  # type: ignore[misc]
        }

    def _draw_segments(self) -> None:
        self.list.content = views.segment_list(self.state)
        self.headline.content = views.headline(self.state)
        empty = self.state.summary is None and self.state.segments.state != "loading"
        beside = (self.attribute, self.export.root, self.overlap, self.reach)
        below = (self.why, self.versions, self.count_reach, self.discussion)
        for part in (*self._panels().values(), *beside, *below):
            (part.add_class if empty else part.remove_class)("dmp-away")

    def _draw_overlap(self) -> None:
        self.overlap.content = views.overlap(self.state)

    def _draw_reach(self) -> None:
        self.reach.content = views.reach(self.state)

    def _draw_why(self) -> None:
        self.why.content = views.why(self.state)

    def _draw_versions(self) -> None:
        self.versions.content = views.versions(self.state)

    def _draw_discussion(self) -> None:
        self.discussion.content = views.discussion(self.state)

    def _draw_attribute(self) -> None:
        names = self.state.attributes
        self.attribute.options = [(words(name), name) for name in names]
        self.attribute.value = self.state.attribute

    def _draw_panel(self, name: str) -> None:
        content = views.panel(self.state, name)
        self._panels()[name].content = content

    def _draw_problem(self) -> None:
        problem = self.state.problem
        shown = views.problem_content(problem) if problem else {"state": "none"}
        self.notice.content = shown

    def _draw_news(self) -> None:
        self.notice.content = {"state": "news", "message": self.state.news}

    def _draw_address(self) -> None:
        ready = self.state.segments.state != "loading" and bool(self.state.segment)
        summary = self.state.summary
        self.address.content = {
            "state": "ready" if ready else "loading",
            "query": self.state.query,
            "asked": self.state.asked,
            "title": summary.name if summary else "",
        }

    def _panels(self) -> dict[str, Any]:
        return {
            "funnel": self.funnel,
            "conditions": self.conditions,
            "makeup": self.makeup,
            "trend": self.trend,
            "examples": self.examples,
        }


def show_explorer(state: ExplorerState) -> w.Widget:
    """Return the page for the last line of a notebook cell.

    Where an event loop runs, the data is read just after the cell ended, while the
    browser is still fetching its scripts; elsewhere it is read at once.
    """
    page = ExplorerPage(state)
    if is_loop_running():
        asyncio.get_running_loop().call_later(START_AFTER_S, page.begin)
    else:
        page.begin()
    return page.root
