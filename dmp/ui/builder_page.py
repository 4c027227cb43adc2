"""The rule builder's page: widgets bound to its state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from dmp.ui import builder_views as views
from dmp.ui.builder import BuilderState
from dmp.ui.counting import Counting
from dmp.ui.explorer_page import START_AFTER_S
from dmp.ui.guard import Problem, guarded
from dmp.ui.numbers import counted
from dmp.ui.rule_changes import CHANGES
from dmp.ui.rule_edits import NEW_NODES, place_of
from dmp.ui.steps import is_loop_running
from dmp.ui.views import problem_content
from dmp.ui.widgets.address import Address
from dmp.ui.widgets.details import Details
from dmp.ui.widgets.notice import Notice
from dmp.ui.widgets.part import Message
from dmp.ui.widgets.rule_editor import RuleEditor
from dmp.ui.widgets.tally import SizeCard
from dmp.ui.widgets.yaml_editor import YamlEditor


class BuilderPage:
    """The widgets of one page; they show the state and call its actions."""

    def __init__(self, state: BuilderState) -> None:
        """Build the widgets and bind them; nothing is read yet."""
        self.state = state
        self.counting: Counting | None = None
        self.address, self.notice = Address(), Notice(content={"state": "none"})
        self.details, self.editor = Details(), RuleEditor()
        self.size, self.yaml = SizeCard(), YamlEditor()
        self.root = self._layout()
        self._bind()

    def tell(self, problem: Problem) -> None:
        """Show a problem that a callback met."""
        self.state.tell(problem)

    def _layout(self) -> w.Widget:
        self.notice.add_class("dmp-notice")
        self.details.add_class("dmp-wide")
        beside = w.VBox([self.size, self.yaml]).add_class("dmp-beside")
        main = w.VBox([self.notice, self.details, self.editor, beside, self.address])
        return main.add_class("dmp-main").add_class("dmp-builder")

    def _bind(self) -> None:
        self.address.on_message("visit", lambda m: self.on_visit(m))
        self.notice.on_message("dismiss", lambda _: self.state.tell(None))
        self.details.on_message("describe", lambda m: self.on_describe(m))
        self.details.on_message("save", lambda _: self.on_save())
        self.details.on_message("build", lambda _: self.on_build())
        self.yaml.on_message("write", lambda m: self.on_write(m))
        self.size.on_message("cancel", lambda _: self.on_cancel())
        for kind in ("edit", "add", "remove", "copy", "negate", "step", "move"):
            self.editor.on_message(kind, lambda m: self.on_edit(m))
        self.editor.on_message("template", lambda m: self.on_template(m))
        self.editor.on_message("undo", lambda _: self.on_undo())
        self.editor.on_message("redo", lambda _: self.on_redo())
        self.editor.on_message("suggest", lambda m: self.on_suggest(m))
        self.state.listen(self.refresh)

    @guarded
    def begin(self) -> None:
        """Read what rules can name, and open the rule of the address."""
        sizes = getattr(self.state.source, "sizes", None)
        if sizes is not None and is_loop_running():
            loop = asyncio.get_running_loop()
            self.counting = Counting(self.state, sizes, loop)
            self.state.ask = self.counting.ask
        self.state.start()

    @guarded
    def on_visit(self, message: Message) -> None:
        """Open the rule that the browser's address names."""
        self.state.visit(str(message["query"]))

    @guarded
    def on_describe(self, message: Message) -> None:
        """Change name, purpose or another word about the segment."""
        self.state.describe(str(message["key"]), str(message["value"]))

    @guarded
    def on_save(self) -> None:
        """Save the rule, if the role allows it now."""
        self.state.save()

    @guarded
    def on_build(self) -> None:
        """Evaluate the saved segment, if the role allows it now."""
        self.state.build()

    @guarded
    def on_write(self, message: Message) -> None:
        """Take the rule from the YAML that was typed."""
        self.state.write(str(message["text"]))

    @guarded
    def on_cancel(self) -> None:
        """Break off the count."""
        if self.counting is not None:
            self.counting.stop()

    @guarded
    def on_edit(self, message: Message) -> None:
        """Change one node or one value; a place that is gone changes nothing."""
        place = place_of(message["at"])
        match message["kind"]:
            case "edit":
                self._change(message)
            case "add":
                kind = str(message["node"])
                self.state.add(place, kind if kind in NEW_NODES else "attribute")
            case "step":
                self.state.step(place, -1 if message["by"] < 0 else 1)
            case "move":
                to, index = place_of(message["to"]), int(message["index"])
                self.state.move(place, to, index)
            case "remove":
                self.state.remove(place)
            case "copy":
                self.state.copy(place)
            case "negate":
                self.state.negate(place)

    def _change(self, message: Message) -> None:
        place, do = place_of(message["at"]), str(message["do"])
        if do == "set":
            self.state.set(place, read_value(message["value"], message.get("as")))
        elif do in CHANGES:
            named = message.get("node")
            spot = place[:-1] if do == "operator" else place
            spot = place_of(named) if named else spot
            self.state.change(do, spot, message["value"])

    @guarded
    def on_template(self, message: Message) -> None:
        """Begin with the rule of a template."""
        self.state.begin_from(str(message["name"]))

    @guarded
    def on_undo(self) -> None:
        """Go back one step."""
        self.state.undo()

    @guarded
    def on_redo(self) -> None:
        """Go forward again."""
        self.state.redo()

    @guarded
    def on_suggest(self, message: Message) -> None:
        """Send the values that the data has for a comparison."""
        found = self.state.suggest(place_of(message["at"])[:-1])
        items = [
            [shown_value(value), shown_value(value), counted(n)] for value, n in found
        ]
        self.editor.send({"kind": "suggestions", "at": message["at"], "items": items})

    def refresh(self, change: str) -> None:
        """Draw again what depends on the part of the state that changed."""
        for draw in self._drawers().get(change, ()):
            draw()

    def _drawers(self) -> dict[str, tuple[Callable[[], None], ...]]:
        return {
            "document": (self._draw_form, self._draw_address),
            "tally": (self._draw_size,),
            "yaml": (self._draw_yaml,),
            "saved": (self._draw_details, self._draw_address),
            "problem": (self._draw_problem,),
        }

    def _draw_form(self) -> None:
        self.editor.content = views.form(self.state)

    def _draw_size(self) -> None:
        running = self.counting is not None
        self.size.content = views.size(self.state, cancellable=running)
        self.editor.counts = views.counts(self.state)

    def _draw_yaml(self) -> None:
        self.yaml.content = views.yaml(self.state)

    def _draw_details(self) -> None:
        self.details.content = views.details(self.state)

    def _draw_problem(self) -> None:
        problem = self.state.problem
        shown = problem_content(problem) if problem else {"state": "none"}
        self.notice.content = shown

    def _draw_address(self) -> None:
        self.address.content = {
            "state": "ready",
            "query": self.state.query,
            "asked": self.state.asked,
            "title": self.state.document.get("name") or "New segment",
        }


def read_value(value: Any, kind: Any) -> Any:
    """Return what was typed as the kind that its field holds.

    What does not read as a number stays text, and is told at its place.

    >>> read_value("5", "number"), read_value("5", "text"), read_value("x", "integer")
    (5, '5', 'x')
    """
    if isinstance(value, list):
        return [read_value(one, None if kind == "list" else kind) for one in value]
    if not isinstance(value, str):
        return value
    if kind in ("number", "integer", "guess"):
        return _number(value)
    if value in ("true", "false") and kind in ("boolean", None):
        return value == "true"
    return value or None


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text.strip())
        except ValueError:
            continue
    return text or None


def shown_value(value: Any) -> str:
    """Return a value of the data as the text that a field takes."""
    if isinstance(value, bool):
        return str(value).lower()
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def show_builder(state: BuilderState) -> w.Widget:
    """Return the page for the last line of a notebook cell."""
    page = BuilderPage(state)
    if is_loop_running():
        asyncio.get_running_loop().call_later(START_AFTER_S, page.begin)
    else:
        page.begin()
    return page.root
