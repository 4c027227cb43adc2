"""What happens in a visit, when, and when the collector hears of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dmp.ingest.synthetic.catalogue import (
    BLOG_SLUGS,
    FIRST_BLOG_PAGE,
    FIRST_PRODUCT_PAGE,
    PRODUCTS,
    STATIC_PAGES,
)
from dmp.ingest.synthetic.seeds import Flags, Floats, Ints
from dmp.ingest.synthetic.sessions import APP, Sessions
from dmp.ingest.synthetic.spec import DAY_MS, Spec
from dmp.ingest.synthetic.walks import Kind, first_kinds, walk

_FAN_PATH = (Kind.PRICING, Kind.PRICING, Kind.HELP)
_JOIN_PATH = (Kind.LOGGED_IN, Kind.SIGNED_UP)
_QUICK = (Kind.VIEWED, Kind.SIGNED_UP, Kind.LOGGED_IN)

_Steps = tuple[Ints, Ints, Ints]
"""Visit, rank within the visit, and kind; one array entry a step."""


@dataclass(frozen=True)
class Events:
    """Events of one chunk by visit and time; one array entry an event.

    Attributes:
        session: place of the visit.
        kind: a `Kind`.
        at_ms: when it happened, epoch ms, before `until`.
        received_ms: when it arrived, never before `at_ms`.
        known: whether the account of the visit is known from this event on.
        page: place in `PAGES` of the page or screen shown.
        before: place in `PAGES` of the page shown before; -1 if there was none.
        product: place in `PRODUCTS` of the product last looked at.
        quantity: how many are added, in [1, 3].
        value: what is in the basket.
        order: place among the orders completed in the chunk; -1 for other events.
    """

    session: Ints
    kind: Ints
    at_ms: Ints
    received_ms: Ints
    known: Flags
    page: Ints
    before: Ints
    product: Ints
    quantity: Ints
    value: Floats
    order: Ints


def _usual_steps(rng: np.random.Generator, visits: Sessions) -> _Steps:
    """Return the steps of the visits that are not for the prices only."""
    usual = np.flatnonzero(~visits.fan)
    place, step, kind = walk(rng, first_kinds(rng, usual.size))
    return usual[place], step * 4, kind


def _repeated(visit: Ints, kinds: tuple[Kind, ...], ranks: tuple[int, ...]) -> _Steps:
    """Return the same steps for each visit."""
    n = visit.size
    return np.repeat(visit, len(kinds)), np.tile(ranks, n), np.tile(kinds, n)


def _login_steps(rng: np.random.Generator, visits: Sessions, length: Ints) -> _Steps:
    """Return one login a visit that has one, after its first few steps."""
    visit = np.flatnonzero(visits.logs_in)
    after = np.minimum(rng.geometric(0.5, visit.size), length[visit]) - 1
    return visit, after * 4 + 1, np.full(visit.size, Kind.LOGGED_IN)


def _steps(rng: np.random.Generator, visits: Sessions) -> tuple[Ints, Ints]:
    """Return visit and kind of every event, in order."""
    usual = _usual_steps(rng, visits)
    length = np.bincount(usual[0], minlength=visits.person.size)
    parts = (
        usual,
        _repeated(np.flatnonzero(visits.fan), _FAN_PATH, (0, 4, 8)),
        _repeated(np.flatnonzero(visits.joins), _JOIN_PATH, (1, 2)),
        _login_steps(rng, visits, length),
    )
    visit, rank, kind = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((rank, visit))
    return visit[order], kind[order].astype(np.int64)


def _starts(session: Ints) -> Ints:
    """Return for each event the place of the first event of its visit."""
    new = np.r_[True, session[1:] != session[:-1]]
    return np.maximum.accumulate(np.where(new, np.arange(session.size), 0))


def _latest(session: Ints, marked: Flags) -> Ints:
    """Return for each event the last marked one of its visit so far, else its first."""
    places = np.where(marked, np.arange(session.size), 0)
    return np.maximum(np.maximum.accumulate(places), _starts(session))


def _times(
    rng: np.random.Generator, spec: Spec, visits: Sessions, session: Ints, kind: Ints
) -> Ints:
    """Return when each event happens; a visit past the end comes a day earlier."""
    pause = np.minimum(rng.lognormal(3.3, 1.1, session.size) * 1000, 1_200_000)
    pause[np.isin(kind, _QUICK)] *= 0.08
    starts = _starts(session)
    run = np.cumsum(pause.astype(np.int64) + 1)
    at_ms = visits.start_ms[session] + run - run[starts]
    last = np.zeros(visits.person.size, dtype=np.int64)
    np.maximum.at(last, session, at_ms)
    return at_ms - DAY_MS * (last >= spec.until_ms)[session]


def _received(rng: np.random.Generator, spec: Spec, at_ms: Ints, app: Flags) -> Ints:
    """Return when each event arrives: at once, mostly; some hours or days late."""
    n = at_ms.size
    soon = rng.lognormal(5.3, 0.7, n) + np.where(app, 1500 * rng.random(n), 0)
    late = rng.random(n) < np.where(app, 0.02, 0.007)
    delay = np.where(late, rng.lognormal(9.6, 1.5, n) * 1000, soon).astype(np.int64)
    return np.where(at_ms + delay < spec.until_ms, at_ms + delay, at_ms)


def _pages(
    rng: np.random.Generator, session: Ints, kind: Ints
) -> tuple[Ints, Ints, Ints]:
    """Return page, page before and product of every event."""
    n = session.size
    product = np.minimum(len(PRODUCTS) * rng.random(n) ** 2.2, len(PRODUCTS) - 1)
    product = product.astype(np.int64) * 29 % len(PRODUCTS)
    product = product[_latest(session, kind == Kind.PRODUCT)]
    blog = FIRST_BLOG_PAGE + (len(BLOG_SLUGS) * rng.random(n) ** 1.7).astype(np.int64)
    page = np.where(kind < len(STATIC_PAGES), kind, blog)
    page = np.where(kind == Kind.PRODUCT, FIRST_PRODUCT_PAGE + product, page)
    shown = _latest(session, kind <= Kind.BLOG)
    page = page[shown]
    previous = np.maximum(shown - 1, 0)
    before = np.where(shown == _starts(session), -1, page[previous])
    return page, before, product


def _baskets(
    rng: np.random.Generator, session: Ints, kind: Ints, product: Ints
) -> tuple[Ints, Floats]:
    """Return quantity and value of the basket at each event."""
    quantity = 1 + rng.choice(3, session.size, p=(0.8, 0.15, 0.05)).astype(np.int64)
    price = np.array([item.price for item in PRODUCTS])[product]
    added = np.where(kind == Kind.ADDED, price * quantity, 0.0)
    run = np.cumsum(added)
    starts = _starts(session)
    value = run - run[starts] + added[starts]
    shown = np.where(value < 0.01, price, value).astype(np.float64)
    return quantity, shown.round(2)


def make_events(rng: np.random.Generator, spec: Spec, visits: Sessions) -> Events:
    """Return everything that happens in the visits of a chunk."""
    session, kind = _steps(rng, visits)
    app = (visits.source == APP)[session]
    kind = np.where(app & (kind == Kind.SUBSCRIBED), Kind.HELP, kind)
    at_ms = _times(rng, spec, visits, session, kind)
    page, before, product = _pages(rng, session, kind)
    quantity, value = _baskets(rng, session, kind, product)
    login = _latest(session, kind == Kind.LOGGED_IN)
    known = visits.known[session] | (kind[login] == Kind.LOGGED_IN)
    received_ms = _received(rng, spec, at_ms, app)
    bought = kind == Kind.COMPLETED
    order = np.where(bought, np.cumsum(bought) - 1, -1)
    seen = (session, kind, at_ms, received_ms, known, page, before)
    return Events(*seen, product, quantity, value, order)
