"""How records come to differ from the truth, at rates that each kind of set chooses."""

from __future__ import annotations

import random
from datetime import date

from dmp.ingest.synthetic.corruption import (
    misread,
    typo,
    unaccented,
    written_email,
    written_phone,
    wrong_birth,
)
from dmp.ingest.synthetic.people import Address, Person

Dice = random.Random

FACULTIES = "Law Medicine Physics History Chemistry Music Engineering".split()
_TRADES = """farmer weaver miner clerk servant baker mason soldier sailor teacher smith
    politician writer painter lawyer cricketer""".split()
_GIVEN = """José María François Zoë Jürgen Łukasz Nguyễn Ana-María Søren Çağla Ökkeş
    Mohammed Fatima Dimitrios Olga Aleksandr Yuki Haruto Chloé Inés Renée Måns Siân
    Małgorzata Đorđe Žofie Björk Seán Aoife Wojciech Thảo Anaïs Jörg Günther Eszter
    Mihály Ștefan Ioana Tomáš Kateřina""".split()
_FAMILY = """García Müller Núñez Łukaszewicz Nguyễn Trần Özdemir Yildiz Sørensen Åberg
    Dvořák Novák Kovács Szabó Papadopoulos Ivanov Petrova Tanaka Suzuki Lefèvre Rossi
    D'Angelo O'Brien van_der_Berg von_Hoffmann de_la_Cruz Al-Hassan Ibn_Khalid López
    Martínez Fernández Müller-Lüdenscheidt Wiśniewski Zieliński Đặng Lê Øverland
    Bãlan Ionescu Țepeș Kowalczyk Schröder Weiß Strauß Gonçalves Conceição""".split()


def slip(dice: Dice, value: str, rate: float) -> str:
    """Return a value, now and then mistyped, misread, or both."""
    if dice.random() >= rate:
        return value
    roll = dice.random()
    if roll < 0.7:
        return typo(dice, value)
    changed = misread(dice, value)
    return changed if roll < 0.9 else typo(dice, changed)


def lost(dice: Dice, value: object, rate: float) -> object:
    """Return a value, or None at the rate given."""
    return None if dice.random() < rate else value


def given(dice: Dice, person: Person, rate: float) -> str:
    """Return a given name; at the rate given a nickname, an initial or a slip."""
    if dice.random() >= rate:
        return person.given_name
    roll = dice.random()
    if roll < 0.5 and person.nickname:
        return person.nickname
    return person.given_name[:1] if roll < 0.65 else typo(dice, person.given_name)


def surname(dice: Dice, person: Person, rate: float) -> str:
    """Return a surname, half the time the one before marriage."""
    married = person.surname_before and dice.random() < 0.5
    return slip(dice, person.surname_before if married else person.surname, rate)


def day(dice: Dice, born: date, rate: float) -> date:
    """Return a date of birth, wrong at the rate given."""
    return wrong_birth(dice, born) if dice.random() < rate else born


def email(dice: Dice, person: Person) -> str:
    """Return one of a person's addresses, mostly the main one, as typed."""
    own = person.emails[0] if dice.random() < 0.8 else dice.choice(person.emails)
    return written_email(dice, own)


def phone(dice: Dice, number: str) -> str:
    """Return a number in one of the usual forms."""
    return written_phone(dice, number)


def moved(dice: Dice, person: Person) -> Address:
    """Return where a person lives, or half the time where they lived before."""
    before = person.home_before
    return before if before and dice.random() < 0.5 else person.home


def line(dice: Dice, person: Person) -> str:
    """Return the address line as somebody wrote it."""
    written = person.home.line
    if dice.random() < 0.3:
        for long, short in (("Road", "Rd"), ("Street", "St"), ("Avenue", "Ave")):
            written = written.replace(long, short)
    return slip(dice, written, 0.06)


def trade(dice: Dice, person: Person) -> str:
    """Return a person's occupation, or one time in seven another."""
    other = dice.random() < 0.15
    return dice.choice(_TRADES) if other else _TRADES[person.person_id * 7 % 16]


def foreign_name(dice: Dice) -> tuple[str, str, str]:
    """Return a given name and one or two family names."""
    family = dice.choice(_FAMILY) + dice.choice(("", "", "ić", "sen", "ová"))
    second = dice.choice(_FAMILY) if dice.random() < 0.3 else ""
    first = dice.choice(_GIVEN)
    if dice.random() < 0.4:
        first += " " + dice.choice(_GIVEN)
    return first, family.replace("_", " "), second.replace("_", " ")


def written_abroad(dice: Dice, names: tuple[str, str, str]) -> str:
    """Return a full name: accents lost, a second name left out, order changed."""
    first, family, second = names
    if dice.random() < 0.3:
        first = first.split()[0]
    if second and dice.random() < 0.6:
        family = f"{family} {second}"
    if dice.random() < 0.5:
        first, family = unaccented(first), unaccented(family)
    first, family = slip(dice, first, 0.05), slip(dice, family, 0.05)
    roll = dice.random()
    if roll < 0.25:
        return f"{family}, {first}"
    written = f"{first} {family}" if roll < 0.85 else f"{family} {first}"
    return written.upper() if dice.random() < 0.15 else written
