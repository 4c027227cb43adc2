"""Walks through the shop: which page or action follows which."""

from __future__ import annotations

from enum import IntEnum
from functools import cache

import numpy as np

from dmp.ingest.synthetic.seeds import Floats, Ints


class Kind(IntEnum):
    """What an event is; those up to `BLOG` are page or screen views."""

    HOME = 0
    PRICING = 1
    PRODUCTS = 2
    CART = 3
    CHECKOUT = 4
    HELP = 5
    ACCOUNT = 6
    PRODUCT = 7
    BLOG = 8
    VIEWED = 9
    ADDED = 10
    STARTED = 11
    COMPLETED = 12
    SEARCHED = 13
    SUBSCRIBED = 14
    SIGNED_UP = 15
    LOGGED_IN = 16


_END = len(Kind)

_FIRST = """HOME .42 PRODUCT .22 PRODUCTS .14 BLOG .12 PRICING .04 HELP .03
    ACCOUNT .03"""
"""Odds of the first step of a visit."""

_NEXT = """
HOME: PRODUCTS .36 PRODUCT .16 BLOG .1 PRICING .035 HELP .05 ACCOUNT .05 SEARCHED .12
    SUBSCRIBED .01
PRICING: HOME .16 PRODUCTS .2 HELP .12 PRICING .04 BLOG .06
PRODUCTS: PRODUCT .58 SEARCHED .1 PRODUCTS .1 HOME .04 PRICING .012
CART: CHECKOUT .42 PRODUCTS .22 PRODUCT .1 HOME .04
CHECKOUT: STARTED .8 CART .06 HELP .04
HELP: HOME .24 ACCOUNT .14 HELP .18 PRICING .02 SEARCHED .08
ACCOUNT: HOME .2 PRODUCTS .18 HELP .12 ACCOUNT .1
PRODUCT: VIEWED .9 PRODUCTS .03
BLOG: BLOG .28 HOME .14 PRODUCT .14 PRODUCTS .08 SUBSCRIBED .03
VIEWED: PRODUCT .27 ADDED .13 PRODUCTS .2 HOME .04 SEARCHED .05 PRICING .008
ADDED: CART .5 PRODUCT .22 PRODUCTS .16
STARTED: COMPLETED .66 CART .08 HELP .04
COMPLETED: ACCOUNT .2 HOME .14
SEARCHED: PRODUCT .5 PRODUCTS .26 SEARCHED .1 HELP .03
SUBSCRIBED: HOME .3 BLOG .2 PRODUCTS .1
"""
"""Odds of the next step; what is missing to 1 ends the visit."""

_MOST_STEPS = 60


def _odds(text: str) -> Floats:
    """Return `KIND odds KIND odds ...` as one number a kind."""
    words = text.split()
    odds = np.zeros(len(Kind))
    for name, share in zip(words[::2], words[1::2], strict=True):
        odds[Kind[name]] = float(share)
    return odds


@cache
def _transitions() -> Floats:
    """Return running sums of the odds of the next step, one row a kind."""
    table = np.zeros((len(Kind), len(Kind)))
    for row in _NEXT.replace("\n    ", " ").strip().splitlines():
        name, odds = row.split(":")
        table[Kind[name]] = _odds(odds)
    return table.cumsum(axis=1)


def first_kinds(rng: np.random.Generator, n: int) -> Ints:
    """Return the first kind of n visits."""
    return rng.choice(len(Kind), n, p=_odds(_FIRST)).astype(np.int64)


def walk(rng: np.random.Generator, first: Ints) -> tuple[Ints, Ints, Ints]:
    """Return visit, step and kind of every step of walks from the first kinds.

    Visits are numbered as in `first`, steps from 0 to at most 60; ordered by step.
    """
    table = _transitions()
    visit, kind = np.arange(first.size), first
    visits, kinds = [visit], [kind]
    for _ in range(_MOST_STEPS):
        draw = rng.random(visit.size)
        kind = (table[kind] < draw[:, None]).sum(axis=1)
        visit, kind = visit[kind < _END], kind[kind < _END]
        visits.append(visit)
        kinds.append(kind)
    steps = [np.full(part.size, step) for step, part in enumerate(visits)]
    return np.concatenate(visits), np.concatenate(steps), np.concatenate(kinds)
