"""Move the match weights of a model by hand, see what that does, then save it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmp.core.errors import UsageError
from dmp.flows.resolve import (
    current_model,
    identity_settings,
    linkage_key,
    model_folder,
)
from dmp.flows.simulate import Simulation, simulate
from dmp.flows.workspace import Workspace
from dmp.identity.basis import Basis
from dmp.identity.frequencies import inherit
from dmp.identity.judged import Judged, judged_pairs, labelled_pairs, pair_measures
from dmp.identity.measures import Three
from dmp.identity.model import LinkageModel, levels, save_model
from dmp.identity.pair_levels import Moves, PairLevels, pair_levels
from dmp.identity.tuning import MOST_BITS, most_bits, moved_model
from dmp.privacy import Permission


@dataclass(frozen=True)
class TunedLevel:
    """A level of the current model, and how far its weight may be moved.

    Attributes:
        match_weight: bits, as they stand; within `least` and `most` when moved.
    """

    comparison: str
    level: str
    match_weight: float
    least: float
    most: float


@dataclass(frozen=True)
class Preview:
    """What moved weights do to the pairs that are scored, before anything is resolved.

    Attributes:
        pairs: how many are scored.
        gained: pairs that would speak for one person and do not now; `lost` the other
            way round.
        judged: labelled pairs among them.
        before: precision, recall and F1 by the labels; None without any. So `after`.
    """

    pairs: int
    gained: int
    lost: int
    judged: int
    before: Three | None
    after: Three | None


class Tuning:
    """The current model of a workspace, to be tuned; pairs are scored on first need."""

    def __init__(self, workspace: Workspace) -> None:
        """Take the current model.

        Raises:
            UsageError: no model was trained.
            NotAllowed: the caller may not train.
        """
        workspace.allow_now(Permission.TRAIN)
        self.workspace = workspace
        self.settings = identity_settings(workspace)
        model = current_model(workspace, self.settings)
        if model is None:
            raise UsageError("there is no linkage model to tune; train one: dmp train")
        self.model: LinkageModel = model
        self._pairs: PairLevels | None = None

    @property
    def levels(self) -> list[TunedLevel]:
        """The levels of the model, in its order."""
        return [
            TunedLevel(
                row["comparison"],
                row["level"],
                row["match_weight"],
                -MOST_BITS,
                max(most_bits(level), row["match_weight"]),
            )
            for row, (_, level) in zip(
                self.model.levels, levels(self.model.settings), strict=True
            )
        ]

    def preview(self, moves: Moves, *, prior_bits: float = 0.0) -> Preview:
        """Say which pairs would change sides; the first call scores all of them."""
        pairs = self._scored()
        linkage = self.settings.linkage
        threshold = linkage.threshold_bits if linkage else 0.0
        weight = pairs.moved(moves, prior_bits=prior_bits)
        was, now = pairs.weight >= threshold, weight >= threshold
        judged = self._judged(pairs)
        return Preview(
            len(pairs),
            int(np.sum(now & ~was)),
            int(np.sum(was & ~now)),
            len(judged),
            pair_measures(judged, was[judged.place]) if len(judged) else None,
            pair_measures(judged, now[judged.place]) if len(judged) else None,
        )

    def simulate(self, moves: Moves, *, prior_bits: float = 0.0) -> Simulation:
        """Resolve with the moved weights on a fork, and say what would be otherwise."""
        model = self._moved(moves, prior_bits, "simulated")
        return simulate(self.workspace, model=model)

    def save(
        self, moves: Moves, *, reason: str, prior_bits: float = 0.0
    ) -> LinkageModel:
        """Make the moved weights the current model; the next resolve run uses it.

        Raises:
            UsageError: no reason is given, nothing moved, or a level says too much.
            NotAllowed: the caller may not train.
        """
        self.workspace.allow_now(Permission.TRAIN)
        assert self.settings.linkage is not None
        model = self._moved(moves, prior_bits, reason)
        inherit(self.workspace.lake, model)
        save_model(model_folder(self.workspace, self.settings.linkage), model)
        self.workspace.record("tune", model=model.name, parent=model.parent)
        self.model, self._pairs = model, None
        return model

    def _moved(self, moves: Moves, prior_bits: float, reason: str) -> LinkageModel:
        return moved_model(
            self.model,
            moves,
            prior_bits=prior_bits,
            actor=self.workspace.caller.actor,
            reason=reason,
            now=self.workspace.clock(),
        )

    def _scored(self) -> PairLevels:
        if self._pairs is None:
            self.workspace.allow_now(Permission.TRAIN)
            basis = Basis(self.settings, self.model, linkage_key(self.workspace))
            lake, vault = self.workspace.lake, self.workspace.vault
            self._pairs = pair_levels(lake, vault, basis)
        assert self._pairs is not None
        return self._pairs

    def _judged(self, pairs: PairLevels) -> Judged:
        known = labelled_pairs(self.workspace.lake)
        return judged_pairs(pairs.left, pairs.right, pairs.weight, known)
