"""What is true, kept beside the sources so that every result can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from dmp.ingest.synthetic.activity import Activity
from dmp.ingest.synthetic.columns import Text
from dmp.ingest.synthetic.consent import PURPOSES
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import Flags, Ints
from dmp.ingest.synthetic.spec import SOURCES

_INSTANT = pa.timestamp("us", tz="UTC")

SUBJECT_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("kind", pa.string()),
        ("key", pa.string()),
        ("person_id", pa.int64()),
        ("share", pa.float64()),
    ]
)
"""One row per (source, kind, key) and person; shares of a key add up to 1."""

CONSENT_SCHEMA = pa.schema(
    [
        ("person_id", pa.int64()),
        ("purpose", pa.string()),
        ("status", pa.string()),
        ("decided_at", _INSTANT),
    ]
)
"""One row per person and purpose: granted, denied or unknown (never asked)."""

REFUSED_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("field", pa.string()),
        ("what", pa.string()),
    ]
)
"""One row per planted fault. `line` counts from 1: in a CSV file the header is line 1,
in a Parquet file it is the row."""

PEOPLE_SCHEMA = pa.schema(
    [
        ("person_id", pa.int64()),
        ("household_id", pa.int64()),
        ("role", pa.string()),
        ("gender", pa.string()),
        ("birth_date", pa.date32()),
        ("given_name", pa.string()),
        ("nickname", pa.string()),
        ("surname", pa.string()),
        ("surname_before", pa.string()),
        ("surname_changed_at", _INSTANT),
        ("emails", pa.list_(pa.string())),
        ("family_email", pa.string()),
        ("mobile", pa.string()),
        ("landline", pa.string()),
        ("address", pa.string()),
        ("city", pa.string()),
        ("postcode", pa.string()),
        ("address_before", pa.string()),
        ("postcode_before", pa.string()),
        ("moved_at", _INSTANT),
        ("twin_of", pa.int64()),
        ("namesake_of", pa.int64()),
        ("account_ids", pa.list_(pa.string())),
    ]
)
"""One row per person as of `until`; empty texts are null."""


@dataclass
class Subjects:
    """Collects which person stands behind which key."""

    columns: dict[str, list[object]] = field(
        default_factory=lambda: {name: [] for name in SUBJECT_SCHEMA.names}
    )

    def add(
        self,
        source: str,
        kind: str,
        keys: Sequence[str],
        person_ids: Sequence[int],
        shares: Sequence[float] | None = None,
    ) -> None:
        """Add one row per key and person; without shares the key is theirs alone."""
        n = len(keys)
        self.columns["source"] += [source] * n
        self.columns["kind"] += [kind] * n
        self.columns["key"] += keys
        self.columns["person_id"] += person_ids
        self.columns["share"] += [1.0] * n if shares is None else shares

    def table(self) -> pa.Table:
        """Return the rows so far, in order of source, kind, key and person."""
        table = pa.table(self.columns, schema=SUBJECT_SCHEMA)
        order = ("source", "kind", "key", "person_id")
        return table.sort_by([(name, "ascending") for name in order])


def instant(at_ms: int) -> datetime:
    """Return epoch milliseconds as a UTC instant."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _counted(
    keys: Text, place: Ints, person: Ints, n_people: int
) -> tuple[list[str], Ints, list[float]]:
    """Return key, person and share of the events of each key, for keys in use."""
    pairs, count = np.unique(place * n_people + person, return_counts=True)
    key, who = np.divmod(pairs, n_people)
    total = np.bincount(key, weights=count)
    shares = np.round(count / total[key], 6)
    return keys.take(pa.array(key)).to_pylist(), who, shares.tolist()


def online_subjects(subjects: Subjects, activity: Activity, source: int) -> None:
    """Add the accounts and anonymous ids seen in the events of `WEB` or `APP`."""
    visits, events = activity.visits, activity.events
    ids = np.array([person.person_id for person in activity.people])
    seen: Flags = activity.of(source)
    known = seen & events.known
    parts = (
        ("device", activity.identifiers[source], activity.identifier, seen),
        ("user", activity.accounts, visits.account, known),
    )
    for kind, keys, place, rows in parts:
        visit = events.session[rows]
        found, who, shares = _counted(
            keys, place[visit], visits.person[visit], len(ids)
        )
        subjects.add(SOURCES[source], kind, found, ids[who].tolist(), shares)


def consent_table(people: Sequence[Person]) -> pa.Table:
    """Return where each person stands in the end on each purpose."""
    rows = []
    for person in people:
        for purpose in PURPOSES:
            made = person.consent.get(purpose)
            status = (
                ("granted" if made[-1].granted else "denied") if made else "unknown"
            )
            at = instant(made[-1].at_ms) if made else None
            rows.append((person.person_id, purpose, status, at))
    return pa.table(list(map(list, zip(*rows, strict=True))), schema=CONSENT_SCHEMA)


def _move(person: Person) -> tuple[object, ...]:
    """Return line and postcode of the address before, and when it was left."""
    before = person.home_before
    if before is None:
        return None, None, None
    return before.line, before.postcode, instant(person.moved_ms)


def _truth(person: Person) -> tuple[object, ...]:
    """Return a person as a row of `PEOPLE_SCHEMA`."""
    return (
        person.person_id,
        person.household_id,
        person.role,
        person.gender,
        person.born,
        person.given_name,
        person.nickname or None,
        person.surname,
        person.surname_before or None,
        instant(person.married_ms) if person.surname_before else None,
        list(person.emails),
        person.family_email or None,
        person.mobile,
        person.landline or None,
        person.home.line,
        person.home.city,
        person.home.postcode,
        *_move(person),
        person.twin_of,
        person.namesake_of,
        list(person.account_ids),
    )


def people_table(people: Sequence[Person]) -> pa.Table:
    """Return the people as a table, one row a person."""
    columns = zip(*map(_truth, people), strict=True)
    return pa.table(list(map(list, columns)), schema=PEOPLE_SCHEMA)
