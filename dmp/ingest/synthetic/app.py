"""App events: the same behaviour as on the web under other names, one JSON a line."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from dmp.ingest.synthetic.activity import (
    Activity,
    consents_at,
    known_accounts,
    selected,
    sent,
)
from dmp.ingest.synthetic.catalogue import APP_VERSIONS, MODELS, PAGES, PLANS, PRODUCTS
from dmp.ingest.synthetic.columns import (
    Text,
    amounts,
    join,
    pick,
    scatter,
    uuids,
    whole,
)
from dmp.ingest.synthetic.journeys import Events
from dmp.ingest.synthetic.phrases import queries
from dmp.ingest.synthetic.seeds import Flags, generator
from dmp.ingest.synthetic.sessions import APP
from dmp.ingest.synthetic.spec import Spec
from dmp.ingest.synthetic.walks import Kind

NAMES = {
    Kind.VIEWED: "product_view",
    Kind.ADDED: "add_to_cart",
    Kind.STARTED: "begin_checkout",
    Kind.COMPLETED: "purchase",
    Kind.SIGNED_UP: "sign_up",
    Kind.SEARCHED: "search",
    Kind.LOGGED_IN: "login",
}
"""Event names of what is no screen view."""


def _product_params(events: Events) -> Text:
    """Return the parameters of a product seen or added."""
    known = [
        f'"item_id":"{p.product_id}","item_category":"{p.category}","price":{p.price},'
        '"currency":"GBP"'
        for p in PRODUCTS
    ]
    return pick(known, events.product)


def _params_of(
    rng: np.random.Generator, activity: Activity, kind: Kind, events: Events
) -> str | Text:
    """Return what stands in `params` of events that are all of one kind."""
    if kind == Kind.VIEWED:
        return _product_params(events)
    if kind == Kind.ADDED:
        return join(_product_params(events), ',"quantity":', whole(events.quantity))
    if kind == Kind.STARTED:
        return join('"value":', amounts(events.value), ',"currency":"GBP"')
    if kind == Kind.COMPLETED:
        order = pick(activity.order_ids, events.order)
        value = amounts(events.value)
        return join(
            '"transaction_id":"', order, '","value":', value, ',"currency":"GBP"'
        )
    if kind == Kind.SIGNED_UP:
        return join('"plan":"', pick(PLANS, events.session % len(PLANS)), '"')
    if kind == Kind.SEARCHED:
        return join('"query":"', queries(rng, activity, events), '"')
    return ""


def _params(rng: np.random.Generator, activity: Activity, events: Events) -> Text:
    """Return what stands in `params` of each line."""
    parts: list[tuple[Flags, str | Text]] = []
    for kind in NAMES:
        rows = events.kind == kind
        part = _params_of(rng, activity, kind, selected(events, rows))
        parts.append((rows, part))
    return scatter(events.kind.size, parts)


def _devices(rng: np.random.Generator, activity: Activity) -> Text:
    """Return `device` for each install id of the chunk; some have no advertising id."""
    ids = activity.identifiers[APP]
    n = len(ids)
    device = np.arange(n) // 4
    model = ((device * 7919 % 211 / 211) ** 1.3 * len(MODELS)).astype(np.int64)
    models = [f'"os":"{system}","model":"{model}",' for system, model in MODELS]
    hidden = rng.random(n) < 0.45
    ad_ids = join('"', pc.utf8_upper(uuids(rng, n)), '"')
    shown = ad_ids.filter(~hidden)
    ad_id = scatter(n, [(hidden, "null"), (~hidden, shown)])
    return join(
        '"device":{"install_id":"',
        ids,
        '",',
        pick(models, model),
        '"ad_id":',
        ad_id,
        "}",
    )


def _users(activity: Activity, events: Events) -> Text:
    """Return `user` of each line; the e-mail is there on login only."""
    login = events.kind == Kind.LOGGED_IN
    known = events.known & ~login
    person = activity.visits.person[events.session[login]]
    emails = pick([p.emails[0] for p in activity.people], person)
    accounts = [
        known_accounts(activity, selected(events, rows)) for rows in (known, login)
    ]
    return scatter(
        events.kind.size,
        [
            (~events.known, '"user":{"account_id":null}'),
            (known, join('"user":{"account_id":"', accounts[0], '"}')),
            (
                login,
                join(
                    '"user":{"account_id":"', accounts[1], '","email":"', emails, '"}'
                ),
            ),
        ],
    )


def _consents(activity: Activity, events: Events) -> Text:
    """Return what stands in `consents` of each line."""
    told = ("", "denied", "granted")
    person = activity.visits.person[events.session]
    ads, analytics = (
        consents_at(activity.people, purpose, person, events.at_ms)
        for purpose in ("advertising", "analytics")
    )
    states = [
        ",".join(
            f'"{p}":"{state}"' for p, state in (("ads", a), ("analytics", b)) if state
        )
        for a in told
        for b in told
    ]
    return pick(states, ads * 3 + analytics)


def _heads(events: Events) -> Text:
    """Return `event_name` and `screen` of each line."""
    names = [f'"{NAMES.get(kind, "screen_view")}"' for kind in Kind]
    screens = [f',"screen":"{path}",' for path in PAGES]
    return join('"event_name":', pick(names, events.kind), pick(screens, events.page))


def _versions(events: Events) -> Text:
    """Return the app version of each event; most visits are made with the newest."""
    version = (events.session * 7919 % 101 / 101) ** 2 * len(APP_VERSIONS)
    return pick(APP_VERSIONS, version.astype(np.int64))


def app_lines(spec: Spec, chunk: int, activity: Activity) -> Text:
    """Return the app events of a chunk as JSON objects, in order of arrival."""
    rng = generator(spec.seed, chunk, "app")
    own = selected(activity.events, activity.of(APP))
    events, number = sent(rng, spec, own)
    return join(
        '{"uuid":"app-',
        pick(uuids(rng, own.kind.size), number),
        '",',
        _heads(events),
        '"ts":',
        whole(events.at_ms),
        ',"received_ts":',
        whole(events.received_ms),
        ",",
        pick(_devices(rng, activity), activity.identifier[events.session]),
        ",",
        _users(activity, events),
        ',"params":{',
        _params(rng, activity, events),
        '},"consents":{',
        _consents(activity, events),
        '},"app_version":"',
        _versions(events),
        '"}',
    )
