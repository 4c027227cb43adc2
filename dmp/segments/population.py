"""The people of a workspace, as compiled rules read them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dmp.core.sql import Name, Query, quote_name, quote_text, sql
from dmp.core.traits import TRAITS, at_snapshot, traits_sql
from dmp.segments.computed import traits_query, with_traits
from dmp.segments.lists import list_views
from dmp.segments.rule import Computed
from dmp.segments.sources import Population, RelatedTable
from dmp.storage.lake import Lake
from dmp.storage.migrate import struct_fields

KEY = "profile_key"

_EVENTS = """
select a.profile_key, e.event_id, e.event, e.occurred_at, e.properties
from core.event as e{at}
join ({standing}) as a using (subject_id)
"""
_TRANSACTIONS = """
select a.profile_key, t.occurred_at, t.amount, t.currency, t.quantity, t.category,
    t.source
from core.transaction as t{at}
join ({standing}) as a using (subject_id)
"""
_CONSENT = """
select a.profile_key, c.purpose, c.status, c.captured_at
from privacy.consent as c{at}
join ({standing}) as a using (subject_id)
"""
_SUBJECTS = """
select subject_id, profile_key from identity.assignment as a{at} where {standing}
"""
_PUBLIC = """
select p.profile_id, r.* exclude ({key}) from {rows} as r
join person as p using ({key})
where {instant} <= {as_of}::timestamptz
"""
_PUBLIC_VIEWS = {
    "profiles": "public_profile",
    "events": "public_event",
    "transaction": "public_transaction",
    "consent": "public_consent",
}
_ROWS = {"event": _EVENTS, "transaction": _TRANSACTIONS, "consent": _CONSENT}
_COUNTED = {"subjects": "BIGINT", "sources": "VARCHAR[]"}
_TRANSACTION_COLUMNS = {
    "occurred_at": "TIMESTAMP WITH TIME ZONE",
    "amount": "DOUBLE",
    "currency": "VARCHAR",
    "quantity": "BIGINT",
    "category": "VARCHAR",
    "source": "VARCHAR",
}


@dataclass(frozen=True)
class Among:
    """Some people only, and the lake as it was.

    Attributes:
        people: a relation with the `profile_key` of each.
        prefix: of the names of what is staged, in the place of `person`.
        snapshot: of the lake; None is the newest.
        is_staged: whether what they did is staged, since it is read again and again.
    """

    people: str
    prefix: str
    snapshot: int | None = None
    is_staged: bool = False


def workspace_population(
    lake: Lake,
    as_of: datetime,
    among: Among | None = None,
    *,
    known_at: datetime | None = None,
    traits: Sequence[Computed] = (),
) -> Population:
    """Stage the people of the lake and say where compiled rules find them.

    Stages `person`, one row a standing profile: `profile_key`, `profile_id`,
    `sources`, `subjects`, one column for each attribute as it is now, and one for each
    computed trait as it was at `as_of`; and the scratch views `person_event`,
    `person_transaction`, `person_consent`, which join rows to their profile of now; and
    what `sql` nodes read, `public_…`, and the static lists, `list_…`. A rule's as_of
    bounds what of these counts. Of some people only, what `sql` and `list` read is not
    there.

    With `known_at`, attributes and who is who are those that held at that instant. With
    `traits`, those that an operator defines are computed too.
    """
    population = population_of(lake, as_of, among, known_at=known_at, traits=traits)
    stage_people(lake, population, as_of, among, known_at=known_at)
    return population


def population_of(
    lake: Lake,
    as_of: datetime,
    among: Among | None = None,
    *,
    known_at: datetime | None = None,
    traits: Sequence[Computed] = (),
) -> Population:
    """Do what `workspace_population` does, with the people yet to be staged."""
    name = among.prefix if among else "person"
    attributes = {**struct_fields(lake, "profile.profile", "attributes"), **TRAITS}
    standing = _standing("a", among, known_at)
    subjects = _SUBJECTS.format(at=_at(among), standing=standing)
    for entity, rows in _ROWS.items():
        query = Query(rows.format(at=_at(among), standing=subjects))
        show = lake.stage if among and among.is_staged else lake.view
        show(f"{name}_{entity}", query)
    population = Population(
        profiles=name,
        key=KEY,
        text_id="profile_id",
        attributes={**attributes, **_COUNTED},
        events=f"{name}_event",
        typed_properties=struct_fields(lake, "core.event", "properties"),
        related={
            "transaction": RelatedTable(f"{name}_transaction", _TRANSACTION_COLUMNS)
        },
        consent=f"{name}_consent",
        lists={} if among else list_views(lake, as_of),
        views={} if among else _PUBLIC_VIEWS,
        ordered_ids=True,
    )
    return with_traits(population, traits)


def stage_people(
    lake: Lake,
    population: Population,
    as_of: datetime,
    among: Among | None = None,
    *,
    read: Collection[str] | None = None,
    known_at: datetime | None = None,
) -> None:
    """Stage the people of a population with their traits at an instant.

    Args:
        read: the attributes and traits that somebody is going to read; None is all.
            Traits that nobody reads are left out, for they cost a pass over the events.
    """
    defined = [t for t in population.traits if read is None or t.name in read]
    told = [name for name in TRAITS if read is None or name in read]
    plain = _plain(population)
    if among is not None and read is not None:
        plain = [name for name in plain if name in read]
    computed = None
    if told:
        computed = traits_sql(
            as_of.isoformat(),
            among=among.people if among else "",
            snapshot=among.snapshot if among else None,
            standing=held("", known_at),
        )
    query = _people(plain, told, computed, among, known_at)
    lake.stage(population.profiles, sql("{q} order by p.profile_key", q=query))
    if defined:
        _add_computed(lake, replace(population, traits=tuple(defined)), as_of)
    if among is None:
        _make_public_views(lake, as_of)


def plain_people(lake: Lake, population: Population) -> Population:
    """Show the people of now with their attributes, without traits; stage nothing."""
    name, plain = f"{population.profiles}_plain", _plain(population)
    lake.view(name, _people(plain, [], None, None, None))
    return replace(population, profiles=name)


def _plain(population: Population) -> list[str]:
    """Return the attributes that are stored with the profile."""
    others = {*_COUNTED, *TRAITS, *(trait.name for trait in population.traits)}
    return [name for name in population.attributes if name not in others]


def _people(
    plain: Sequence[str],
    told: Sequence[str],
    computed: Query | None,
    among: Among | None,
    known_at: datetime | None,
) -> Query:
    """Return the select of people with some attributes, and some computed traits."""
    columns = [f", p.attributes.{quote_name(name)}" for name in plain]
    columns += [f", t.{quote_name(name)}" for name in told]
    query = sql(
        "select p.profile_key, i.profile_id, p.subjects, p.sources{columns} "
        "from profile.profile as p{at} "
        "join identity.profile as i{at} using (profile_key)",
        columns=Query("".join(columns)),
        at=Query(_at(among)),
    )
    if computed is not None:
        join = "{q} left join ({computed}) as t using (profile_key)"
        query = sql(join, q=query, computed=computed)
    return sql("{q} where {s}", q=query, s=Query(_standing("p", among, known_at)))


def _add_computed(lake: Lake, population: Population, as_of: datetime) -> None:
    """Put the traits that operators define beside the attributes of the staged."""
    people = Name(population.profiles)
    computed = traits_query(population, as_of).sql("duckdb")
    query = sql(
        "select * from {people} join ({c}) using (profile_key) order by profile_key",
        people=people,
        c=Query(computed),
    )
    added = lake.stage(f"{population.profiles}_computed", query)
    lake.stage(population.profiles, sql("select * from {added}", added=added))


def _make_public_views(lake: Lake, as_of: datetime) -> None:
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


def _at(among: Among | None) -> str:
    return at_snapshot(among.snapshot) if among else ""


def _standing(alias: str, among: Among | None, known_at: datetime | None) -> str:
    chosen = (
        f" and {alias}.{KEY} in (select {KEY} from {among.people})" if among else ""
    )
    return held(f"{alias}.", known_at) + chosen


def held(alias: str, known_at: datetime | None) -> str:
    """Return the condition on versions that hold now, or that held at an instant.

    Args:
        alias: of their relation with its dot, or empty.
        known_at: the instant; None is now.
    """
    if known_at is None:
        return f"{alias}valid_to is null"
    at = f"{quote_text(known_at.isoformat())}::timestamptz"
    until = f"({alias}valid_to is null or {alias}valid_to > {at})"
    return f"{alias}valid_from <= {at} and {until}"
