"""What a data partner sells: interests under hashed addresses and universal ids."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from dmp.ingest.synthetic.contacts import sha256_hex, uid2
from dmp.ingest.synthetic.odds import Odds, chance
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import coded
from dmp.ingest.synthetic.seeds import dice as stream
from dmp.ingest.synthetic.spec import DAY_MS, Spec
from dmp.ingest.synthetic.tables import Rows, refusing
from dmp.ingest.synthetic.truth import Subjects

COLUMNS = (
    "partner_id",
    "email_sha256",
    "uid2",
    "interest",
    "income_band",
    "advertising_consent",
    "consented_at",
    "updated_at",
)
INTERESTS = Odds.of(
    ("travel", "fashion", "tech", "sport", "home", "food"), (26, 20, 18, 14, 12, 10)
)
INCOME_BANDS = Odds.of(("A", "B", "C", "D", "E"), (8, 20, 34, 26, 12))

_KNOWN = 0.6
_TWICE = 0.16
_BAD = 0.007
_IDS_PER_PERSON = 3


def _instant(at_ms: int) -> str:
    """Return epoch milliseconds as `2026-05-01T09:30:00Z`."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _ids(dice: random.Random, email: str) -> tuple[str, str]:
    """Return hash and UID2 of an address; one of the two may be missing."""
    hashed = sha256_hex(email)
    if chance(dice, 0.18):
        hashed = hashed.upper()
    roll = dice.random()
    return (
        "" if roll < 0.15 else hashed,
        "" if roll > 0.55 else uid2(email),
    )


def _row(
    dice: random.Random, spec: Spec, person: Person, number: str
) -> tuple[str, ...]:
    """Return what the partner knows of a person at some instant of the last year."""
    at_ms = spec.until_ms - 1 - int(dice.random() * 365 * DAY_MS)
    decision = person.decision_at("advertising", at_ms)
    granted = decision is not None and decision.granted
    return (
        number,
        *_ids(dice, dice.choice(person.emails)),
        INTERESTS.pick(dice),
        INCOME_BANDS.pick(dice),
        ("granted" if granted else "denied") if decision else "",
        _instant(decision.at_ms) if decision else "",
        _instant(at_ms),
    )


def _planted(row: tuple[str, ...], number: str) -> tuple[str, ...]:
    """Return a row whose hash lost its end, under a number of its own."""
    return (number, sha256_hex(number)[:61], *row[2:])


def partner_rows(
    spec: Spec, chunk: int, people: Sequence[Person], subjects: Subjects
) -> Rows:
    """Return the partner's rows of a chunk, and add their keys to the truth.

    Refused rows bear an id that no other row has; it is not among the subjects.
    """
    dice = stream(spec.seed, chunk, "partner")
    first = chunk * spec.chunk_people * _IDS_PER_PERSON
    values = np.arange(first, first + len(people) * _IDS_PER_PERSON)
    numbers = coded(values, "P", spec.people * _IDS_PER_PERSON, spec.seed)
    found: list[tuple[tuple[str, ...], str, str]] = []
    for place, person in enumerate(people):
        own = numbers[place * _IDS_PER_PERSON : (place + 1) * _IDS_PER_PERSON]
        used = own[: chance(dice, _KNOWN) * (1 + chance(dice, _TWICE))]
        subjects.add("partner", "record", used, [person.person_id] * len(used))
        rows = [_row(dice, spec, person, number) for number in used]
        found += [(row, "", "") for row in rows]
        if rows and chance(dice, _BAD):
            planted = _planted(rows[0], own[-1])
            found.append((planted, "email_sha256", "not 64 hex digits"))
    dice.shuffle(found)
    return refusing(found)
