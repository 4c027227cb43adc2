"""The properties of web events, by what the event is."""

from __future__ import annotations

import numpy as np

from dmp.ingest.synthetic.activity import Activity, in_euros, selected
from dmp.ingest.synthetic.catalogue import PAGES, PLANS, PRODUCTS
from dmp.ingest.synthetic.columns import Text, amounts, join, pick, scatter, whole
from dmp.ingest.synthetic.journeys import Events
from dmp.ingest.synthetic.phrases import queries
from dmp.ingest.synthetic.seeds import Flags
from dmp.ingest.synthetic.walks import Kind

TRACKED = {
    Kind.VIEWED: "Product Viewed",
    Kind.ADDED: "Product Added",
    Kind.STARTED: "Checkout Started",
    Kind.COMPLETED: "Order Completed",
    Kind.SIGNED_UP: "Signed Up",
    Kind.SEARCHED: "Products Searched",
    Kind.SUBSCRIBED: "Newsletter Subscribed",
}
"""Event names of the track calls."""


def _currency(activity: Activity, events: Events) -> Text:
    """Return the currency of each event's prices."""
    return pick(["GBP", "EUR"], in_euros(activity.visits, events.session))


def _product_properties(activity: Activity, events: Events) -> Text:
    """Return the properties of a product seen or added, up to the currency."""
    known = [
        f'"product_id":"{p.product_id}","category":"{p.category}","price":{p.price}'
        for p in PRODUCTS
    ]
    return join(
        pick(known, events.product), ',"currency":"', _currency(activity, events), '"'
    )


def _basket_properties(activity: Activity, kind: Kind, events: Events) -> Text:
    """Return the properties of a checkout started or an order completed."""
    currency = join(',"currency":"', _currency(activity, events), '"')
    if kind == Kind.STARTED:
        return join('"value":', amounts(events.value), currency)
    order = pick(activity.order_ids, events.order)
    total = amounts(events.value)
    return join('"order_id":"', order, '","total":', total, currency)


def _properties_of(
    rng: np.random.Generator, activity: Activity, kind: Kind, events: Events
) -> str | Text:
    """Return what stands in `properties` of events that are all of one kind."""
    if kind in (Kind.VIEWED, Kind.ADDED):
        product = _product_properties(activity, events)
        added = join(product, ',"quantity":', whole(events.quantity))
        return added if kind == Kind.ADDED else product
    if kind in (Kind.STARTED, Kind.COMPLETED):
        return _basket_properties(activity, kind, events)
    if kind == Kind.SIGNED_UP:
        return join('"plan":"', pick(PLANS, events.session % len(PLANS)), '"')
    if kind == Kind.SEARCHED:
        return join('"query":"', queries(rng, activity, events), '"')
    return ""


def properties(rng: np.random.Generator, activity: Activity, events: Events) -> Text:
    """Return what stands in `properties` of each line."""
    shown = [f'"path":"{path}","title":"{title}"' for path, title in PAGES.items()]
    page = events.kind <= Kind.BLOG
    parts: list[tuple[Flags, str | Text]] = [(page, pick(shown, events.page[page]))]
    for kind in TRACKED:
        rows = events.kind == kind
        part = _properties_of(rng, activity, kind, selected(events, rows))
        parts.append((rows, part))
    return scatter(events.kind.size, parts)
