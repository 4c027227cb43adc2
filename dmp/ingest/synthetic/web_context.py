"""The context of web events: which visitor, on which page, under what consent."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dmp.ingest.synthetic.activity import Activity, consents_at
from dmp.ingest.synthetic.catalogue import (
    CAMPAIGNS,
    LOCALES,
    PAGES,
    REFERRERS,
    SHOP_URL,
    USER_AGENTS,
)
from dmp.ingest.synthetic.columns import Text, join, pick, scatter, text
from dmp.ingest.synthetic.journeys import Events
from dmp.ingest.synthetic.phrases import addresses

_PATHS = list(PAGES)
_TITLES = list(PAGES.values())


def _visitors(rng: np.random.Generator, activity: Activity) -> Text:
    """Return ip, user agent and locale of each visit."""
    visits, people = activity.visits, activity.people
    household = np.array([p.household_id for p in people])[visits.person]
    mobile = rng.random(visits.person.size) < 0.3
    home = 0x64400000 + household % 0x400000
    away = 0xC6120000 + rng.integers(0, 0x20000, visits.person.size)
    agent = (visits.device * 7919 % 101 / 101) ** 1.6 * len(USER_AGENTS)
    locale = np.array([p.person_id * 31 % 97 for p in people])[visits.person]
    locale = np.where(locale < 90, 0, locale % len(LOCALES))
    return join(
        '"ip":"',
        addresses(np.where(mobile, away, home)),
        '","userAgent":"',
        pick(USER_AGENTS, agent.astype(np.int64)),
        '","locale":"',
        pick(LOCALES, locale),
        '",',
    )


def _arrivals(rng: np.random.Generator, n: int) -> tuple[Text, Text, Text]:
    """Return url suffix, referrer and campaign of n visits."""
    paid = rng.random(n) < 0.24
    campaign = (len(CAMPAIGNS) * rng.random(n) ** 1.8).astype(np.int64)
    referrer = (len(REFERRERS) * rng.random(n) ** 2.2).astype(np.int64)
    tags = [f"?utm_source={source}&utm_medium={medium}" for source, medium in CAMPAIGNS]
    told = [
        f'"campaign":{{"source":"{source}","medium":"{medium}"}},'
        for source, medium in CAMPAIGNS
    ]
    place = np.where(paid, 1 + campaign, 0)
    return (
        pick(["", *tags], place),
        pick(REFERRERS, np.where(paid, 0, referrer)),
        pick(["", *told], place),
    )


def _pages(rng: np.random.Generator, activity: Activity, events: Events) -> Text:
    """Return `page` and `campaign` of each line; landing urls name the campaign."""
    tags, referrers, campaigns = _arrivals(rng, activity.visits.person.size)
    landing = np.where(events.before < 0, events.session, len(tags))
    urls = [f"{SHOP_URL}{path}" for path in _PATHS]
    here = [
        f'"page":{{"path":"{path}","title":"{title}","url":"{url}'
        for path, title, url in zip(_PATHS, _TITLES, urls, strict=True)
    ]
    n = events.kind.size
    first = events.before < 0
    before = scatter(
        n,
        [
            (first, pick(referrers, events.session[first])),
            (~first, pick(urls, events.before[~first])),
        ],
    )
    tag = pick(pa.concat_arrays([tags, text([""])]), landing)
    page = join(pick(here, events.page), tag, '","referrer":"', before, '"},')
    return join(page, pick(campaigns, events.session))


def _preferences(analytics: str, advertising: str) -> str:
    """Return `consent` for two states: '' (never asked), 'false' or 'true'."""
    told = (("analytics", analytics), ("advertising", advertising))
    inner = ",".join(f'"{purpose}":{state}' for purpose, state in told if state)
    return f'"consent":{{"categoryPreferences":{{{inner}}}}}'


_STATES = ("", "false", "true")
_PREFERENCES = [_preferences(first, second) for first in _STATES for second in _STATES]


def _consent(activity: Activity, events: Events) -> Text:
    """Return `consent` of each line."""
    person = activity.visits.person[events.session]
    analytics, advertising = (
        consents_at(activity.people, purpose, person, events.at_ms)
        for purpose in ("analytics", "advertising")
    )
    return pick(_PREFERENCES, analytics * 3 + advertising)


def context(rng: np.random.Generator, activity: Activity, events: Events) -> Text:
    """Return `"context":{...}` of each event."""
    visitor = pick(_visitors(rng, activity), events.session)
    page = _pages(rng, activity, events)
    return join('"context":{', visitor, page, _consent(activity, events), "}")
