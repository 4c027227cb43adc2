"""The customer records of a call centre: often twice, often old, never clean."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from dmp.ingest.synthetic.corruption import (
    CRM_ERRORS,
    dressed,
    written_date,
    written_email,
    written_line,
    written_name,
    written_phone,
    written_postcode,
    wrong_birth,
)
from dmp.ingest.synthetic.odds import chance
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.seeds import coded
from dmp.ingest.synthetic.seeds import dice as stream
from dmp.ingest.synthetic.spec import DAY_MS, Spec
from dmp.ingest.synthetic.tables import Row, Rows, refusing
from dmp.ingest.synthetic.truth import Subjects

COLUMNS = tuple(
    """CUST_NO,TITLE,FIRST_NAME,SURNAME,DOB,GENDER,EMAIL,PHONE,ADDR1,CITY,POSTCODE,
    COUNTRY,ACCOUNT_ID,LOYALTY_TIER,MKT_EMAIL_OPTIN,MKT_OPTIN_DATE,ADS_OPTIN,NOTES,
    UPDATED""".replace("\n", "")
    .replace(" ", "")
    .split(",")
)
_MOST_RECORDS = 4
_OLDEST_MS = 730 * DAY_MS
_COPIED = 0.007
_BAD = 0.005


def _title(dice: random.Random, person: Person) -> str:
    """Return a title, at times none."""
    if chance(dice, 0.25):
        return ""
    if chance(dice, 0.03):
        return "Dr"
    if person.gender == "M":
        return dice.choice(("Mr", "Mr", "MR", "Mr."))
    return dice.choice(("Mrs", "Ms", "Miss", "MRS"))


def _gender(dice: random.Random, person: Person) -> str:
    """Return a gender in one of the ways it is written, at times none."""
    long = "Female" if person.gender == "F" else "Male"
    return dice.choice((person.gender, person.gender, person.gender, long, ""))


def _notes(dice: random.Random, person: Person) -> str:
    """Return what somebody typed in after a call; mostly nothing."""
    if chance(dice, 0.78):
        return ""
    number = written_phone(dice, person.mobile)
    return dice.choice(
        (
            f"call back on {number} after 5pm",
            f"new mobile {number}, old one dead",
            "prefers e-mail, please do not ring",
            "complained about late delivery, refunded",
            'asked for "the usual" hamper, see order',
            f"partner also rings, ask for {person.given_name}",
            "moved house, address to be checked",
            "VIP, handle with care",
        )
    )


def _contact(dice: random.Random, person: Person) -> tuple[str, str]:
    """Return e-mail and phone as on the record; either may be missing or shared."""
    email = dice.choice(person.emails)
    if person.family_email and chance(dice, 0.45):
        email = person.family_email
    phone = person.mobile
    if person.landline and chance(dice, 0.35):
        phone = person.landline
    rate = CRM_ERRORS.missing
    return (
        "" if chance(dice, rate * 1.4) else written_email(dice, email),
        "" if chance(dice, rate) else written_phone(dice, phone),
    )


def _opt_ins(dice: random.Random, person: Person, at_ms: int) -> tuple[str, str, str]:
    """Return MKT_EMAIL_OPTIN, MKT_OPTIN_DATE and ADS_OPTIN as known at an instant."""
    mail = person.decision_at("email_marketing", at_ms)
    ads = person.decision_at("advertising", at_ms)
    day = f"{datetime.fromtimestamp(mail.at_ms / 1000, UTC):%Y-%m-%d}" if mail else ""
    return (
        ("Y" if mail.granted else "N") if mail else "",
        day,
        ("Y" if ads.granted else "N") if ads and not chance(dice, 0.2) else "",
    )


def _birth(dice: random.Random, person: Person) -> str:
    """Return the birth date as on the record: in some form, at times wrong or none."""
    if chance(dice, 0.12):
        return ""
    wrong = chance(dice, CRM_ERRORS.wrong_birth)
    return written_date(dice, wrong_birth(dice, person.born) if wrong else person.born)


def _names(dice: random.Random, person: Person, seen_ms: int) -> tuple[str, str]:
    """Return given name and surname as written down."""
    surname = person.surname_at(seen_ms)
    given, last = written_name(
        dice, CRM_ERRORS, person.given_name, person.nickname, surname
    )
    if chance(dice, CRM_ERRORS.shouting):
        given, last = given.upper(), last.upper()
    return dressed(dice, CRM_ERRORS, given), dressed(dice, CRM_ERRORS, last)


def _home(dice: random.Random, person: Person, seen_ms: int) -> tuple[str, ...]:
    """Return ADDR1, CITY, POSTCODE and COUNTRY as written down."""
    home = person.home_at(seen_ms)
    line = written_line(dice, CRM_ERRORS, home.line)
    if chance(dice, CRM_ERRORS.shouting):
        line = line.upper()
    return (
        dressed(dice, CRM_ERRORS, line),
        home.city.upper() if chance(dice, 0.1) else home.city,
        "" if chance(dice, 0.06) else written_postcode(dice, home.postcode),
        dice.choice(("GB", "UK", "United Kingdom", "")),
    )


def _account(dice: random.Random, person: Person) -> str:
    """Return the account id if somebody linked it, which is seldom."""
    linked = person.account_ids and chance(dice, 0.35)
    return dice.choice(person.account_ids) if linked else ""


def _record(dice: random.Random, spec: Spec, person: Person, number: str) -> Row:
    """Return one record of a person, last touched somewhere in the last two years."""
    at_ms = spec.until_ms - 1 - int(dice.random() ** 1.3 * _OLDEST_MS)
    stale = chance(dice, CRM_ERRORS.outdated)
    seen_ms = at_ms - _OLDEST_MS if stale else at_ms
    return (
        number,
        _title(dice, person),
        *_names(dice, person, seen_ms),
        _birth(dice, person),
        _gender(dice, person),
        *_contact(dice, person),
        *_home(dice, person, seen_ms),
        _account(dice, person),
        dice.choice(("", "", "bronze", "silver", "gold")),
        *_opt_ins(dice, person, at_ms),
        _notes(dice, person),
        f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d %H:%M:%S}",
    )


def _with(row: Row, column: str, value: str) -> Row:
    """Return a row with one value changed."""
    place = COLUMNS.index(column)
    return (*row[:place], value, *row[place + 1 :])


_FAULTS: tuple[tuple[str, str, Callable[[random.Random], str]], ...] = (
    ("CUST_NO", "missing", lambda dice: ""),
    ("DOB", "impossible date", lambda dice: f"31/02/{dice.randint(1940, 2005)}"),
    ("UPDATED", "not a date and time", lambda dice: dice.choice(("n/a", "2026-13-45"))),
)
"""What is planted to be refused: column, what is wrong, and a wrong value."""


def _numbers(spec: Spec, chunk: int) -> list[str]:
    """Return `_MOST_RECORDS` customer numbers a person and one more for a bad row."""
    per_person = _MOST_RECORDS + 1
    first = chunk * spec.chunk_people * per_person
    values = np.arange(first, first + spec.chunk_size(chunk) * per_person)
    return coded(values, "C", spec.people * per_person, spec.seed)


def _n_records(dice: random.Random) -> int:
    """Return how many records a person has, from none to four; 1.3 on average."""
    if not chance(dice, 0.86):
        return 0
    return 1 + sum(chance(dice, rate) for rate in (0.33, 0.13, 0.05))


def _planted(dice: random.Random, row: Row, number: str) -> tuple[Row, str, str]:
    """Return a faulty row under a number of its own, the column, and what is wrong."""
    column, what, wrong = dice.choice(_FAULTS)
    return _with(_with(row, "CUST_NO", number), column, wrong(dice)), column, what


def crm_rows(
    spec: Spec, chunk: int, people: Sequence[Person], subjects: Subjects
) -> Rows:
    """Return the records of a chunk in random order, and add their keys to the truth.

    Refused rows bear a number that no other row has; it is not among the subjects.
    """
    dice = stream(spec.seed, chunk, "crm")
    numbers = _numbers(spec, chunk)
    found: list[tuple[Row, str, str]] = []
    for place, person in enumerate(people):
        first = place * (_MOST_RECORDS + 1)
        own = numbers[first : first + _n_records(dice)]
        subjects.add("crm", "record", own, [person.person_id] * len(own))
        for number in own:
            row = _record(dice, spec, person, number)
            copies = 1 + chance(dice, _COPIED)
            found += [(row, "", "")] * copies
            if number == own[0] and chance(dice, _BAD * 1.5):
                found.append(_planted(dice, row, numbers[first + _MOST_RECORDS]))
    dice.shuffle(found)
    return refusing(found)
