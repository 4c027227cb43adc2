"""Households: who lives together, who is a child, a twin or a parent's namesake."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dmp.ingest.synthetic.given_names import given_name
from dmp.ingest.synthetic.odds import chance
from dmp.ingest.synthetic.surnames import surname

SIZE_SHARES = (0.30, 0.36, 0.15, 0.13, 0.04, 0.02)
"""Shares of households of one to six. Source: near ONS, Families and households."""

YOUNGEST = 16
"""Least age in years: customers only, so children are grown ones at home."""

_YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a household before contacts and addresses are known.

    Attributes:
        role: head, partner, child or sharer.
        twin_of: place of the twin in the household; None if not a twin.
        namesake_of: place of the parent with the same name; None if none.
        maiden_name: surname before marriage; '' if it never changed.
    """

    role: str
    gender: str
    born: date
    given_name: str = ""
    surname: str = ""
    maiden_name: str = ""
    twin_of: int | None = None
    namesake_of: int | None = None


def household_sizes(dice: random.Random, people: int) -> list[int]:
    """Return sizes from 1 to 6 that add up to `people`; the last may be cut."""
    sizes: list[int] = []
    left = people
    while left:
        size = dice.choices(range(1, 7), SIZE_SHARES)[0]
        sizes.append(min(size, left))
        left -= sizes[-1]
    return sizes


def _born(dice: random.Random, today: date, age: float) -> date:
    """Return a birth date at about an age in years, at least `YOUNGEST`."""
    days = max(age, YOUNGEST + 0.05) * _YEAR + dice.random() * _YEAR
    return today - timedelta(days=int(days))


def _gender(dice: random.Random) -> str:
    """Return 'F' or 'M'."""
    return "F" if chance(dice, 0.51) else "M"


def _couple(dice: random.Random, today: date, age: float) -> list[Member]:
    """Return head and partner, mostly of two genders and near in age."""
    first = _gender(dice)
    second = ("M" if first == "F" else "F") if chance(dice, 0.96) else first
    partner_age = max(20.0, age + dice.gauss(0, 4))
    return [
        Member("head", first, _born(dice, today, age)),
        Member("partner", second, _born(dice, today, partner_age)),
    ]


def _with_children(
    dice: random.Random, today: date, parents: list[Member], n: int
) -> list[Member]:
    """Return the parents and n grown children, now and then twins."""
    family = list(parents)
    age = (today - min(parent.born for parent in parents)).days / _YEAR
    for _ in range(n):
        last = family[-1]
        if last.role == "child" and last.twin_of is None and chance(dice, 0.09):
            twin = replace(last, gender=_gender(dice), twin_of=len(family) - 1)
            family.append(twin)
            continue
        born = _born(dice, today, min(age - 19, YOUNGEST + 15 * dice.random() ** 1.4))
        family.append(Member("child", _gender(dice), born))
    return family


def _members(dice: random.Random, today: date, size: int) -> list[Member]:
    """Return the members of one household without names."""
    roll = dice.random()
    if size == 1:
        return [Member("head", _gender(dice), _born(dice, today, 18 + 70 * roll))]
    if roll < 0.12:
        ages = [19 + 16 * dice.random() for _ in range(size)]
        return [Member("sharer", _gender(dice), _born(dice, today, a)) for a in ages]
    if size == 2 and roll < 0.8:
        return _couple(dice, today, 22 + 58 * dice.random())
    age = 39 + 25 * dice.random()
    single = [Member("head", _gender(dice), _born(dice, today, age))]
    parents = single if size == 2 or roll < 0.25 else _couple(dice, today, age)
    return _with_children(dice, today, parents, size - len(parents))


def _surnamed(dice: random.Random, members: Sequence[Member]) -> list[Member]:
    """Return the members with surnames: one for a family, mostly."""
    shared = surname(dice)
    couple = any(member.role == "partner" for member in members)
    out: list[Member] = []
    for member in members:
        own = member.role == "sharer" or (
            member.role == "partner" and chance(dice, 0.22)
        )
        name = surname(dice) if own else shared
        wife = couple and member.gender == "F" and member.role in ("head", "partner")
        maiden = surname(dice) if wife and not own and chance(dice, 0.85) else ""
        out.append(replace(member, surname=name, maiden_name=maiden))
    return out


def _named(dice: random.Random, members: Sequence[Member]) -> list[Member]:
    """Return the members with given names; some children bear a parent's."""
    out: list[Member] = []
    for member in members:
        alike = [
            place
            for place, other in enumerate(out)
            if other.role in ("head", "partner")
            and (other.gender, other.surname) == (member.gender, member.surname)
        ]
        if member.role == "child" and alike and chance(dice, 0.09):
            parent = out[alike[0]]
            named = replace(member, given_name=parent.given_name, namesake_of=alike[0])
        else:
            taken = {other.given_name for other in out}
            name = given_name(dice, member.gender, member.born.year)
            while name in taken:
                name = given_name(dice, member.gender, member.born.year)
            named = replace(member, given_name=name)
        out.append(named)
    return out


def make_household(dice: random.Random, today: date, size: int) -> list[Member]:
    """Return the named members of one household of a size from 1 to 6."""
    return _named(dice, _surnamed(dice, _members(dice, today, size)))
