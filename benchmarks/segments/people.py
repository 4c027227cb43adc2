"""The people of a shop in a lake, written set by set, and what they do later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.live_segments import shop
from dmp.core.sql import Query, quote_text
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields, migrate
from dmp.storage.write import append, commit

_PROPERTIES = {"page": "varchar", "category": "varchar", "amount": "double"}
_ATTRIBUTES = {"country": "varchar", "born": "date", "tier": "varchar"}
_VIP = {"attribute": "tier", "op": "eq", "value": "vip"}


def documents() -> list[dict[str, Any]]:
    """Return the fifty segments of the live benchmark, as the lake can answer them.

    Its list is an attribute here, and its orders are the lake's transactions.
    """
    return [_in_lake(document) for document in shop.documents()]


def _in_lake(part: Any) -> Any:
    if part == {"list": {"in": "vip"}}:
        return _VIP
    if isinstance(part, Mapping):
        return {key: _in_lake(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_in_lake(one) for one in part]
    return "transaction" if part == "order" else part


def write(lake: Lake, people: int, events: int) -> None:
    """Write profiles of two subjects each, decisions, and events of 90 days."""
    migrate(lake)
    ensure_fields(lake, "core.event", "properties", _PROPERTIES)
    ensure_fields(lake, "profile.profile", "attributes", _ATTRIBUTES)
    start = quote_text(shop.START.isoformat())
    n = {"n": people}
    tables = {
        "identity.assignment": Query(_ASSIGNMENT.format(start=start), n),
        "identity.profile": Query(_PROFILE, n),
        "profile.profile": Query(_PERSON.format(start=start), n),
        "privacy.consent": Query(_CONSENT.format(start=start), n),
        "core.transaction": Query(_TRANSACTION.format(start=start), n),
    }
    for table, rows in tables.items():
        commit(lake, [append(table, rows)], message=table)
    for part, first in enumerate(range(0, events, 5_000_000)):
        last = min(events, first + 5_000_000)
        add_events(lake, f"range({first}, {last})", people, part, 90 * 86_400)


def do_something(lake: Lake, people: int) -> None:
    """Let one person in a hundred do something in the hour to come."""
    count = people // 100
    first = 10**12
    add_events(lake, f"range({first}, {first + count})", people, 99, -3_000)


def add_events(lake: Lake, numbers: str, people: int, seed: int, back_s: int) -> None:
    """Write events of random people, up to so many seconds before the start."""
    chances = [name for name, weight in shop.NAMES.items() for _ in range(weight)]
    query = _EVENTS.format(
        numbers=numbers,
        subjects=2 * people,
        seed=seed,
        names=chances,
        pages=shop.PAGES,
        categories=shop.CATEGORIES,
        start=quote_text(shop.START.isoformat()),
        back=back_s,
    )
    commit(lake, [append("core.event", Query(query))], message="events")


_ASSIGNMENT = """
select i as subject_id, i // 2 as component_id, i // 2 as profile_key, 'r' as run_id,
    {start}::timestamptz as valid_from
from range(2 * $n) as t(i)
"""
_PROFILE = """
select i as profile_key, 'p' || i as profile_id, 1 as generation from range($n) as t(i)
"""
_PERSON = """
select i as profile_key, 2 as subjects, ['shop'] as sources, {{
    '_': null, 'country': ['GB', 'IE', 'FR'][1 + i % 3],
    'born': date '1960-01-01' + (hash(i) % 16000)::int,
    'tier': case when hash(i, 'tier') % 10 = 0 then 'vip' end
}} as attributes, {start}::timestamptz as valid_from
from range($n) as t(i)
"""
_CONSENT = """
select 2 * i as subject_id, 'advertising' as purpose, 'granted' as status,
    {start}::timestamptz - interval 90 day as captured_at
from range($n) as t(i) where i % 2 = 0
"""
_TRANSACTION = """
select md5(i::varchar)::uuid as transaction_id, hash(i, 'who') % (2 * $n) as subject_id,
    {start}::timestamptz - to_days((hash(i) % 90)::int) as occurred_at,
    5 + hash(i, 'amount') % 145::double as amount
from range(3 * $n) as t(i)
"""
_EVENTS = """
with drawn as (
    select i, hash(i, {seed}) as h, hash(i, {seed}, 'time') as t from {numbers} as r(i)
), named as (
    select *, {names}[1 + (h % 100)::int] as event from drawn
)
select ('00000000-0000-0000-0000-' || lpad(i::varchar, 12, '0'))::uuid as event_id,
    (hash(i, 'who') % {subjects})::bigint as subject_id, event,
    {start}::timestamptz - to_seconds({back} * pow((t % 1000000007) / 1e9, 2))
        as occurred_at,
    {{
        '_': null, 'page': {pages}[1 + (h // 100 % 7)::int],
        'category': {categories}[1 + (h // 1000 % 4)::int],
        'amount': case when event = 'purchased' then 5 + h // 10000 % 145 end::double
    }} as properties
from named order by occurred_at
"""
