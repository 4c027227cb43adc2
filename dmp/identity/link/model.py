"""The model of a linkage as JSON: all that was chosen, which can be overridden there.

A section that the file lacks is chosen anew from the data; what it holds is taken as it
stands. The model holds numbers and names of columns, never a value of a record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field as Limit

from dmp.core.config import Document, parse
from dmp.core.errors import ConfigInvalid, Fault, UsageError
from dmp.core.result_file import whole_text
from dmp.identity.link.atoms import form_names
from dmp.identity.link.classes import CLASSES, N_CLASSES
from dmp.identity.link.columns import Kind
from dmp.identity.link.patterns import Floats
from dmp.identity.link.training import Parameters
from dmp.identity.link.vectors import Comparison

_MOST_BYTES = 64 << 20
_SUM_ERROR = 0.01


class ColumnModel(Document):
    """What a column holds.

    Attributes:
        kind: how it is read and compared; `unused` leaves it out.
        day_first: by source, whether 03/04 is the third of April; for dates alone.
    """

    kind: Kind
    day_first: dict[str, bool] = Limit(default_factory=dict)


class AtomModel(Document):
    """What two records have in common: a field, or a part of it."""

    field: str
    part: str = "whole"


class RuleModel(Document):
    """Records that agree on all of `on` are compared, if at most so many agree.

    Attributes:
        pairs: how many pairs the rule gave when it was chosen.
    """

    on: tuple[AtomModel, ...] = Limit(min_length=1)
    largest_block: int = Limit(ge=2)
    pairs: int = 0


class LevelModel(Document):
    """How often a level is met in each class of pairs.

    Attributes:
        add_bits: added to the weight of each pair at this level; 0 unless somebody
            moves it by hand.
    """

    means: str
    probability: dict[str, float]
    add_bits: float = Limit(default=0.0, ge=-100, le=100)


class ComparisonModel(Document):
    """How a field is compared, and what each level says."""

    kind: Kind
    levels: tuple[LevelModel, ...]


class ClusteringModel(Document):
    """How weights become clusters.

    Attributes:
        threshold_bits: match weight at which a pair starts to speak for a match.
        never_compared_bits: weight of a pair inside a cluster that was not compared.
        method: `evidence` weighs all pairs of a cluster; `connected` joins whatever a
            pair above the threshold joins.
    """

    threshold_bits: float = Limit(default=0.0, ge=-100, le=100)
    never_compared_bits: float = Limit(default=-1.0, ge=-100, le=0)
    method: Literal["evidence", "connected"] = "evidence"


class JudgedModel(Document):
    """Pairs that people judged, as what was compared of them; no values, no ids.

    Attributes:
        fields: the compared fields, in the order of `levels` and `rarity`.
        weight: bits before labels.
        levels: level of each field, -1 where missing.
        rarity: log2 of how many records hold the agreed value; None where none.
    """

    fields: tuple[str, ...] = ()
    weight: tuple[float, ...] = ()
    levels: tuple[tuple[int, ...], ...] = ()
    rarity: tuple[tuple[float | None, ...], ...] = ()
    match: tuple[bool, ...] = ()

    def __len__(self) -> int:
        return len(self.match)


class Choice(Document):
    """One automatic choice: what, why, the alternative and what that would change."""

    place: str
    chosen: str
    why: str
    instead: str
    effect: str


class Model(Document):
    """A linkage model; None marks what is to be chosen anew."""

    dmp_link_model: Literal[1] = 1
    columns: dict[str, ColumnModel] | None = None
    blocking: tuple[RuleModel, ...] | None = None
    comparisons: dict[str, ComparisonModel] | None = None
    shares: dict[str, float] | None = None
    clustering: ClusteringModel = ClusteringModel()
    judged: JudgedModel = JudgedModel()
    choices: tuple[Choice, ...] = ()


NEW_MODEL = Model()
"""A model that leaves every choice to the data."""


def read_model(path: Path) -> Model:
    """Read a model.

    Raises:
        UsageError: the file cannot be read.
        ConfigInvalid: all its faults at once; no level of probability is accepted whose
            numbers don't sum to 1.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path.name}: larger than any model; give a model's JSON")
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{path.name}: is no JSON; give what --model-out wrote"
        ) from error
    if not isinstance(document, dict):
        raise ConfigInvalid(path.name, [Fault("document", "not an object", "{…}")])
    model = parse(Model, document, path.name)
    if faults := [*_comparison_faults(model), *_judged_faults(model.judged)]:
        raise ConfigInvalid(path.name, faults)
    return model


def write_model(model: Model, path: Path) -> None:
    """Write the model whole or not at all."""
    text = json.dumps(model.model_dump(mode="json"), indent=1, ensure_ascii=False)
    whole_text(path, text + "\n")


def _comparison_faults(model: Model) -> list[Fault]:
    found = []
    for name, comparison in (model.comparisons or {}).items():
        for label in CLASSES:
            place = f"comparisons.{name}.levels.*.probability.{label}"
            values = [level.probability.get(label) for level in comparison.levels]
            known = [value for value in values if value is not None]
            if len(known) < len(values):
                found.append(Fault(place, "missing in a level", "a number from 0 to 1"))
            elif min(known, default=0) < 0 or abs(sum(known) - 1) > _SUM_ERROR:
                wrong = f"the levels sum to {sum(known):.3f}"
                found.append(Fault(place, wrong, "numbers from 0 to 1 that sum to 1"))
    shares = model.shares or {}
    if model.shares is not None and set(shares) != set(CLASSES):
        found.append(Fault("shares", "not the classes", ", ".join(CLASSES)))
    elif any(share < 0 for share in shares.values()):
        found.append(Fault("shares", "below 0", "numbers from 0 to 1"))
    if (model.comparisons is None) != (model.shares is None):
        found.append(Fault("comparisons, shares", "only one is there", "both or none"))
    return found


def _judged_faults(judged: JudgedModel) -> list[Fault]:
    n, width = len(judged.match), len(judged.fields)
    columns = (judged.weight, judged.levels, judged.rarity)
    rows = (*judged.levels, *judged.rarity)
    if any(len(column) != n for column in columns) or any(
        len(r) != width for r in rows
    ):
        return [Fault("judged", "lists of unlike length", "as --model-out wrote them")]
    return []


@dataclass(frozen=True)
class Moved:
    """Parameters of the comparisons, and the bits that somebody added by hand."""

    parameters: Parameters
    added: tuple[Floats, ...]


def parameters_of(model: Model, compared: Sequence[Comparison]) -> Moved | None:
    """Return the parameters that the model holds for these comparisons, None if none.

    Raises:
        ConfigInvalid: a comparison of the model has other levels than here.
    """
    if model.comparisons is None or model.shares is None:
        return None
    tables, added, faults = [], [], []
    for comparison in compared:
        levels = model.comparisons[comparison.name].levels
        if len(levels) != comparison.n_levels:
            right = ", ".join(comparison.level_names)
            wrong = f"{len(levels)} levels, here are {comparison.n_levels}"
            faults.append(Fault(f"comparisons.{comparison.name}.levels", wrong, right))
            continue
        rows = [[level.probability[c] for level in levels] for c in CLASSES]
        tables.append(np.array(rows))
        added.append(np.array([level.add_bits for level in levels] + [0.0]))
    if faults:
        raise ConfigInvalid("model", faults)
    shares = np.array([model.shares[c] for c in CLASSES])
    return Moved(Parameters(tuple(tables), shares), tuple(added))


def nothing_added(
    compared: Sequence[Comparison],
) -> tuple[Floats, ...]:
    """Return no bits for each level, and for missing at the end."""
    return tuple(np.zeros(c.n_levels + 1) for c in compared)


def comparison_models(
    compared: Sequence[Comparison], moved: Moved
) -> dict[str, ComparisonModel]:
    """Return the parameters as the model's JSON holds them."""
    found = {}
    for place, comparison in enumerate(compared):
        table, added = moved.parameters.levels[place], moved.added[place]
        found[comparison.name] = ComparisonModel(
            kind=comparison.kind,
            levels=tuple(
                LevelModel(
                    means=means,
                    probability={
                        CLASSES[c]: float(table[c, number]) for c in range(N_CLASSES)
                    },
                    add_bits=float(added[number]),
                )
                for number, means in enumerate(comparison.level_names)
            ),
        )
    return found


def check_rules(model: Model, kinds: dict[str, Kind], place: str) -> None:
    """Check that each rule is of parts that the fields have.

    Raises:
        ConfigInvalid: all the parts that there are not.
    """
    faults = []
    for number, rule in enumerate(model.blocking or ()):
        for atom in rule.on:
            known = form_names(kinds[atom.field]) if atom.field in kinds else None
            if known is not None and atom.part not in known:
                wrong = f"no part {atom.part!r} of {atom.field}"
                faults.append(
                    Fault(f"blocking[{number}].on", wrong, f"one of {', '.join(known)}")
                )
    if faults:
        raise ConfigInvalid(place, faults)
