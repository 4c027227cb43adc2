"""All scored pairs with the level of each comparison: weights moved without rescoring.

The weight of a pair is the prior, what each level says, what the rarity of its values
adds, and what contradictions take off. Moving a level's weight by some bits therefore
moves each pair at that level by as many: thousands of pairs in a blink.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dmp.core.sql import Query, join, quote_name, sql
from dmp.identity.basis import Basis
from dmp.identity.linkage import contradiction_bits, scorer
from dmp.identity.model import level_labels
from dmp.identity.records import stage_linkage_records
from dmp.privacy import Vault
from dmp.storage.lake import Lake

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Moves = Mapping[tuple[str, str], float]
"""By comparison and level, bits added to what the level says."""


@dataclass(frozen=True)
class PairLevels:
    """Every pair that the blocking rules bring together; arrays of equal length.

    Attributes:
        left: the smaller subject; `right` the larger.
        weight: bits, contradictions included.
        levels: by comparison the labels of its levels, from full agreement downwards.
        level: by comparison the place of each pair's level in `levels`; -1 is missing.
    """

    left: Ints
    right: Ints
    weight: Floats
    levels: Mapping[str, list[str]]
    level: Mapping[str, npt.NDArray[np.int16]]

    def __len__(self) -> int:
        return len(self.weight)

    def moved(self, moves: Moves, *, prior_bits: float = 0.0) -> Floats:
        """Return the weights once levels say so many bits more, or less."""
        weight = self.weight + prior_bits
        for comparison, labels in self.levels.items():
            bits = [moves.get((comparison, label), 0.0) for label in labels]
            if any(bits):
                weight = weight + np.array([*bits, 0.0])[self.level[comparison]]
        return weight


def pair_levels(lake: Lake, vault: Vault, basis: Basis) -> PairLevels | None:
    """Score all pairs, as a full resolve run would; None where nothing is compared.

    Reads the vault. No values come out, only levels.
    """
    if basis.linkage is None:
        return None
    model, settings = basis.linkage
    stage_linkage_records(lake, vault, settings)
    labels = level_labels(model.settings)
    with scorer(lake, model, settings, basis.key, parts=True) as linker:
        predicted = linker.inference.predict()
        cells = [
            sql(
                "{gamma}::smallint as {name}",
                gamma=Query(quote_name(f"gamma_{name}")),
                name=Query(quote_name(f"level {name}")),
            )
            for name in labels
        ]
        found = lake.sql(
            sql(
                _PAIRS,
                cells=join(cells),
                bits=contradiction_bits(settings),
                predicted=Query(quote_name(predicted.physical_name)),
            )
        ).fetchnumpy()
    return PairLevels(
        np.asarray(found["subject_id_l"]),
        np.asarray(found["subject_id_r"]),
        np.asarray(found["match_weight"], dtype=float),
        labels,
        {
            name: _places(np.asarray(found[f"level {name}"]), len(some))
            for name, some in labels.items()
        },
    )


def _places(gamma: npt.NDArray[np.int16], n_levels: int) -> npt.NDArray[np.int16]:
    """Turn Splink's numbers, 0 for all else upwards, into places from the top."""
    return np.where(gamma < 0, -1, n_levels - 1 - gamma).astype(np.int16)


_PAIRS = """
select least(subject_id_l, subject_id_r) as subject_id_l,
    greatest(subject_id_l, subject_id_r) as subject_id_r,
    match_weight - ({bits}) as match_weight, {cells}
from {predicted} order by 1, 2
"""
