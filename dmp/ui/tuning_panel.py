"""Match weights with a slider each, in a notebook or on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as w

from dmp.ui import tuning_views as views
from dmp.ui.guard import Problem, guarded
from dmp.ui.tuning import Part, TuningState
from dmp.ui.views import problem_content
from dmp.ui.widgets import Notice, TuningEffect, Weights
from dmp.ui.widgets.part import Message

if TYPE_CHECKING:
    from dmp.flows.workspace import Workspace


class TuningPanel:
    """The widgets; they show the state and call its actions."""

    def __init__(self, state: TuningState) -> None:
        """Build the widgets and bind them; no pair is scored before a move."""
        self.state = state
        self.notice = Notice(content={"state": "none"})
        self.weights = Weights(
            title="Match weights",
            caption="What each level says, in bits. Move one and see what it does.",
        )
        self.effect = TuningEffect(
            title="What that does",
            caption="Pairs at once; people by a simulation. Nothing is saved yet.",
        )
        self.root = w.VBox(
            [self.notice, self.weights, self.effect], layout=w.Layout(grid_gap="16px")
        )
        self.weights.on_message("move", lambda m: self.on_move(m))
        self.weights.on_message("reset", lambda _: self.on_reset())
        self.effect.on_message("simulate", lambda _: self.on_simulate())
        self.effect.on_message("save", lambda m: self.on_save(m))
        self.notice.on_message("dismiss", lambda _: self.state.tell(None))
        state.listen(self.refresh)
        self.refresh("levels")
        self.refresh("preview")

    def tell(self, problem: Problem) -> None:
        """Show a problem that a callback met."""
        self.state.tell(problem)

    @guarded
    def on_move(self, message: Message) -> None:
        """Let a level say so many bits."""
        place = str(message["comparison"]), str(message["level"])
        self.state.move(place, float(message["weight"]))

    @guarded
    def on_reset(self) -> None:
        """Take all moves back."""
        self.state.reset()

    @guarded
    def on_simulate(self) -> None:
        """Resolve on a fork."""
        self.state.simulate()

    @guarded
    def on_save(self, message: Message) -> None:
        """Make a new version of the model."""
        self.state.save(str(message["reason"])[:500])

    def refresh(self, change: Part) -> None:
        """Draw again what depends on the part of the state that changed."""
        if change == "levels":
            self.weights.content = views.weights(self.state)
        elif change in ("preview", "simulation"):
            self.effect.content = views.effect(self.state)
        elif change == "problem":
            problem = self.state.problem
            shown = problem_content(problem) if problem else {"state": "none"}
            self.notice.content = shown
        else:
            self.notice.content = {"state": "news", "message": self.state.news}


def show_tuning(workspace: Workspace) -> w.Widget:
    """Return sliders over the current model of a workspace.

    Raises:
        UsageError: no model was trained.
        NotAllowed: the caller may not train.
    """
    from dmp.flows.tuning import Tuning

    return TuningPanel(TuningState(Tuning(workspace))).root
