"""Who has to be judged again: changed data since a snapshot, and time that passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dmp.core.sql import Query, join, sql
from dmp.segments.masks import Masks
from dmp.segments.population import KEY
from dmp.segments.slices import attributes_sql, changed_sql, passed_sql
from dmp.segments.sources import Population
from dmp.segments.turning import Turning
from dmp.storage.lake import CATALOG, Lake

_OF_SUBJECTS = {"event": "core.event", "transaction": "core.transaction"}
_CONSENT = "privacy.consent"
PEOPLE = ("identity.profile", "profile.profile")
"""The tables that say who there is."""
_OF_PROFILES = ("identity.assignment", *PEOPLE)
_READ = (*_OF_SUBJECTS.values(), _CONSENT, *_OF_PROFILES)
_FEEDS = ("ducklake_table_insertions", "ducklake_table_deletions")
_ADDING = {"tables_inserted_into", "merge_adjacent"}
"""Changes of a table that leave each row that was there as it was."""


@dataclass(frozen=True)
class Base:
    """The evaluation that one is built on.

    Attributes:
        as_of: its instant.
        snapshot: of the lake that it read.
    """

    as_of: datetime
    snapshot: int


@dataclass(frozen=True)
class Changes:
    """What changed in the lake in (since, until], two of its snapshots.

    Attributes:
        kinds: by table, of those that segments read, how it changed.
    """

    since: int
    until: int
    kinds: Mapping[str, frozenset[str]]

    def of(self, *tables: str) -> list[str]:
        """Return those of some tables that changed."""
        return [table for table in tables if table in self.kinds]

    def only_added(self, table: str) -> bool:
        """Say whether all rows that a table had are in it still, unchanged."""
        return self.kinds.get(table, frozenset()) <= _ADDING


def changes(lake: Lake, since: int, until: int) -> Changes:
    """Return what changed between two snapshots, the first of which is still known.

    Tables of one name in two schemas are not told apart: each counts as changed.
    """
    kinds: dict[str, set[str]] = {}
    for kind, number in lake.rows(_CHANGES, since=since, until=until):
        kinds.setdefault(number, set()).add(kind)
    if not kinds:
        return Changes(since, until, {})
    names = dict(lake.rows(_NUMBERS))
    by_name: dict[str, set[str]] = {}
    for number, found in kinds.items():
        by_name.setdefault(names.get(number, ""), set()).update(found)
    told = {table: by_name.get(table.partition(".")[2]) for table in _READ}
    return Changes(since, until, {t: frozenset(k) for t, k in told.items() if k})


_CHANGES = """
select distinct key, unnest(value) from (
    select unnest(map_entries(changes), recursive := true) from lake.snapshots()
    where snapshot_id > $since and snapshot_id <= $until
)
"""
_NUMBERS = f"""
select table_id::varchar, table_name from ducklake_table_info('{CATALOG}')
"""


def snapshots(lake: Lake) -> frozenset[int]:
    """Return those of which the lake can still tell what changed since: they expire."""
    return frozenset(
        number for (number,) in lake.rows("select snapshot_id from lake.snapshots()")
    )


@dataclass(frozen=True)
class Touched:
    """Who has to be judged again.

    Attributes:
        table: `profile_key`, and of which segments the answer may be another.
        masks: how it says which.
        people: how many rows it has.
        pairs: how many segments they are touched for, added up.
        segments: those that anybody is touched for.
    """

    table: str
    masks: Masks
    people: int
    pairs: int
    segments: frozenset[str]

    def is_of(self, segment: str, alias: str = "") -> str:
        """Return the test whether a row is touched for a segment."""
        return self.masks.any_of({segment}, alias)


def nobody(segments: Sequence[str]) -> Touched:
    """Return that nobody is touched: there is no table."""
    return Touched("", Masks(tuple(segments)), 0, 0, frozenset())


def stage_touched(
    lake: Lake,
    name: str,
    base: Base,
    changed: Changes,
    found: Turning,
    population: Population,
    segments: Sequence[str],
) -> Touched:
    """Stage the touched, and return who they are.

    Those with a row that came, changed or went since the base, of their own or of a
    subject that is theirs now, for the segments that rest on such rows; those whose
    profile or share of subjects changed, for all; and those whom time alone can have
    changed, each for the segments where it can. Profiles that are no more are among
    them.

    Args:
        name: of the scratch table.
        base: the evaluation before.
        changed: in the lake since.
        found: how time went on.
        population: everybody; those with conditions that time changes are read.
        segments: those to judge again.
    """
    masks = Masks(tuple(segments))
    parts = list(_parts(base, changed, found, population, masks))
    rows = " union all ".join(f"({part})" for part in parts)
    query = (
        f"select {KEY}, {masks.gathered} from ({rows}) group by {KEY} order by {KEY}"
    )
    table = lake.stage(name, Query(query))
    count, pairs, *bits = lake.row(
        sql(
            "select count(*), coalesce(sum({pairs}), 0)::bigint, {held} from {t}",
            pairs=join((Query(f"bit_count({m})") for m in masks.columns), " + "),
            held=[Query(f"bit_or({m})") for m in masks.columns],
            t=table,
        )
    )
    return Touched(name, masks, int(count), int(pairs), masks.named(bits))


def _parts(
    base: Base,
    changed: Changes,
    found: Turning,
    population: Population,
    masks: Masks,
) -> Iterator[str]:
    """Yield the selects of the touched, each with their segments."""
    every, since = masks.holding(masks.segments), (changed.since, changed.until)
    yield f"select {KEY}, {every} from identity.profile where false"
    for table in changed.of(*_OF_PROFILES):
        yield f"select {KEY}, {every} from ({feed(table, KEY, *since)})"
    deciding = masks.holding(found.deciding)
    subjects = passed_sql(found, population, masks)
    came = {
        entity: feed(table, "*", *since)
        for entity, table in _OF_SUBJECTS.items()
        if changed.of(table)
    }
    subjects += changed_sql(found, population, masks, came)
    if found.deciding and changed.of(_CONSENT):
        decided = feed(_CONSENT, "subject_id", *since)
        subjects.append(f"select subject_id, {deciding} from ({decided})")
    if found.deciding and base.as_of < found.now:
        subjects.append(
            f"select subject_id, {deciding} from {_passed_decisions(found)}"
        )
    if subjects:
        columns = ", ".join(masks.columns)
        yield (
            f"select a.{KEY}, {columns} from ({' union all '.join(subjects)}) as e "
            "join identity.assignment as a using (subject_id) where a.valid_to is null"
        )
    attributes = attributes_sql(found, population, masks)
    if attributes is not None:
        yield attributes


def _passed_decisions(found: Turning) -> str:
    """Return the decisions that as_of passed over: they count now."""
    return (
        f"{_CONSENT} where captured_at > '{found.then.isoformat()}' "
        f"and captured_at <= '{found.now.isoformat()}'"
    )


def feed(table: str, column: str, since: int, until: int) -> str:
    """Return the select of a column of the rows that came or went in (since, until]."""
    if since >= until:
        return f"select {column} from {table} where false"
    schema, _, name = table.partition(".")
    return " union all by name ".join(
        f"select {column} from {function}('{CATALOG}', '{schema}', '{name}', "
        f"{since + 1}, {until})"
        for function in _FEEDS
    )
