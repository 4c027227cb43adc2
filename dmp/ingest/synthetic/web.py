"""Web events as a Segment-like collector writes them: one JSON object a line."""

from __future__ import annotations

import numpy as np

from dmp.ingest.synthetic.activity import Activity, known_accounts, selected, sent
from dmp.ingest.synthetic.catalogue import PAGES
from dmp.ingest.synthetic.columns import (
    Text,
    instants,
    join,
    pick,
    scatter,
    uuids,
)
from dmp.ingest.synthetic.journeys import Events
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import generator
from dmp.ingest.synthetic.sessions import WEB
from dmp.ingest.synthetic.spec import Spec
from dmp.ingest.synthetic.walks import Kind
from dmp.ingest.synthetic.web_context import context
from dmp.ingest.synthetic.web_properties import TRACKED, properties

_TITLES = list(PAGES.values())


def _heads() -> list[str]:
    """Return the start of a line by kind, or '' where it also depends on the page."""
    heads = {
        kind: f'"type":"track","event":"{name}",' for kind, name in TRACKED.items()
    }
    heads[Kind.LOGGED_IN] = '"type":"identify",'
    return [heads.get(kind, "") for kind in Kind]


def _head(events: Events) -> Text:
    """Return `type` and `name` or `event` of each line."""
    titles = [f'"type":"page","name":"{title}",' for title in _TITLES]
    place = np.where(events.kind <= Kind.BLOG, events.page, len(titles) + events.kind)
    return pick([*titles, *_heads()], place)


def _users(activity: Activity, events: Events) -> Text:
    """Return `userId` of each line."""
    ids = known_accounts(activity, selected(events, events.known))
    known = join('"', ids, '"')
    return scatter(events.kind.size, [(~events.known, "null"), (events.known, known)])


def _trait(person: Person) -> str:
    """Return `traits` as this person's account has them; not everybody gave a phone."""
    phone = f',"phone":"+44{person.mobile[1:]}"' if person.person_id % 5 else ""
    return (
        f',"traits":{{"email":"{person.emails[0]}","firstName":"{person.given_name}",'
        f'"lastName":"{person.surname}"{phone}}}'
    )


def _traits(activity: Activity, events: Events) -> Text:
    """Return `traits` of the identify calls, nothing of the others."""
    traits = [_trait(person) for person in activity.people]
    rows = events.kind == Kind.LOGGED_IN
    person = activity.visits.person[events.session[rows]]
    return scatter(events.kind.size, [(rows, pick(traits, person))])


def _times(events: Events) -> Text:
    """Return `timestamp`, `sentAt` and `receivedAt` of each line."""
    sent_ms = np.maximum(events.at_ms, events.received_ms - 90)
    return join(
        ',"timestamp":"',
        instants(events.at_ms),
        '","sentAt":"',
        instants(sent_ms),
        '","receivedAt":"',
        instants(events.received_ms),
        '",',
    )


def web_lines(spec: Spec, chunk: int, activity: Activity) -> Text:
    """Return the web events of a chunk as JSON objects, in order of arrival."""
    rng = generator(spec.seed, chunk, "web")
    own = selected(activity.events, activity.of(WEB))
    events, number = sent(rng, spec, own)
    place = activity.identifier[events.session]
    return join(
        '{"messageId":"web-',
        pick(uuids(rng, own.kind.size), number),
        '",',
        _head(events),
        '"anonymousId":"',
        pick(activity.identifiers[WEB], place),
        '","userId":',
        _users(activity, events),
        _times(events),
        context(rng, activity, events),
        ',"properties":{',
        properties(rng, activity, events),
        "}",
        _traits(activity, events),
        "}",
    )
