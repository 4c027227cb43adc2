"""People of other shapes and languages, to check that nothing fits only what was seen.

Names and addresses are Faker's, which shares nothing with the lexicons of `dmp link`.
No setting is to be chosen on these: they judge.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from faker import Faker

from benchmarks.linkage import errors as err

Row = dict[str, object]
Dice = random.Random
SEED = 77


@dataclass(frozen=True)
class Someone:
    """One person; the household's members share family name, address and landline."""

    number: int
    given: str
    second: str
    family: str
    born: date
    street: str
    city: str
    postcode: str
    phone: str
    mobile: str


def population(
    locale: str, n: int, *, oldest: int = 1935, youngest: int = 2005
) -> Iterator[Someone]:
    """Yield `n` people in households of one to five, now and then with twins."""
    fake = Faker(locale)
    fake.seed_instance(SEED)
    dice = Dice(f"{SEED} {locale}")
    cities = [(fake.city(), fake.postcode()) for _ in range(60)]
    number = 0
    while number < n:
        city, postcode = dice.choice(cities)
        home = {
            "family": fake.last_name(),
            "street": fake.street_address().replace("\n", " "),
            "city": city,
            "postcode": postcode,
            "phone": fake.phone_number(),
        }
        born = date(oldest, 1, 1)
        for place in range(dice.choice((1, 1, 1, 2, 2, 3, 4, 5))):
            if place < 2 or dice.random() >= 0.04:
                born = date(dice.randint(oldest, youngest), 1, 1)
                born += timedelta(dice.randrange(365))
            yield Someone(
                number=number,
                given=fake.first_name(),
                second=fake.first_name() if dice.random() < 0.4 else "",
                born=born,
                mobile=fake.phone_number(),
                **home,
            )
            number += 1


def _moved(dice: Dice, everyone: list[Someone], person: Someone) -> Someone:
    """Give one in eight another's address."""
    if dice.random() >= 0.12:
        return person
    other = dice.choice(everyone)
    return replace(
        person, street=other.street, city=other.city, postcode=other.postcode
    )


def country(locale: str, born: str) -> Callable[[Dice], Iterator[Row]]:
    """Return a maker of a registry, a clinic and a shop of one country.

    Args:
        born: how dates are written there.
    """

    def rows(dice: Dice) -> Iterator[Row]:
        everyone = list(population(locale, 3_000))
        for person in everyone:
            for source in ("registry", "clinic", "shop"):
                if dice.random() < 0.55:
                    seen = _moved(dice, everyone, person)
                    yield {
                        "true_id": person.number,
                        "source": source,
                        "c1": err.slip(dice, person.given, 0.06),
                        "c2": err.slip(dice, person.family, 0.05),
                        "c3": err.lost(
                            dice, err.day(dice, person.born, 0.04).strftime(born), 0.15
                        ),
                        "c4": err.lost(dice, err.slip(dice, seen.street, 0.08), 0.15),
                        "c5": err.lost(dice, seen.city, 0.1),
                        "c6": err.lost(dice, seen.postcode, 0.15),
                        "c7": err.lost(dice, err.slip(dice, seen.mobile, 0.04), 0.5),
                    }

    return rows


def names_only(locale: str) -> Callable[[Dice], Iterator[Row]]:
    """Return a maker of four columns of names, mostly half empty, and a birth date."""

    def rows(dice: Dice) -> Iterator[Row]:
        for person in population(locale, 8_000, oldest=1925):
            for _ in range(1 + (dice.random() < 0.12)):
                born = err.day(dice, person.born, 0.1)
                yield {
                    "true_id": person.number,
                    "source": "a",
                    "c1": err.slip(dice, person.given, 0.12).upper(),
                    "c2": err.lost(dice, person.second.upper(), 0.4),
                    "c3": err.slip(dice, person.family, 0.12).upper(),
                    "c4": str(born.year),
                    "c5": str(born.month),
                    "c6": str(born.day),
                }

    return rows


def parish(dice: Dice) -> Iterator[Row]:
    """Entries of 1600 to 1850, copied again and again, each copy with its own gaps."""
    people = population("en_GB", 1_500, oldest=1600, youngest=1850)
    for person in people:
        full = f"{person.given} {person.family}"
        title = dice.choice(("Sir ", "Rev. ", "Lady ", "", "", "", "", ""))
        trade = dice.choice(err._TRADES) if dice.random() < 0.7 else None
        for _ in range(dice.choice((1, 1, 2, 3, 5, 8, 14))):
            given = err.slip(dice, person.given, 0.15)
            if dice.random() < 0.1:
                given = given[:1] + "."
            family = err.slip(dice, person.family, 0.15)
            born = err.day(dice, person.born, 0.12)
            born = born.replace(month=1, day=1) if dice.random() < 0.2 else born
            yield {
                "true_id": person.number,
                "source": "copies",
                "who": err.lost(
                    dice, f"{title}{full}" if dice.random() < 0.6 else full, 0.3
                ),
                "forename": err.lost(dice, given, 0.1),
                "name": err.lost(dice, family, 0.06),
                "b": err.lost(dice, born.isoformat(), 0.25),
                "parish": err.lost(dice, err.slip(dice, person.city, 0.1), 0.25),
                "trade": err.lost(dice, trade, 0.3),
            }


def mixed_world(dice: Dice) -> Iterator[Row]:
    """One file of eight languages; whole names, dates as each country writes them."""
    forms = {
        "de_DE": "%d.%m.%Y",
        "fr_FR": "%d/%m/%Y",
        "es_MX": "%d/%m/%Y",
        "pl_PL": "%d.%m.%Y",
        "tr_TR": "%d.%m.%Y",
        "id_ID": "%d-%m-%Y",
        "en_IN": "%d-%m-%Y",
        "ja_JP": "%Y/%m/%d",
    }
    for place, (locale, form) in enumerate(forms.items()):
        for person in population(locale, 500):
            for source in ("a", "b"):
                if dice.random() < 0.7:
                    given = f"{person.given} {person.second}".strip()
                    yield {
                        "true_id": place * 10_000 + person.number,
                        "source": source,
                        "name": f"{err.slip(dice, given, 0.08)} {person.family}",
                        "born": err.lost(
                            dice, err.day(dice, person.born, 0.03).strftime(form), 0.1
                        ),
                        "town": err.lost(dice, person.city, 0.1),
                        "tel": err.lost(dice, person.mobile, 0.4),
                    }


UNSEEN: dict[str, Callable[[Dice], Iterator[Row]]] = {
    "germany": country("de_DE", "%d.%m.%Y"),
    "poland": country("pl_PL", "%Y-%m-%d"),
    "russia": country("ru_RU", "%d.%m.%Y"),
    "japan": country("ja_JP", "%Y/%m/%d"),
    "turkey": country("tr_TR", "%d/%m/%Y"),
    "brazil": country("pt_BR", "%d/%m/%y"),
    "finland": country("fi_FI", "%d.%m.%Y"),
    "india": country("en_IN", "%d %B %Y"),
    "greece": country("el_GR", "%d/%m/%Y"),
    "indonesia": country("id_ID", "%d-%m-%Y"),
    "names_de": names_only("de_DE"),
    "names_hu": names_only("hu_HU"),
    "parish": parish,
    "mixed_world": mixed_world,
}
