"""The people of a workspace, as compiled rules read them."""

from __future__ import annotations

from datetime import datetime

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.core.traits import TRAITS, traits_sql
from dmp.segments.lists import list_views
from dmp.segments.sources import Population, RelatedTable
from dmp.storage.lake import Lake
from dmp.storage.migrate import struct_fields

KEY = "profile_key"

_EVENTS = """
select a.profile_key, e.event_id, e.event, e.occurred_at, e.properties
from core.event as e
join identity.assignment as a using (subject_id)
where a.valid_to is null
"""
_TRANSACTIONS = """
select a.profile_key, t.occurred_at, t.amount, t.currency, t.quantity, t.category,
    t.source
from core.transaction as t
join identity.assignment as a using (subject_id)
where a.valid_to is null
"""
_CONSENT = """
select a.profile_key, c.purpose, c.status, c.captured_at
from privacy.consent as c
join identity.assignment as a using (subject_id)
where a.valid_to is null
"""
_PUBLIC = """
select p.profile_id, r.* exclude ({key}) from {rows} as r
join person as p using ({key})
where {instant} <= {as_of}::timestamptz
"""
_TRANSACTION_COLUMNS = {
    "occurred_at": "TIMESTAMP WITH TIME ZONE",
    "amount": "DOUBLE",
    "currency": "VARCHAR",
    "quantity": "BIGINT",
    "category": "VARCHAR",
    "source": "VARCHAR",
}


def workspace_population(lake: Lake, as_of: datetime) -> Population:
    """Stage the people of the lake and say where compiled rules find them.

    Stages `person`, one row a standing profile: `profile_key`, `profile_id`,
    `sources`, `subjects`, one column for each attribute as it is now, and one for each
    computed trait as it was at `as_of`; and the scratch views `person_event`,
    `person_transaction`, `person_consent`, which join rows to their profile of now; and
    what `sql` nodes read, `public_…`, and the static lists, `list_…`. A rule's as_of
    bounds what of these counts.
    """
    attributes = {**struct_fields(lake, "profile.profile", "attributes"), **TRAITS}
    columns = "".join(
        f", {'t' if name in TRAITS else 'p.attributes'}.{quote_name(name)} "
        f"as {quote_name(name)}"
        for name in attributes
    )
    lake.stage(
        "person",
        sql(
            "select p.profile_key, i.profile_id, p.subjects, p.sources{columns} "
            "from profile.profile as p join identity.profile as i using (profile_key) "
            "left join ({traits}) as t using (profile_key) "
            "where p.valid_to is null order by p.profile_key",
            columns=Query(columns),
            traits=traits_sql(as_of.isoformat()),
        ),
    )
    lake.view("person_event", Query(_EVENTS))
    lake.view("person_transaction", Query(_TRANSACTIONS))
    lake.view("person_consent", Query(_CONSENT))
    return Population(
        profiles="person",
        key=KEY,
        text_id="profile_id",
        attributes={**attributes, "subjects": "BIGINT", "sources": "VARCHAR[]"},
        events="person_event",
        typed_properties=struct_fields(lake, "core.event", "properties"),
        related={
            "transaction": RelatedTable("person_transaction", _TRANSACTION_COLUMNS)
        },
        consent="person_consent",
        lists=list_views(lake, as_of),
        views=_public_views(lake, as_of),
    )


def _public_views(lake: Lake, as_of: datetime) -> dict[str, str]:
    """Make what `sql` nodes read: rows up to as_of under the public profile_id."""
    lake.view("public_profile", Query(f"select * exclude ({KEY}) from person"))
    instants = {
        "event": "occurred_at",
        "transaction": "occurred_at",
        "consent": "captured_at",
    }
    for name, instant in instants.items():
        rows = sql(
            _PUBLIC,
            key=Name(KEY),
            rows=Name(f"person_{name}"),
            instant=Name(instant),
            as_of=Query(quote_text(as_of.isoformat())),
        )
        lake.view(f"public_{name}", rows)
    return {
        "profiles": "public_profile",
        "events": "public_event",
        "transaction": "public_transaction",
        "consent": "public_consent",
    }
