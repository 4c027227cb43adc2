"""Fifty mixed segments of a shop, its people, and what they do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from dmp.segments import Segment, parse
from dmp.segments.live import Decision, Event, Profile

START = datetime(2025, 5, 1, tzinfo=UTC)
NAMES = {
    "page_viewed": 40,
    "product_viewed": 20,
    "search_run": 10,
    "cart_added": 8,
    "cart_removed": 2,
    "checkout_begun": 4,
    "purchased": 3,
    "email_opened": 6,
    "email_clicked": 3,
    "app_opened": 3,
    "signed_in": 1,
}
PAGES = ["/", "/pricing", "/sale", "/shoes", "/help", "/blog", "/jobs"]
CATEGORIES = ["shoes", "shirts", "books", "toys"]
BEHIND = timedelta(days=90)


def segments() -> list[Segment]:
    """Return fifty segments: every node that runs live, with windows of all forms."""
    return [parse(document) for document in documents()]


def documents() -> list[dict[str, Any]]:
    """Return the fifty segments as a file writes them."""
    rules = [*_counts(), *_windows(), *_order(), *_profile(), *_joined()]
    return [
        {"segment": f"s{n}", "timezone": "Europe/London", "rule": rule}
        for n, rule in enumerate(rules)
    ]


def _did(event: str, **more: Any) -> dict[str, Any]:
    return {"did": {"event": event, **more}}


def _is(name: str, value: Any, op: str = "eq") -> dict[str, Any]:
    return {"property": name, "op": op, "value": value}


def _last(n: int, unit: str = "day", **more: Any) -> dict[str, Any]:
    return {"last": n, "unit": unit, **more}


def _counts() -> Iterator[dict[str, Any]]:
    for page in ("/pricing", "/sale", "/jobs"):
        where = [_is("page", page)]
        times = {"op": "gte", "value": 3}
        yield _did("page_viewed", where=where, times=times, within=_last(7))
    for category in CATEGORIES:
        where = [_is("category", category)]
        yield _did("product_viewed", where=where, within=_last(48, "hour"))
    for n in (1, 3, 5):
        times = {"op": "gte", "value": n}
        yield _did("purchased", times=times, within=_last(90))
    for agg, value in (("sum", 200), ("avg", 50), ("max", 120), ("min", 10)):
        total = {"property": "amount", "agg": agg, "op": "gte", "value": value}
        yield _did("purchased", total=total, within=_last(30))
    total = {"property": "category", "agg": "distinct", "op": "gte", "value": 3}
    yield _did("product_viewed", total=total, within=_last(7))


def _windows() -> Iterator[dict[str, Any]]:
    calendar = {"mode": "calendar", "include_today": True}
    yield _did("app_opened", within=_last(7, **calendar))
    yield _did("signed_in", within=_last(1, "month", **calendar))
    yield _did("purchased", within=_last(1, "month"))
    yield _did("email_opened", within={"from_ago": 14, "to_ago": 7, "unit": "day"})
    yield _did("cart_added", within={"from": "2025-05-02", "to": "2025-05-05"})
    yield {"not": _did("signed_in", within=_last(30))}
    active = {"active": _last(30), "silent": _last(7)}
    for event in ("purchased", "app_opened", "email_clicked"):
        yield {"lifecycle": {"event": event, "state": "stopped", **active}}
    yield {"lifecycle": {"event": "purchased", "state": "restarted", **active}}
    per = {"per": {"unit": "week"}, "times": 1, "at_least": 3, "of": 4}
    yield {"lifecycle": {"event": "app_opened", "state": "regularly", **per}}
    first = {"state": "first_time", "within": _last(14)}
    yield {"lifecycle": {"event": "purchased", **first}}


def _order() -> Iterator[dict[str, Any]]:
    begun, bought = {"event": "checkout_begun"}, {"event": "purchased"}
    hour, day = {"lte": 1, "unit": "hour"}, {"lte": 1, "unit": "day"}
    yield {"sequence": {"steps": [{"event": "cart_added"}, begun], "within": _last(7)}}
    left = {**bought, "gap": hour, "absent": True}
    yield {"sequence": {"steps": [begun, left], "within": _last(7)}}
    steps = [{"event": "email_clicked"}, {"event": "product_viewed", "gap": hour}]
    yield {"sequence": {"steps": steps, "within": _last(7)}}
    steps = [{"event": "cart_added"}, {**begun, "gap": day}, {**bought, "gap": day}]
    yield {"sequence": {"steps": steps, "within": _last(30)}}
    steps = [{"event": "search_run"}, {"event": "cart_added", "immediately": True}]
    yield {"sequence": {"steps": steps, "within": _last(1)}}
    for latest, page in (("last", "/pricing"), ("last", "/help"), ("first", "/sale")):
        has = [_is("page", page)]
        yield {latest: {"event": "page_viewed", "within": _last(7), "has": has}}
    has = [_is("amount", 100, "gte")]
    yield {"last": {"event": "purchased", "has": has}}


def _profile() -> Iterator[dict[str, Any]]:
    yield {"attribute": "country", "op": "in", "value": ["GB", "IE"]}
    yield {"attribute": "born", "op": "older_than", "value": 18, "unit": "year"}
    soon = {"value": 30, "unit": "day"}
    yield {"attribute": "born", "op": "anniversary_in_next", **soon}
    yield {"consent": {"purpose": "advertising", "status": "granted"}}
    yield {"list": {"in": "vip"}}
    yield {"sample": {"percent": 10, "salt": "spring"}}
    dear = [_is("amount", 100, "gte")]
    quantifier = {"at_least": 2}
    yield {"related": {"entity": "order", "quantifier": quantifier, "where": dear}}


def _joined() -> Iterator[dict[str, Any]]:
    yield {"all": [{"segment": {"in": "s0"}}, {"segment": {"not_in": "s7"}}]}
    yield {"all": [_did("cart_added", within=_last(2)), {"not": _did("purchased")}]}
    yield {"any": [_did("email_clicked", within=_last(3)), {"list": {"in": "vip"}}]}
    gb = {"attribute": "country", "op": "eq", "value": "GB"}
    yield {"all": [gb, _did("product_viewed", within=_last(1))]}
    yield {"all": [gb, {"segment": {"in": "s11"}}, {"not": {"segment": {"in": "s1"}}}]}
    granted = {"consent": {"purpose": "advertising", "status": "granted"}}
    yield {"all": [granted, {"any": [{"segment": {"in": "s2"}}, gb]}]}
    yield {"not": {"any": [_did("app_opened", within=_last(14)), granted]}}


def event(random: Random, number: int, person: str, at: datetime) -> Event:
    """Return one thing that somebody does."""
    (name,) = random.choices(list(NAMES), list(NAMES.values()))
    given: dict[str, Any] = {"page": random.choice(PAGES), "device": "phone"}
    if name in ("product_viewed", "cart_added", "purchased"):
        given["category"] = random.choice(CATEGORIES)
    if name == "purchased":
        given["amount"] = round(random.uniform(5, 150), 2)
    return Event(f"{number:032x}", person, name, at, given)


def profile(random: Random, number: int, history: int) -> Profile:
    """Return a person with a history of about so many events, the newest days full."""
    name = f"p{number}"
    events = [
        event(random, number * 1_000 + n, name, START - BEHIND * random.random() ** 2)
        for n in range(random.randint(history // 2, history * 3 // 2))
    ]
    granted = Decision("advertising", "granted", START - BEHIND)
    return Profile(
        name,
        {"country": random.choice(["GB", "IE", "FR"]), "born": "1990-05-14"},
        events,
        {"order": [{"amount": random.uniform(5, 150)} for _ in range(3)]},
        [granted] if random.random() < 0.5 else [],
        frozenset({"vip"} if random.random() < 0.1 else ()),
    )
