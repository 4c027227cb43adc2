"""Short texts that depend on a person: what is searched for, from which address."""

from __future__ import annotations

import numpy as np

from dmp.ingest.synthetic.activity import Activity
from dmp.ingest.synthetic.catalogue import QUERIES
from dmp.ingest.synthetic.columns import Text, join, pick, scatter
from dmp.ingest.synthetic.journeys import Events
from dmp.ingest.synthetic.seeds import Ints

_OWN_NAME = 0.02
_OWN_EMAIL = 0.015


def queries(rng: np.random.Generator, activity: Activity, events: Events) -> Text:
    """Return what is typed into the search box; some people type their own name in."""
    n = events.kind.size
    roll = rng.random(n)
    named, mailed = roll < _OWN_NAME, roll > 1 - _OWN_EMAIL
    usual = ~(named | mailed)
    place = (len(QUERIES) * rng.random(n) ** 1.6).astype(np.int64)
    people = activity.people
    names = [f"{p.given_name} {p.surname} order".lower() for p in people]
    person = activity.visits.person[events.session]
    return scatter(
        n,
        [
            (named, pick(names, person[named])),
            (mailed, pick([p.emails[0] for p in people], person[mailed])),
            (usual, pick(QUERIES, place[usual])),
        ],
    )


def addresses(numbers: Ints) -> Text:
    """Return IPv4 addresses in dotted form; used with reserved ranges only."""
    octets = [str(octet) for octet in range(256)]
    parts = [pick(octets, (numbers >> shift) & 255) for shift in (24, 16, 8, 0)]
    return join(parts[0], ".", parts[1], ".", parts[2], ".", parts[3])
