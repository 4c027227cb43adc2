"""Consent as people give and withdraw it, one timeline a person and purpose."""

from __future__ import annotations

import random
from collections.abc import Mapping

from dmp.ingest.synthetic.odds import chance
from dmp.ingest.synthetic.people import Decision
from dmp.ingest.synthetic.spec import DAY_MS, Spec

GRANTED_SHARES: Mapping[str, float] = {
    "analytics": 0.74,
    "advertising": 0.48,
    "email_marketing": 0.56,
}
"""Purposes, and the share of first decisions that grant them."""

PURPOSES = tuple(GRANTED_SHARES)

_UNDECIDED = 0.10
_CHANGED = 0.14
_LOOK_BACK_MS = 700 * DAY_MS


def _timeline(
    dice: random.Random, spec: Spec, granted_share: float
) -> tuple[Decision, ...]:
    """Return the decisions on one purpose, oldest first: none, one or two."""
    if chance(dice, _UNDECIDED):
        return ()
    span = spec.until_ms - DAY_MS - (spec.since_ms - _LOOK_BACK_MS)
    first_ms = spec.until_ms - DAY_MS - int(dice.random() * span)
    granted = chance(dice, granted_share)
    first = Decision(first_ms, granted)
    if not chance(dice, _CHANGED):
        return (first,)
    start = max(first_ms, spec.since_ms)
    changed_ms = start + 1 + int(dice.random() * (spec.until_ms - 1 - start))
    return (first, Decision(changed_ms, not granted))


def decide(dice: random.Random, spec: Spec) -> dict[str, tuple[Decision, ...]]:
    """Return one person's decisions by purpose."""
    return {
        purpose: _timeline(dice, spec, share)
        for purpose, share in GRANTED_SHARES.items()
    }
