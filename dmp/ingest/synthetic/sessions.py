"""Visits: who comes when, on which device, and whether they log in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dmp.ingest.synthetic.devices import BROWSERS, INSTALLS, Devices, make_devices
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import Flags, Floats, Ints
from dmp.ingest.synthetic.spec import DAY_MS, Spec

WEB, APP = 0, 1

_NIGHT_AND_MORNING = (1.2, 0.7, 0.45, 0.35, 0.35, 0.6, 1.5, 3.0, 4.3, 4.6, 4.7, 4.9)
_AFTERNOON_AND_EVENING = (5.4, 5.2, 4.7, 4.6, 4.9, 5.5, 6.3, 7.4, 8.6, 8.9, 7.0, 4.3)
HOUR_SHARES = (*_NIGHT_AND_MORNING, *_AFTERNOON_AND_EVENING)
"""Relative number of visits in each hour of the day (UTC): few at night, most in the
evening. Source: the usual curve of consumer sites with a peak at 20-22 h."""

SPREAD = 1.13
"""Sigma of the log-normal number of visits a person; gives a Gini near 0.65."""

EVENTS_PER_SESSION = 5.55
"""Mean events in a visit as the journeys make them; measured, see the tests."""

PRICING_FANS = 0.016
"""Share of people who look at prices again and again in the last week."""

_MEAN_PAUSE = np.exp(SPREAD**2 / 2)
_MOST_VISITS = 400


@dataclass(frozen=True)
class Sessions:
    """Visits of one chunk, in order of person and start; one array entry a visit.

    Attributes:
        person: place of the person in the chunk.
        source: `WEB` or `APP`.
        device: number of the browser or install.
        start_ms: first event, epoch ms.
        fan: whether the visit is for the prices only.
        joins: whether the person signs up in it; at most one visit a person.
        logs_in: whether there is an identify or login event in it.
        known: whether the person is logged in from the first event on.
        account: place of the account among all of the chunk; -1 for none.
    """

    person: Ints
    source: Ints
    device: Ints
    start_ms: Ints
    fan: Flags
    joins: Flags
    logs_in: Flags
    known: Flags
    account: Ints


def hour_curve() -> Floats:
    """Return the share of visits in each of the 24 hours, adding up to 1."""
    shares: Floats = np.array(HOUR_SHARES)
    share: Floats = shares / shares.sum()
    return share


def start_times(rng: np.random.Generator, spec: Spec, n: int, days: int) -> Ints:
    """Return n instants in the last days before `until`, denser towards it."""
    midnight = (spec.until_ms - 1) // DAY_MS * DAY_MS
    back = (days * rng.random(n) ** 1.45).astype(np.int64)
    hour = rng.choice(24, n, p=hour_curve())
    within = hour * 3_600_000 + rng.integers(0, 3_600_000, n)
    at_ms = midnight - back * DAY_MS + within
    at_ms[at_ms >= spec.until_ms] -= DAY_MS
    at_ms[at_ms < spec.since_ms] += DAY_MS
    return at_ms


def _visit_counts(rng: np.random.Generator, spec: Spec, n: int) -> Ints:
    """Return how many visits each person makes; some make none."""
    mean = spec.events_per_person / EVENTS_PER_SESSION / 0.93
    pace = rng.lognormal(0, SPREAD, n) / _MEAN_PAUSE * mean
    active = rng.random(n) < 0.93
    counts: Ints = np.minimum(rng.poisson(pace) * active, _MOST_VISITS)
    return counts


def _sources(rng: np.random.Generator, n_people: int, person: Ints) -> Ints:
    """Return `WEB` or `APP` for each visit, by the person's habit."""
    habits = rng.choice(3, n_people, p=(0.55, 0.33, 0.12))
    app_share = np.array((0.0, 0.62, 1.0))[habits]
    return (rng.random(person.size) < app_share[person]).astype(np.int64)


def _joining(
    rng: np.random.Generator, joiner: Flags, person: Ints, fan: Flags
) -> tuple[Flags, Flags]:
    """Return which visits sign up, and which come before the person has an account."""
    n = joiner.size
    plain = np.bincount(person[~fan], minlength=n)
    first = np.searchsorted(person, np.arange(n))
    rank = np.arange(person.size) - first[person]
    chosen = (rng.random(n) ** 1.5 * plain).astype(np.int64)
    joins = joiner[person] & (rank == chosen[person]) & (plain[person] > 0)
    return joins, joiner[person] & (plain[person] > 0) & (rank < chosen[person])


def _fans(rng: np.random.Generator, people: Sequence[Person]) -> Flags:
    """Return who watches the prices: never somebody who signs up in the window."""
    free = np.array([not person.joins_online for person in people])
    fans: Flags = free & (rng.random(len(people)) < PRICING_FANS)
    return fans


def _timetable(
    rng: np.random.Generator, spec: Spec, people: Sequence[Person]
) -> tuple[Ints, Ints, Flags]:
    """Return person, start and fan of every visit, by person and start."""
    n = len(people)
    counts, fans = _visit_counts(rng, spec, n), _fans(rng, people)
    usual = np.repeat(np.arange(n), counts)
    extra = np.repeat(np.flatnonzero(fans), 2)
    person = np.concatenate([usual, extra])
    start = np.concatenate(
        [
            start_times(rng, spec, usual.size, spec.days),
            start_times(rng, spec, extra.size, 6),
        ]
    )
    fan = np.arange(person.size) >= usual.size
    order = np.lexsort((start, person))
    return person[order], start[order], fan[order]


def _accounts(rng: np.random.Generator, people: Sequence[Person], person: Ints) -> Ints:
    """Return the account used in each visit, -1 for people without one."""
    n_accounts = np.array([len(p.account_ids) for p in people], dtype=np.int64)
    first = np.cumsum(n_accounts) - n_accounts
    used = first[person] + (rng.random(person.size) * n_accounts[person]).astype(int)
    return np.where(n_accounts[person] > 0, used, -1)


def _device_of(
    rng: np.random.Generator, kinds: tuple[Devices, Devices], person: Ints, source: Ints
) -> Ints:
    """Return the browser or install of each visit."""
    web, app = (kind.pick(rng, person) for kind in kinds)
    return np.where(source == WEB, web, app)


def make_sessions(
    rng: np.random.Generator, spec: Spec, people: Sequence[Person]
) -> tuple[Sessions, tuple[Devices, Devices]]:
    """Return the visits of a chunk, and its browsers and installs."""
    kinds = (
        make_devices(rng, spec, people, BROWSERS),
        make_devices(rng, spec, people, INSTALLS),
    )
    person, start_ms, fan = _timetable(rng, spec, people)
    source = _sources(rng, len(people), person)
    joiner = np.array([p.joins_online for p in people])
    joins, early = _joining(rng, joiner, person, fan)
    account = np.where(early, -1, _accounts(rng, people, person))
    roll = rng.random(person.size)
    may = (account >= 0) & ~joins & ~fan
    logs_in = may & (roll < np.where(source == WEB, 0.24, 0.30))
    known = may & ~logs_in & (roll < np.where(source == WEB, 0.46, 0.74))
    device = _device_of(rng, kinds, person, source)
    sessions = Sessions(
        person, source, device, start_ms, fan, joins, logs_in, known, account
    )
    return sessions, kinds
