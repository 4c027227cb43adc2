"""The online activity of one chunk, as the web and app writers need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from dmp.ingest.synthetic.columns import Text, pick, text, uuids
from dmp.ingest.synthetic.devices import LIVES
from dmp.ingest.synthetic.journeys import Events, make_events
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import Flags, Ints, coded, generator
from dmp.ingest.synthetic.sessions import WEB, Sessions, make_sessions
from dmp.ingest.synthetic.spec import Spec

_SENT_TWICE = 0.005
_ORDERS_PER_CHUNK = 1 << 20


@dataclass(frozen=True)
class Activity:
    """Visits and events of one chunk.

    Attributes:
        people: the people of the chunk, in order.
        visits: their visits, over both sources.
        events: what happens in the visits.
        accounts: account id of each account of the chunk.
        identifiers: anonymous ids of all browsers, and install ids of all installs.
        identifier: per visit, place of the identifier among those of its source.
        order_ids: ids of the orders completed, in the order of their events.
    """

    people: Sequence[Person]
    visits: Sessions
    events: Events
    accounts: Text
    identifiers: tuple[Text, Text]
    identifier: Ints
    order_ids: Sequence[str]

    def of(self, source: int) -> Flags:
        """Return which events are of `WEB` or `APP`."""
        rows: Flags = self.visits.source[self.events.session] == source
        return rows


def _order_ids(spec: Spec, chunk: int, events: Events) -> list[str]:
    """Return an id for each order completed in a chunk, unlike those of all others."""
    n = int((events.order >= 0).sum())
    numbers = chunk * _ORDERS_PER_CHUNK + np.arange(n)
    return coded(numbers, "W", spec.n_chunks * _ORDERS_PER_CHUNK, spec.seed)


def make_activity(spec: Spec, chunk: int, people: Sequence[Person]) -> Activity:
    """Return what the people of a chunk do online; the same for the same chunk."""
    rng = generator(spec.seed, chunk, "activity")
    visits, kinds = make_sessions(rng, spec, people)
    events = make_events(rng, spec, visits)
    browser, install = (
        kind.identifier_at(
            np.minimum(visits.device, len(kind.resets) - 1), visits.start_ms
        )
        for kind in kinds
    )
    web_ids, app_ids = (uuids(rng, len(kind.resets) * LIVES) for kind in kinds)
    return Activity(
        people=people,
        visits=visits,
        events=events,
        accounts=text([a for person in people for a in person.account_ids]),
        identifiers=(web_ids, app_ids),
        identifier=np.where(visits.source == WEB, browser, install),
        order_ids=_order_ids(spec, chunk, events),
    )


def selected(events: Events, rows: Flags | Ints) -> Events:
    """Return some of the events, in the order of `rows`."""
    taken = {part.name: getattr(events, part.name)[rows] for part in fields(events)}
    return replace(events, **taken)


def sent(rng: np.random.Generator, spec: Spec, events: Events) -> tuple[Events, Ints]:
    """Return the events as they arrive, a few twice, and the number of each message.

    Events come in order of arrival; both copies of one bear the same number and the
    second arrives up to a minute after the first.
    """
    n = events.kind.size
    again = np.flatnonzero(rng.random(n) < _SENT_TWICE)
    number = np.concatenate([np.arange(n), again])
    later = np.where(
        np.arange(number.size) < n, 0, rng.integers(1, 60_000, number.size)
    )
    received_ms = np.minimum(events.received_ms[number] + later, spec.until_ms - 1)
    order = np.lexsort((number, received_ms))
    arrived = selected(events, number[order])
    return replace(arrived, received_ms=received_ms[order]), number[order]


def in_euros(visits: Sessions, visit: Ints) -> Flags:
    """Return which visits pay in euros: a few on the web, none in the app."""
    euros: Flags = (visit % 29 == 0) & (visits.source[visit] == WEB)
    return euros


def known_accounts(activity: Activity, events: Events) -> Text:
    """Return the account id of each event; call it with known events only."""
    return pick(activity.accounts, activity.visits.account[events.session])


def consents_at(
    people: Sequence[Person], purpose: str, person: Ints, at_ms: Ints
) -> Ints:
    """Return 0 (never asked), 1 (denied) or 2 (granted) for persons at instants."""
    never = np.iinfo(np.int64).max
    made = np.full((len(people), 2), never)
    states = np.zeros((len(people), 3), dtype=np.int64)
    for place, someone in enumerate(people):
        for number, decision in enumerate(someone.consent.get(purpose, ())):
            made[place, number] = decision.at_ms
            states[place, number + 1 :] = 1 + decision.granted
    count = (made[person] <= at_ms[:, None]).sum(axis=1)
    found: Ints = states[person, count]
    return found
