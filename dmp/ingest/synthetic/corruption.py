"""The error model: how what is true of a person turns into what a source holds.

It knows nothing of matching: typing slips, misread letters, swapped and missing
values and the many ways to write a date or a number, each with its own rate.
Source: the kinds of error follow Christen 2012, "Data Matching", chapter 2.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

from dmp.ingest.synthetic.contacts import plain
from dmp.ingest.synthetic.odds import chance

_NEIGHBOURS = dict(
    pair.split(":")
    for pair in """a:qwsz b:vghn c:xdfv d:serfcx e:wrsd f:drtgvc g:ftyhbv h:gyujnb
    i:uojk j:huikmn k:jiolm l:kop m:njk n:bhjm o:ipkl p:ol q:wa r:etdf s:awedxz
    t:ryfg u:yihj v:cfgb w:qeas x:zsdc y:tugh z:asx""".split()
)
_LOOKALIKES = (
    ("rn", "m"),
    ("m", "rn"),
    ("l", "1"),
    ("o", "0"),
    ("cl", "d"),
    ("S", "5"),
    ("B", "8"),
    ("e", "c"),
    ("h", "b"),
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True)
class ErrorRates:
    """How often each error strikes one record, each in [0, 1].

    Attributes:
        nickname: the short form instead of the given name.
        typo: one slip in a name; also for an address line.
        misread: one letter taken for another, as by a scanner.
        swapped: given name and surname changed round.
        initial: the given name as its first letter.
        missing: a contact field left empty.
        wrong_birth: a digit of the birth date wrong, or day and month changed round.
        outdated: the address or surname of before, though the record is newer.
        shouting: everything in capitals.
        unaccented: accents lost.
        spaced: a stray space before or after a value.
    """

    nickname: float
    typo: float
    misread: float
    swapped: float
    initial: float
    missing: float
    wrong_birth: float
    outdated: float
    shouting: float
    unaccented: float
    spaced: float


CRM_ERRORS = ErrorRates(
    nickname=0.14,
    typo=0.06,
    misread=0.012,
    swapped=0.01,
    initial=0.03,
    missing=0.13,
    wrong_birth=0.03,
    outdated=0.22,
    shouting=0.12,
    unaccented=0.4,
    spaced=0.05,
)
SHOP_ERRORS = ErrorRates(
    nickname=0.2,
    typo=0.03,
    misread=0.0,
    swapped=0.006,
    initial=0.07,
    missing=0.12,
    wrong_birth=0.0,
    outdated=0.08,
    shouting=0.03,
    unaccented=0.5,
    spaced=0.03,
)


def typo(dice: random.Random, word: str) -> str:
    """Return a word with one slip of the keyboard; shorter than 3 letters stays."""
    if len(word) < 3:
        return word
    at = dice.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    slip = dice.random()
    if slip < 0.3:
        return before + dice.choice(_NEIGHBOURS.get(letter, letter)) + after
    if slip < 0.55:
        return before + after
    if slip < 0.75:
        return before + letter * 2 + after
    return before + after[0] + letter + after[1:]


def misread(dice: random.Random, word: str) -> str:
    """Return a word with one letter taken for another, if any can be."""
    fitting = [(good, bad) for good, bad in _LOOKALIKES if good in word]
    if not fitting:
        return word
    good, bad = dice.choice(fitting)
    return word.replace(good, bad, 1)


def unaccented(name: str) -> str:
    """Return a name with its accents lost, hyphens and apostrophes kept."""
    return "".join(
        letter if letter.isascii() else _ascii_letter(letter) for letter in name
    )


def _ascii_letter(letter: str) -> str:
    """Return the plain letter for an accented one, in the same case."""
    bare = plain(letter)
    return bare.upper() if letter.isupper() else bare


def written_name(
    dice: random.Random, rates: ErrorRates, given: str, nickname: str, surname: str
) -> tuple[str, str]:
    """Return given name and surname as somebody wrote them down."""
    if nickname and chance(dice, rates.nickname):
        given = nickname
    elif chance(dice, rates.initial):
        given = given[:1]
    if chance(dice, rates.typo):
        given, surname = (
            (typo(dice, given), surname)
            if chance(dice, 0.4)
            else (given, typo(dice, surname))
        )
    if chance(dice, rates.misread):
        surname = misread(dice, surname)
    if not (given.isascii() and surname.isascii()) and chance(dice, rates.unaccented):
        given, surname = unaccented(given), unaccented(surname)
    return (surname, given) if chance(dice, rates.swapped) else (given, surname)


def written_line(dice: random.Random, rates: ErrorRates, line: str) -> str:
    """Return an address line as somebody wrote it: shortened, or with a slip."""
    if chance(dice, 0.3):
        for long, short in (("Road", "Rd"), ("Street", "St"), ("Avenue", "Ave")):
            line = line.replace(long, short)
    return typo(dice, line) if chance(dice, rates.typo) else line


def written_postcode(dice: random.Random, postcode: str) -> str:
    """Return a postcode with or without its space, at times in small letters."""
    roll = dice.random()
    if roll < 0.15:
        return postcode.replace(" ", "")
    return postcode.lower() if roll < 0.19 else postcode


def written_phone(dice: random.Random, number: str) -> str:
    """Return a national number (digits from 0) in one of the usual forms."""
    roll = dice.random()
    if roll < 0.4 or not number:
        return number
    if roll < 0.6:
        return f"{number[:5]} {number[5:]}"
    if roll < 0.78:
        return f"+44 {number[1:5]} {number[5:]}"
    if roll < 0.9:
        return f"+44{number[1:]}"
    if roll < 0.96:
        return f"0044{number[1:]}"
    return f"({number[:5]}) {number[5:8]}-{number[8:]}"


def written_email(dice: random.Random, email: str) -> str:
    """Return an address as typed: at times with capitals or a slip before the @."""
    roll = dice.random()
    if roll < 0.06:
        return email.title() if roll < 0.02 else email.upper()
    if roll < 0.075:
        local, domain = email.split("@")
        return f"{typo(dice, local)}@{domain}"
    return email


def written_date(dice: random.Random, day: date) -> str:
    """Return a date as `31/12/1980`, `1980-12-31` or `31 Dec 1980`."""
    roll = dice.random()
    if roll < 0.5:
        return f"{day.day:02d}/{day.month:02d}/{day.year}"
    if roll < 0.85:
        return day.isoformat()
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def wrong_birth(dice: random.Random, born: date) -> date:
    """Return another valid date: day and month changed round, or a wrong digit."""
    if born.day <= 12 and born.day != born.month and chance(dice, 0.5):
        return born.replace(month=born.day, day=born.month)
    if chance(dice, 0.5):
        return born.replace(day=born.day % 28 + 1)
    return born.replace(
        year=born.year + dice.choice((-10, -1, 1)), day=min(born.day, 28)
    )


def dressed(dice: random.Random, rates: ErrorRates, value: str) -> str:
    """Return a value, now and then with a stray space."""
    if value and chance(dice, rates.spaced):
        return f" {value}" if chance(dice, 0.4) else f"{value} "
    return value
