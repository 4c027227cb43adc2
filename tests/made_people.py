"""People whose ways are known, written straight into a lake: 180 days of them.

Person n is a shopper (n % 4 == 0), a browser (1), a bargain hunter (2) or quiet (3).
Shoppers buy often and look at garden things, browsers look at books and buy nothing,
bargain hunters buy once in a while by coupon, quiet ones do next to nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from dmp.core.sql import Query
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields
from dmp.storage.write import append, commit

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 180
END = BEGIN + timedelta(days=DAYS)
KINDS = ("shopper", "browser", "bargain", "quiet")
ORDERS, VIEWS = (8, 0, 2, 0), (20, 30, 10, 1)
CATEGORY = ("garden", "books", "coupons", "books")
TIERS = ("gold", "none", "silver", "none")


def profile_id(person: int) -> str:
    return f"p_{person:06d}"


def make_people(lake: Lake, people: int = 400, *, seed: int = 7) -> None:
    """Write people, their events, purchases and consent; one subject each."""
    rng = np.random.default_rng(seed)
    connection = lake.connection
    ensure_fields(lake, "core.event", "properties", {"category": "VARCHAR"})
    ensure_fields(lake, "profile.profile", "attributes", {"loyalty_tier": "VARCHAR"})
    connection.register("made_person", _persons(rng, people))
    connection.register("made_event", _happenings(rng, people, VIEWS))
    connection.register("made_order", _happenings(rng, people, ORDERS))
    commit(lake, [append(table, Query(q)) for table, q in _ROWS.items()], message="m")
    for name in ("made_person", "made_event", "made_order"):
        connection.unregister(name)


def _persons(rng: np.random.Generator, people: int) -> pd.DataFrame:
    n = np.arange(people)
    tiers = np.array(TIERS)[n % 4]
    return pd.DataFrame(
        {
            "n": n,
            "profile_id": [profile_id(one) for one in n],
            "tier": np.where(rng.random(people) < 0.2, "none", tiers),
            "status": np.where(rng.random(people) < 0.7, "granted", "denied"),
        }
    )


def _happenings(
    rng: np.random.Generator, people: int, rates: tuple[int, ...]
) -> pd.DataFrame:
    counts = rng.poisson(np.array(rates)[np.arange(people) % 4])
    n = np.repeat(np.arange(people), counts)
    seconds = rng.integers(0, DAYS * 86400, len(n))
    other = rng.integers(0, 4, len(n))
    kind = np.where(rng.random(len(n)) < 0.8, n % 4, other)
    return pd.DataFrame(
        {
            "n": n,
            "happened_at": pd.Timestamp(BEGIN) + pd.to_timedelta(seconds, unit="s"),
            "category": np.array(CATEGORY)[kind],
            "amount": np.round(rng.gamma(4.0, 12.0, len(n)), 2),
        }
    )


_ROWS = {
    "ops.load": "select 'l' as load_id, 'made' as source, "
    "timestamptz '2026-01-01' as loaded_at",
    "identity.subject": "select n as subject_id, 'made' as source, 'user' as kind, "
    "'l' as load_id, timestamptz '2026-01-01' as first_seen_at from made_person",
    "identity.profile": "select n + 1000 as profile_key, profile_id, 1 as generation "
    "from made_person",
    "identity.assignment": "select n as subject_id, n as component_id, "
    "n + 1000 as profile_key, 'r' as run_id, timestamptz '2026-01-01' as valid_from "
    "from made_person",
    "profile.profile": "select n + 1000 as profile_key, 1 as subjects, "
    "['made'] as sources, struct_pack(_ := null::boolean, loyalty_tier := tier) "
    "as attributes, timestamptz '2026-01-01' as valid_from from made_person",
    "core.event": "select uuid() as event_id, n as subject_id, 'made' as source, "
    "'l' as load_id, 'product_viewed' as event, happened_at as occurred_at, "
    "happened_at as received_at, "
    "'web' as platform, false as is_clamped, struct_pack(_ := null::boolean, "
    "category := category) as properties from made_event",
    "core.transaction": "select uuid() as transaction_id, n as subject_id, "
    "'made' as source, 'l' as load_id, happened_at as occurred_at, amount, "
    "'GBP' as currency, "
    "1 as quantity, category, happened_at as recorded_at, "
    "false as is_clamped from made_order",
    "privacy.consent": "select n as subject_id, 'advertising' as purpose, status, "
    "'consent' as legal_basis, 'made' as source_string, "
    "timestamptz '2026-01-01' as captured_at, 'made' as source, 'l' as load_id "
    "from made_person",
}
