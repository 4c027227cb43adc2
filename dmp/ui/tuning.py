"""The state of tuning a model's match weights: what was moved, and what that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from dmp.ui.explorer import Loaded, loaded
from dmp.ui.guard import Problem

if TYPE_CHECKING:
    from dmp.flows.simulate import Simulation
    from dmp.flows.tuning import Preview, TunedLevel
    from dmp.identity.model import LinkageModel

Place = tuple[str, str]
Part = Literal["levels", "preview", "simulation", "problem", "news"]
PRIOR: Place = ("prior", "two records at random")
MOST_PRIOR_BITS = 30.0
_STEP_BITS = 0.05


class TuningSource(Protocol):
    """The model to tune; `dmp.flows.tuning.Tuning` is one."""

    @property
    def model(self) -> LinkageModel:
        """Return the current model."""
        ...

    @property
    def levels(self) -> list[TunedLevel]:
        """Return its levels, in order."""
        ...

    def preview(
        self, moves: Mapping[Place, float], *, prior_bits: float = 0.0
    ) -> Preview:
        """Say which pairs would change sides."""
        ...

    def simulate(
        self, moves: Mapping[Place, float], *, prior_bits: float = 0.0
    ) -> Simulation:
        """Resolve on a fork with the moved weights."""
        ...

    def save(
        self, moves: Mapping[Place, float], *, reason: str, prior_bits: float = 0.0
    ) -> LinkageModel:
        """Make the moved weights the current model."""
        ...


class TuningState:
    """The weights as moved so far. Nothing is written before `save`.

    Listeners are called with the name of the `Part` that changed.
    """

    def __init__(self, source: TuningSource) -> None:
        """Take the weights as they are."""
        self.source = source
        self.moves: dict[Place, float] = {}
        self.preview: Loaded[Preview] | None = None
        self.simulation: Loaded[Simulation] | None = None
        self.problem: Problem | None = None
        self.news = ""
        self._listeners: list[Callable[[Part], None]] = []

    def listen(self, listener: Callable[[Part], None]) -> None:
        """Call the listener after every change, with what changed."""
        self._listeners.append(listener)

    @property
    def prior_bits(self) -> float:
        """By how much the prior is moved."""
        return self.moves.get(PRIOR, 0.0)

    def move(self, place: Place, weight: float) -> None:
        """Let a level say `weight` bits, and see which pairs would change sides."""
        before, least, most = self._bounds(place)
        moved = min(max(weight, least), most) - before
        if abs(moved) < _STEP_BITS:
            self.moves.pop(place, None)
        else:
            self.moves[place] = moved
        self._look()

    def reset(self) -> None:
        """Let every level say again what the model says."""
        self.moves = {}
        self._look()

    def simulate(self) -> None:
        """Resolve on a fork: people, merges, splits, audiences."""
        self.simulation = Loaded()
        self._tell("simulation")
        self.simulation = loaded(
            lambda: self.source.simulate(self._levels(), prior_bits=self.prior_bits)
        )
        self._tell("simulation")

    def save(self, reason: str) -> None:
        """Make a new version of the model, with who and why."""
        model = self.source.save(
            self._levels(), reason=reason, prior_bits=self.prior_bits
        )
        self.moves, self.preview, self.simulation = {}, None, None
        self.news = f"{model.name} is the current model; dmp resolve applies it."
        self._tell("levels", "preview", "simulation", "news")

    def tell(self, problem: Problem | None) -> None:
        """Show a problem to the viewer; None takes it away."""
        self.problem = problem
        self._tell("problem")

    def _levels(self) -> dict[Place, float]:
        return {place: bits for place, bits in self.moves.items() if place != PRIOR}

    def _bounds(self, place: Place) -> tuple[float, float, float]:
        if place == PRIOR:
            return self.source.model.prior_bits, -MOST_PRIOR_BITS, MOST_PRIOR_BITS
        found = next(
            each
            for each in self.source.levels
            if (each.comparison, each.level) == place
        )
        return found.match_weight, found.least, found.most

    def _look(self) -> None:
        self.simulation = None
        self.preview = None
        if self.moves:
            self.preview = loaded(
                lambda: self.source.preview(self._levels(), prior_bits=self.prior_bits)
            )
        self._tell("levels", "preview", "simulation")

    def _tell(self, *changes: Part) -> None:
        for change in changes:
            for listener in self._listeners:
                listener(change)
