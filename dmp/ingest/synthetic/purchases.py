"""What people buy: in the visits of the journeys, and elsewhere."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dmp.ingest.synthetic.activity import Activity, in_euros
from dmp.ingest.synthetic.catalogue import CATEGORIES, PRODUCTS
from dmp.ingest.synthetic.odds import Odds, chance, zipf

_CATEGORY = Odds.of(CATEGORIES, zipf(len(CATEGORIES), 0.6))


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was bought and when; `order_id` is '' for orders made elsewhere."""

    at_ms: int
    amount: float
    quantity: int
    category: str
    currency: str
    order_id: str = ""
    member: bool = False


def purchases(
    dice: random.Random, times: Iterator[int], count: int
) -> Iterator[Purchase]:
    """Yield purchases made elsewhere than in the journeys."""
    for _ in range(count):
        quantity = 1 + (chance(dice, 0.25)) + chance(dice, 0.08)
        amount = round(dice.lognormvariate(3.5, 0.75) + 1, 2)
        currency = "EUR" if chance(dice, 0.035) else "GBP"
        category = _CATEGORY.pick(dice)
        yield Purchase(next(times), amount, quantity, category, currency)


def n_purchases(dice: random.Random) -> int:
    """Return how often a person buys elsewhere; 1.9 on average."""
    return 1 + int(dice.expovariate(1 / 3.3)) if chance(dice, 0.5) else 0


def _purchase(activity: Activity, row: int) -> Purchase:
    """Return the purchase that an event is."""
    events = activity.events
    euros = in_euros(activity.visits, events.session[row : row + 1])[0]
    return Purchase(
        at_ms=int(events.at_ms[row]),
        amount=float(events.value[row]),
        quantity=int(events.quantity[row]),
        category=PRODUCTS[int(events.product[row])].category,
        currency="EUR" if euros else "GBP",
        order_id=activity.order_ids[int(events.order[row])],
        member=bool(events.known[row]),
    )


def online_purchases(activity: Activity | None) -> dict[int, list[Purchase]]:
    """Return the purchases of the journeys by place of the person."""
    bought: dict[int, list[Purchase]] = {}
    if activity is None:
        return bought
    events = activity.events
    for row in np.flatnonzero(events.order >= 0).tolist():
        person = int(activity.visits.person[events.session[row]])
        bought.setdefault(person, []).append(_purchase(activity, row))
    return bought
