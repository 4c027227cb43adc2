"""The card to send a segment somewhere or to download it."""

from __future__ import annotations

from typing import Any, get_args

import ipywidgets as w

from dmp.ui import views
from dmp.ui.drawings import words
from dmp.ui.explorer import ExplorerState
from dmp.ui.guard import Problem, TellsProblems, guarded
from dmp.ui.source import FileFormat
from dmp.ui.widgets import Download, Outcome
from dmp.ui.widgets.part import Message

FORMATS = [["csv", "Download CSV"], ["parquet", "Download Parquet"]]


def _heading(title: str, text: str) -> w.HTML:
    return w.HTML(f"<h2>{title}</h2><p>{text}</p>").add_class("dmp-heading")


class ExportCard:
    """Controls for a dry run, a send that asks first, and downloads."""

    def __init__(self, state: ExplorerState, owner: TellsProblems) -> None:
        """Build the controls; `owner` shows what goes wrong."""
        self.state, self.owner = state, owner
        self.destination = w.Dropdown(description="To")
        self.check = w.Button(description="Dry run")
        self.ask = w.Button(description="Send…", button_style="primary")
        self.confirm = w.Button(description="", button_style="danger")
        self.cancel = w.Button(description="Cancel")
        self.outcome = Outcome(content={"state": "none"})
        self.download = Download(content={"state": "ready", "formats": FORMATS})
        self.root = self._layout()
        self._bind()

    def tell(self, problem: Problem) -> None:
        """Pass a problem on to the page."""
        self.owner.tell(problem)

    def _layout(self) -> w.Widget:
        self.choices = w.HBox([self.destination, self.check, self.ask])
        self.question = w.HBox([self.confirm, self.cancel])
        for row in (self.choices, self.question):
            row.add_class("dmp-row")
        self.destination.add_class("dmp-control")
        self.question.add_class("dmp-away")
        text = (
            "Only people who consented to the destination's purpose leave; "
            "a dry run says who would, and writes nothing."
        )
        parts = [_heading("Send or download", text), self.choices, self.question]
        return w.VBox([*parts, self.outcome, self.download]).add_class("dmp-take")

    def _bind(self) -> None:
        self.destination.observe(lambda change: self.on_destination(change), "value")
        self.check.on_click(lambda _: self.on_check())
        self.ask.on_click(lambda _: self.on_ask())
        self.confirm.on_click(lambda _: self.on_confirm())
        self.cancel.on_click(lambda _: self.on_cancel())
        self.download.on_message("fetch", lambda message: self.on_fetch(message))
        self.state.listen(self.refresh)

    @guarded
    def on_destination(self, change: dict[str, Any]) -> None:
        """Select the destination chosen in the menu."""
        if change["new"] != self.state.destination:
            self.state.choose_destination(change["new"])

    @guarded
    def on_check(self) -> None:
        """Run the send dry."""
        self.state.rehearse()

    @guarded
    def on_ask(self) -> None:
        """Ask for a confirmation of the send."""
        self.state.ask_to_send()

    @guarded
    def on_confirm(self) -> None:
        """Send what was asked about."""
        self.state.send()

    @guarded
    def on_cancel(self) -> None:
        """Drop the question."""
        self.state.cancel()

    @guarded
    def on_fetch(self, message: Message) -> None:
        """Hand the file to the browser."""
        formats: dict[str, FileFormat] = {name: name for name in get_args(FileFormat)}
        file = self.state.download(formats[message["format"]])
        if file:
            self.download.deliver(*file)

    def refresh(self, change: str) -> None:
        """Draw again what depends on the part of the state that changed."""
        if change == "destinations":
            self._draw_destinations()
        elif change == "busy":
            busy = self.state.busy
            self.download.content = {**self.download.content, "busy": busy}
        elif change == "export":
            self._draw_export()

    def _draw_destinations(self) -> None:
        found = self.state.destinations
        options = [(views.destination_label(d), d.name) for d in found.value or []]
        self.destination.options = options
        self.destination.value = self.state.destination
        self.check.disabled = self.ask.disabled = not options
        if found.problem:
            self.outcome.content = views.problem_content(found.problem)
        elif found.value is not None and not options:
            self.outcome.content = views.no_destination(self.state)

    def _draw_export(self) -> None:
        armed, summary = self.state.armed, self.state.summary
        (self.question.remove_class if armed else self.question.add_class)("dmp-away")
        (self.choices.add_class if armed else self.choices.remove_class)("dmp-away")
        if armed and summary:
            target = words(armed.destination)
            self.confirm.description = f"Send “{summary.name}” to {target}"
        self.outcome.content = views.export(self.state)
