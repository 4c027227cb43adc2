"""Linkage models beside each other: what each level says, and how that moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dmp.identity.model import LinkageModel, read_model

MOVED_BITS = 1.0
"""A level that moved by a bit says twice, or half, as much as before."""


@dataclass(frozen=True)
class LevelDrift:
    """One level in two models.

    Attributes:
        before: bits in the first model; None where it lacks the level. So `after`.
        moved_bits: after less before; None where either lacks it.
    """

    comparison: str
    level: str
    before: float | None
    after: float | None

    @property
    def moved_bits(self) -> float | None:
        """How many bits the level moved."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


def kept_models(folder: Path) -> list[LinkageModel]:
    """Return all versions of a model that were kept, the oldest first."""
    paths = [path for path in folder.glob("*.json") if path.name != "current.json"]
    return sorted(map(read_model, paths), key=lambda one: (one.trained_at, one.name))


def level_drift(before: LinkageModel, after: LinkageModel) -> list[LevelDrift]:
    """Return every level of either model, in the order of the second, then the first.

    The prior stands first, as comparison `prior`.
    """
    old, new = _weights(before), _weights(after)
    places = dict.fromkeys([*new, *old])
    return [LevelDrift(*place, old.get(place), new.get(place)) for place in places]


def weight_history(models: Sequence[LinkageModel]) -> list[dict[str, object]]:
    """Return one row a model and level: how match weights drift over the trainings.

    Columns `model, trained_at, comparison, level, match_weight` (bits), oldest first.
    """
    return [
        {
            "model": model.name,
            "trained_at": model.trained_at,
            "comparison": comparison,
            "level": level,
            "match_weight": bits,
        }
        for model in models
        for (comparison, level), bits in _weights(model).items()
    ]


def _weights(model: LinkageModel) -> dict[tuple[str, str], float]:
    found = {("prior", "two records at random"): model.prior_bits}
    for row in model.levels:
        found[row["comparison"], row["level"]] = row["match_weight"]
    return found
