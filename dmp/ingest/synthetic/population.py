"""The people of one chunk, made household by household."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dmp.ingest.synthetic.addresses import make_streets, settle
from dmp.ingest.synthetic.consent import decide
from dmp.ingest.synthetic.contacts import Landlines, Mailboxes, mobiles
from dmp.ingest.synthetic.given_names import informal
from dmp.ingest.synthetic.households import Member, household_sizes, make_household
from dmp.ingest.synthetic.odds import chance
from dmp.ingest.synthetic.people import Address, Person
from dmp.ingest.synthetic.seeds import coded
from dmp.ingest.synthetic.seeds import dice as stream
from dmp.ingest.synthetic.spec import DAY_MS, Spec

_WITH_ACCOUNT = 0.60
_JOINS_ONLINE = 0.30
_SECOND_ACCOUNT = 0.03
_ACCOUNTS_PER_PERSON = 2


@dataclass(frozen=True)
class _Home:
    """What the members of one household share."""

    household_id: int
    landline: str
    family_email: str
    home: Address
    home_before: Address | None
    moved_ms: int


@dataclass
class _Chunk:
    """The streams and registers of the chunk being made."""

    spec: Spec
    dice: random.Random
    mailboxes: Mailboxes
    landlines: Landlines
    streets: Sequence[Address]
    mobiles: Sequence[str]
    accounts: Sequence[str]
    first_id: int


def _open_chunk(spec: Spec, chunk: int) -> _Chunk:
    """Return the registers of a chunk, filled."""
    size, first = spec.chunk_size(chunk), chunk * spec.chunk_people
    ids = np.arange(first, first + size)
    slots = np.arange(
        first * _ACCOUNTS_PER_PERSON, (first + size) * _ACCOUNTS_PER_PERSON
    )
    dice = stream(spec.seed, chunk, "people")
    return _Chunk(
        spec=spec,
        dice=dice,
        mailboxes=Mailboxes(chunk, spec.n_chunks),
        landlines=Landlines(chunk),
        streets=make_streets(dice, 1 + size // 14),
        mobiles=mobiles(ids, spec.seed),
        accounts=coded(slots, "A", spec.people * _ACCOUNTS_PER_PERSON, spec.seed),
        first_id=first,
    )


def _some_time_ago(chunk: _Chunk, years: float) -> int:
    """Return an instant in the last years before the end of the window, in ms."""
    return chunk.spec.until_ms - int(chunk.dice.random() * years * 365 * DAY_MS)


def _make_home(chunk: _Chunk, household_id: int, members: Sequence[Member]) -> _Home:
    """Return what one household shares."""
    dice = chunk.dice
    home = settle(dice, chunk.streets)
    moved = chance(dice, 0.16)
    shares_mail = len(members) > 1 and chance(dice, 0.16)
    return _Home(
        household_id=household_id,
        landline=chunk.landlines.next(home) if chance(dice, 0.35) else "",
        family_email=chunk.mailboxes.family(dice, members[0].surname)
        if shares_mail
        else "",
        home=home,
        home_before=settle(dice, chunk.streets) if moved else None,
        moved_ms=_some_time_ago(chunk, 2),
    )


def _emails(chunk: _Chunk, member: Member, nickname: str) -> tuple[str, ...]:
    """Return one to three own addresses; some still bear the maiden name."""
    dice = chunk.dice
    count = 1 + chance(dice, 0.38) + chance(dice, 0.12)
    out = []
    for place in range(count):
        old = member.maiden_name and chance(dice, 0.3)
        last = member.maiden_name if old else member.surname
        names = (member.given_name, nickname, last)
        work = place > 0 and chance(dice, 0.5)
        out.append(chunk.mailboxes.personal(dice, names, member.born.year, work))
    return tuple(out)


def _accounts(chunk: _Chunk, place: int) -> tuple[str, ...]:
    """Return none, one or two account ids of the person at a place in the chunk."""
    if not chance(chunk.dice, _WITH_ACCOUNT):
        return ()
    count = 1 + chance(chunk.dice, _SECOND_ACCOUNT)
    first = place * _ACCOUNTS_PER_PERSON
    return tuple(chunk.accounts[first : first + count])


def _id_at(first: int, place: int | None) -> int | None:
    """Return the person_id of the member at a place of a household, None for None."""
    return None if place is None else first + place


def _person(chunk: _Chunk, home: _Home, member: Member, first: int, at: int) -> Person:
    """Return one person; `first` is the id of the first member, `at` the place."""
    nickname = informal(chunk.dice, member.given_name)
    changed_name = bool(member.maiden_name) and chance(chunk.dice, 0.35)
    return Person(
        person_id=chunk.first_id + at,
        household_id=home.household_id,
        role=member.role,
        gender=member.gender,
        born=member.born,
        given_name=member.given_name,
        nickname=nickname,
        surname=member.surname,
        surname_before=member.maiden_name if changed_name else "",
        married_ms=_some_time_ago(chunk, 3),
        emails=_emails(chunk, member, nickname),
        family_email=home.family_email,
        mobile=chunk.mobiles[at],
        landline=home.landline,
        home=home.home,
        home_before=home.home_before,
        moved_ms=home.moved_ms,
        twin_of=_id_at(first, member.twin_of),
        namesake_of=_id_at(first, member.namesake_of),
    )


def _with_choices(chunk: _Chunk, person: Person, at: int) -> Person:
    """Return a person with the accounts opened and the consent decided."""
    accounts = _accounts(chunk, at)
    return replace(
        person,
        account_ids=accounts,
        joins_online=bool(accounts) and chance(chunk.dice, _JOINS_ONLINE),
        consent=decide(chunk.dice, chunk.spec),
    )


def make_people(spec: Spec, chunk: int) -> list[Person]:
    """Return the people of a chunk in order of person_id, in whole households.

    The same spec and chunk give the same people, whatever was made before.
    """
    at = _open_chunk(spec, chunk)
    today = spec.until.date()
    people: list[Person] = []
    for number, size in enumerate(household_sizes(at.dice, spec.chunk_size(chunk))):
        members = make_household(at.dice, today, size)
        home = _make_home(at, at.first_id + number, members)
        first = at.first_id + len(people)
        for member in members:
            place = len(people)
            person = _person(at, home, member, first, place)
            people.append(_with_choices(at, person, place))
    return people
