"""A linkage model whose match weights somebody moved by hand."""

from __future__ import annotations

import copy
from datetime import datetime
from math import log2
from typing import Any

from dmp.core.config import fingerprint
from dmp.core.errors import UsageError
from dmp.identity.model import LinkageModel, levels
from dmp.identity.pair_levels import Moves

_PRIOR = "probability_two_random_records_match"
MOST_BITS = 30.0
"""No level is moved to say more than this, for or against."""


def most_bits(level: dict[str, Any]) -> float:
    """Return the greatest match weight that a level can have.

    Where agreement is weighed by the rarity of the value, u is what a common value
    says and stays; the weight then grows only with m, which is at most 1.
    """
    if level.get("tf_adjustment_column"):
        return min(MOST_BITS, -log2(level["u_probability"]))
    return MOST_BITS


def moved_model(
    model: LinkageModel,
    moves: Moves,
    *,
    prior_bits: float = 0.0,
    actor: str,
    reason: str,
    now: datetime,
) -> LinkageModel:
    """Return the model with match weights moved, as a version of its own.

    A weight is log2(m / u). Of two probabilities one is changed: u where the weight is
    for, m where it is against, or where rarity is weighed; so both stay within (0, 1].

    Args:
        moves: bits added to levels, by comparison and label.
        prior_bits: bits added to the prior.

    Raises:
        UsageError: no reason is given, nothing moves, a level does not exist, or would
            say more than it can.
    """
    if not reason.strip():
        raise UsageError("say why the weights are moved; it is kept with the model")
    if not prior_bits and not any(moves.values()):
        raise UsageError("no weight was moved, so there is nothing to save")
    settings = copy.deepcopy(model.settings)
    unknown = {place for place, bits in moves.items() if bits}
    for comparison, level in levels(settings):
        place = comparison["output_column_name"], level["label_for_charts"]
        unknown.discard(place)
        if moves.get(place):
            _move(level, moves[place], " / ".join(place))
    if unknown:
        listed = ", ".join(" / ".join(place) for place in sorted(unknown))
        raise UsageError(f"the model {model.name} has no level {listed}")
    odds = 2 ** (model.prior_bits + prior_bits)
    settings[_PRIOR] = odds / (1 + odds)
    stem = model.name.rpartition("-")[0]
    name = f"{stem}-{fingerprint(settings['comparisons'], settings[_PRIOR])}"
    return LinkageModel(
        name, settings, now.isoformat(), model.records, model.name, actor, reason
    )


def _move(level: dict[str, Any], bits: float, place: str) -> None:
    m, u = level["m_probability"], level["u_probability"]
    weight, most = log2(m / u) + bits, most_bits(level)
    if weight > most or weight < -MOST_BITS:
        raise UsageError(
            f"{place} would say {weight:+.1f} bits; it can say {-MOST_BITS:+.0f} to "
            f"{most:+.1f}"
        )
    if weight > 0 and not level.get("tf_adjustment_column"):
        level["u_probability"] = m / 2**weight
    else:
        level["m_probability"] = u * 2**weight
