"""People of very different kinds, each a generator of records with their truth.

The people are those of `dmp generate`, the errors are made here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

from benchmarks.linkage import errors as err
from dmp.ingest.synthetic.people import Person
from dmp.ingest.synthetic.population import make_people
from dmp.ingest.synthetic.spec import FORMATS, SOURCES, Spec

Row = dict[str, object]
Dice = random.Random
UNTIL = datetime(2026, 7, 1, tzinfo=UTC)
SEED = 20


def people(n: int, seed: int) -> list[Person]:
    """Return people in households."""
    formats = {source: FORMATS[source][0] for source in SOURCES}
    spec = Spec(n, seed, UNTIL, 180, SOURCES, formats, 0, n)
    return make_people(spec, 0)


def historical(dice: Dice) -> Iterator[Row]:
    """Registers of the dead: up to fifteen records each, misspelt, sparse, no contact.

    Births are often known by year alone.
    """
    for person in people(2_500, SEED):
        birth_place, post = person.home.city, person.home.postcode
        for _ in range(dice.choice((1, 1, 2, 3, 4, 6, 9, 15))):
            born = person.born.replace(year=person.born.year - 120)
            if dice.random() < 0.35:
                born = date(born.year, 1, 1)
            names = err.given(dice, person, 0.25), person.surname
            first, last = (err.slip(dice, name, 0.2) for name in names)
            yield {
                "true_id": person.person_id,
                "source": "register",
                "first_and_surname": f"{first} {last}",
                "first_name": err.lost(dice, first, 0.05),
                "surname": err.lost(dice, last, 0.04),
                "dob": err.lost(dice, err.day(dice, born, 0.12).isoformat(), 0.2),
                "birth_place": err.lost(dice, err.slip(dice, birth_place, 0.1), 0.2),
                "postcode_fake": err.lost(dice, err.slip(dice, post, 0.15), 0.3),
                "gender": err.lost(dice, person.gender, 0.3),
                "occupation": err.lost(dice, err.trade(dice, person), 0.45),
            }


def clean_contacts(dice: Dice) -> Iterator[Row]:
    """A shop and its newsletter: few errors, e-mail or telephone nearly everywhere."""
    for person in people(5_000, SEED + 1):
        for source in ("shop", "newsletter"):
            for _ in range(dice.choice((0, 1, 1, 1, 2))):
                yield {
                    "true_id": person.person_id,
                    "source": source,
                    "given": err.given(dice, person, 0.1),
                    "family": err.slip(dice, person.surname, 0.02),
                    "mail": err.lost(dice, err.email(dice, person), 0.05),
                    "mobile": err.lost(dice, err.phone(dice, person.mobile), 0.3),
                }


def name_and_birth(dice: Dice) -> Iterator[Row]:
    """Names and a birth date in three columns, one in ten entered twice."""
    for person in people(9_000, SEED + 2):
        for _ in range(1 + (dice.random() < 0.11)):
            born = err.day(dice, person.born, 0.08)
            yield {
                "true_id": person.person_id,
                "source": "a",
                "fname": err.slip(dice, person.given_name, 0.1),
                "lname": err.slip(dice, person.surname, 0.1),
                "by": str(born.year),
                "bm": str(born.month),
                "bd": str(born.day),
            }


def mixed_dates(dice: Dice) -> Iterator[Row]:
    """Three systems that write a birth date each in its own way."""
    formats = {"uk": "%d/%m/%Y", "us": "%m/%d/%Y", "iso": "%Y-%m-%d"}
    for person in people(4_000, SEED + 3):
        for source, form in formats.items():
            if dice.random() < 0.75:
                born = err.day(dice, person.born, 0.05)
                yield {
                    "true_id": person.person_id,
                    "source": source,
                    "FirstName": err.given(dice, person, 0.1),
                    "LastName": err.slip(dice, person.surname, 0.05),
                    "BirthDate": err.lost(dice, born.strftime(form), 0.05),
                    "Street": err.lost(dice, err.line(dice, person), 0.2),
                    "Zip": err.lost(dice, err.moved(dice, person).postcode, 0.2),
                }


def one_to_one(dice: Dice) -> Iterator[Row]:
    """Two lists without doubles, sixty in a hundred of each in the other."""
    for person in people(8_000, SEED + 4):
        side = dice.choice("aaabbb") if dice.random() < 0.57 else "ab"
        for source in side:
            noisy = source == "b"
            yield {
                "true_id": person.person_id,
                "source": source,
                "name": " ".join(
                    (
                        err.given(dice, person, 0.3 if noisy else 0.0),
                        err.slip(dice, person.surname, 0.1 if noisy else 0.01),
                    )
                ),
                "birth_year": str(person.born.year + (noisy and dice.random() < 0.05)),
                "address": err.line(dice, person) + ", " + person.home.city,
                "postcode": err.slip(dice, person.home.postcode, 0.05),
            }


def shared_contacts(dice: Dice) -> Iterator[Row]:
    """Families that share an address, a telephone and often a mailbox; twins too."""
    for person in people(5_000, SEED + 5):
        family = person.family_email or f"family{person.household_id}@home.example"
        for source in ("club", "school", "clinic"):
            if dice.random() < 0.6:
                own = dice.random() < 0.35
                yield {
                    "true_id": person.person_id,
                    "source": source,
                    "first": err.given(dice, person, 0.15),
                    "last": err.slip(dice, person.surname, 0.03),
                    "born": err.lost(dice, person.born.isoformat(), 0.3),
                    "email": err.email(dice, person) if own else family,
                    "phone": err.phone(dice, person.landline or person.mobile),
                    "house": err.line(dice, person),
                    "town": person.home.city,
                    "post_code": person.home.postcode,
                }


def world_names(dice: Dice) -> Iterator[Row]:
    """Names of many languages: accents lost, two family names, order changed round."""
    for number in range(4_000):
        born = date(1940 + dice.randrange(65), dice.randint(1, 12), dice.randint(1, 28))
        names = err.foreign_name(dice)
        phone = f"+{dice.choice((34, 49, 48, 84, 33))}{dice.randrange(10**8, 10**9)}"
        for source in ("crm", "bank", "travel"):
            if dice.random() < 0.6:
                written = err.written_abroad(dice, names)
                yield {
                    "true_id": number,
                    "source": source,
                    "full_name": written,
                    "geburtsdatum": err.lost(
                        dice, err.day(dice, born, 0.05).strftime("%d.%m.%Y"), 0.1
                    ),
                    "telefon": err.lost(dice, err.slip(dice, phone, 0.03), 0.5),
                }


def sparse(dice: Dice) -> Iterator[Row]:
    """Two values in three are missing; no column is always there."""
    for person in people(4_000, SEED + 6):
        for _ in range(dice.choice((1, 1, 2, 3))):
            full: Row = {
                "title": "Ms" if person.gender == "F" else "Mr",
                "first_name": err.given(dice, person, 0.1),
                "last_name": err.slip(dice, person.surname, 0.05),
                "dob": err.day(dice, person.born, 0.03).isoformat(),
                "email": err.email(dice, person),
                "phone": err.phone(dice, person.mobile),
                "street": err.line(dice, person),
                "city": person.home.city,
                "postcode": person.home.postcode,
            }
            rates = {"last_name": 0.15, "first_name": 0.3, "email": 0.55}
            kept = {k: err.lost(dice, v, rates.get(k, 0.65)) for k, v in full.items()}
            yield {"true_id": person.person_id, "source": "a", **kept}


def national_ids(dice: Dice) -> Iterator[Row]:
    """A national id on most records, now and then mistyped, or a spouse's."""
    known = people(5_000, SEED + 7)
    ids = [f"{dice.randrange(10**9):09d}" for _ in known]
    for person, own in zip(known, ids, strict=True):
        for source in ("tax", "health", "pension"):
            if dice.random() < 0.65:
                wrong = ids[max(person.person_id - 1, 0)]
                number = wrong if dice.random() < 0.01 else err.slip(dice, own, 0.05)
                yield {
                    "true_id": person.person_id,
                    "source": source,
                    "insurance_no": err.lost(dice, number, 0.15),
                    "forename": err.given(dice, person, 0.1),
                    "surname": err.surname(dice, person, 0.05),
                    "date_of_birth": err.day(dice, person.born, 0.05).strftime(
                        "%Y%m%d"
                    ),
                    "sex": person.gender,
                    "postcode": err.lost(dice, err.moved(dice, person).postcode, 0.1),
                }


def many_each(dice: Dice) -> Iterator[Row]:
    """A till's loyalty forms: up to two hundred records a person, many the same."""
    for person in people(1_200, SEED + 8):
        for _ in range(min(200, int(dice.paretovariate(0.9)))):
            yield {
                "true_id": person.person_id,
                "source": dice.choice(("till", "web")),
                "name": f"{err.given(dice, person, 0.1)} {person.surname}",
                "email": err.lost(dice, err.email(dice, person), 0.4),
                "mobile": err.lost(dice, err.phone(dice, person.mobile), 0.4),
                "postcode": err.lost(dice, err.moved(dice, person).postcode, 0.3),
                "amount": f"{dice.uniform(1, 90):.2f}",
            }


def crm_and_shop(dice: Dice) -> Iterator[Row]:
    """A company's systems: every error at a middling rate, moves, marriages, homes."""
    for person in people(6_000, SEED + 9):
        for source, share in (("crm", 0.8), ("shop", 0.6), ("app", 0.4)):
            for _ in range((dice.random() < share) + (dice.random() < 0.06)):
                home = err.moved(dice, person)
                yield {
                    "true_id": person.person_id,
                    "source": source,
                    "GIVEN": err.given(dice, person, 0.2),
                    "FAMILY": err.surname(dice, person, 0.06),
                    "DOB": err.lost(
                        dice, err.day(dice, person.born, 0.03).isoformat(), 0.4
                    ),
                    "EMAIL": err.lost(dice, err.email(dice, person), 0.3),
                    "TEL": err.lost(dice, err.phone(dice, person.mobile), 0.4),
                    "ADDR": err.lost(dice, err.slip(dice, home.line, 0.1), 0.2),
                    "CITY": err.lost(dice, home.city, 0.2),
                    "PCODE": err.lost(dice, home.postcode, 0.25),
                    "SEGMENT": dice.choice("ABCD"),
                }


def codes(dice: Dice) -> Iterator[Row]:
    """A university: exact codes beside names, and columns that say nothing."""
    for person in people(3_000, SEED + 10):
        code = f"S{dice.randrange(10**6):06d}"
        for source in ("enrolment", "library"):
            for _ in range(dice.choice((0, 1, 1, 2))):
                yield {
                    "true_id": person.person_id,
                    "source": source,
                    "student": err.lost(dice, err.slip(dice, code, 0.03), 0.25),
                    "who": f"{person.surname.upper()}, {err.given(dice, person, 0.2)}",
                    "faculty": err.lost(dice, dice.choice(err.FACULTIES), 0.1),
                    "born": str(person.born.year),
                    "country": "GB",
                    "row": str(dice.randrange(10**9)),
                }


KINDS: dict[str, Callable[[Dice], Iterator[Row]]] = {
    make.__name__: make
    for make in (
        historical,
        clean_contacts,
        name_and_birth,
        mixed_dates,
        one_to_one,
        shared_contacts,
        world_names,
        sparse,
        national_ids,
        many_each,
        crm_and_shop,
        codes,
    )
}
