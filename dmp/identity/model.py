"""A trained linkage model, and where its versions are kept."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmp.core.errors import UnknownName, UsageError
from dmp.identity.settings import LinkageSettings

_SAME_WITHIN = 1e-6


@dataclass(frozen=True)
class LinkageModel:
    """A trained model.

    Attributes:
        name: the model's name and a fingerprint of its parameters, `people-1a2b…`.
        settings: Splink's settings with every m and u probability; no personal value.
        trained_at: instant of the training, ISO 8601.
        records: how many records it was trained on; 0 where it was imported.
        parent: the model whose weights were moved by hand to make this one; empty
            where it was trained or imported.
        actor: pseudonymous id of who moved them; `reason` why, in their words.
    """

    name: str
    settings: dict[str, Any]
    trained_at: str
    records: int
    parent: str = ""
    actor: str = ""
    reason: str = ""

    @property
    def prior_bits(self) -> float:
        """The prior in bits: what a pair says before anything is compared."""
        prior = float(self.settings["probability_two_random_records_match"])
        return math.log2(prior / (1 - prior))

    @property
    def levels(self) -> list[dict[str, Any]]:
        """One row a comparison level: comparison, level, m, u, match weight in bits."""
        return [
            {
                "comparison": comparison["output_column_name"],
                "level": level["label_for_charts"],
                "m": level["m_probability"],
                "u": level["u_probability"],
                "match_weight": math.log2(
                    level["m_probability"] / level["u_probability"]
                ),
            }
            for comparison, level in levels(self.settings)
        ]


def save_model(folder: Path, model: LinkageModel) -> bool:
    """Keep a model and make it the current one; return whether it is new.

    A model whose parameters equal the current one's within a relative 1e-6 is not kept
    again: the current one stays.
    """
    current = load_model(folder)
    if current and _same(current.settings, model.settings):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{model.name}.json", json.dumps(model.__dict__, indent=1))
    _write(folder / "current.json", json.dumps({"model": model.name}))
    return True


def choose_model(folder: Path, name: str) -> LinkageModel:
    """Make a kept model the current one.

    Raises:
        UnknownName: no such model is kept here; the current one stays.
    """
    chosen = kept_model(folder, name)
    _write(folder / "current.json", json.dumps({"model": name}))
    return chosen


def kept_model(folder: Path, name: str) -> LinkageModel:
    """Return a kept model by its name.

    Raises:
        UnknownName: no such model is kept here.
    """
    known = [model.name for model in kept_models(folder)]
    if name not in known:
        raise UnknownName("linkage model", name, known)
    return read_model(folder / f"{name}.json")


def kept_models(folder: Path) -> list[LinkageModel]:
    """Return all versions that are kept, the newest first."""
    found = [read_model(p) for p in folder.glob("*.json") if p.stem != "current"]
    return sorted(found, key=lambda model: (model.trained_at, model.name), reverse=True)


def load_model(folder: Path) -> LinkageModel | None:
    """Return the current model of a folder, or None where none was trained."""
    pointer = folder / "current.json"
    if not pointer.exists():
        return None
    name = json.loads(pointer.read_text())["model"]
    return read_model(folder / f"{name}.json")


def read_model(path: Path) -> LinkageModel:
    """Return a kept model.

    Raises:
        UsageError: the file is absent, or no model of this form.
    """
    try:
        return LinkageModel(**json.loads(path.read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path} is no linkage model that dmp train kept; those lie in data/models"
        ) from error


def require_fit(model: LinkageModel, settings: LinkageSettings) -> None:
    """Go on only if the model compares what the settings name.

    Raises:
        UsageError: names what the two compare, and what to do.
    """
    wanted = ["_".join(comparison.fields) for comparison in settings.comparisons]
    known = [each["output_column_name"] for each in model.settings["comparisons"]]
    if sorted(wanted) != sorted(known):
        raise UsageError(
            f"the model {model.name} compares {', '.join(known)}, but the settings "
            f"name {', '.join(wanted)}; train a model for them: dmp train"
        )


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, path)


def levels(
    settings: dict[str, Any],
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each comparison with each of its levels but those of missing values."""
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                yield comparison, level


def level_labels(settings: dict[str, Any]) -> dict[str, list[str]]:
    """Return the labels of each comparison's levels, from full agreement downwards.

    Splink numbers them from 0, all else, upwards; -1 is missing.
    """
    labels: dict[str, list[str]] = {}
    for comparison, level in levels(settings):
        name = comparison["output_column_name"]
        labels.setdefault(name, []).append(level["label_for_charts"])
    return labels


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether two settings agree, numbers within a relative 1e-6."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (set(one) | set(other)) - {"linker_uid"}
        return all(k in one and k in other and _same(one[k], other[k]) for k in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_SAME_WITHIN)
    return one == other
