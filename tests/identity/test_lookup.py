from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import md5

from made_up_people import SETTINGS, People

from dmp.identity.holdings import Candidate, Identifier, candidates
from dmp.identity.lookup import Lookup

TYPES = ("email", "phone", "cookie")
SUBJECTS = range(1, 31)
VALUES = 20


def identifier(type_: str, number: int, encoding: str = "plain") -> Identifier:
    digits = md5(f"{type_}{number}{encoding}".encode()).hexdigest()
    return Identifier("public", type_, encoding, f"1:{digits}")


def live(people: People, chance: random.Random) -> None:
    """Thirty subjects of all kinds that share some of sixty values; resolved."""
    for subject in SUBJECTS:
        people.add(subject, kind=chance.choice(["record", "user", "device"]))
    for _ in range(50):
        type_ = chance.choice(TYPES)
        encoding = chance.choice(["plain", "md5"]) if type_ == "email" else "plain"
        one = identifier(type_, chance.randrange(VALUES), encoding)
        subjects = sorted(chance.sample(SUBJECTS, chance.choice([1, 2, 2, 4])))
        seen = [chance.randrange(1, 9) for _ in subjects]
        people.share(type_, one.token, subjects, encoding=encoding, observations=seen)
    people.resolve()


def some_asked(chance: random.Random) -> list[Identifier]:
    """Up to four identifiers, some of which nobody has."""
    types = chance.choices(TYPES, k=chance.randrange(5))
    return [
        identifier(type_, chance.randrange(VALUES), chance.choice(["plain", "md5"]))
        for type_ in types
    ]


def rounded(found: Sequence[Candidate]) -> list[tuple[str, float, int]]:
    return [(c.profile_id, round(c.match_weight, 6), c.subjects) for c in found]


def test_a_live_look_up_answers_as_sql_does(people: People) -> None:
    chance = random.Random(1)
    live(people, chance)
    lookup = Lookup.read(people.lake, people.settings)
    asked = [some_asked(chance) for _ in range(300)]
    expected = candidates(people.lake, people.settings, asked)
    assert any(len(found) > 1 for found in expected)
    for one, found in zip(asked, expected, strict=True):
        assert rounded(lookup.candidates(one)) == rounded(found)
        assert lookup.person_of(one) == next(iter(lookup.candidates(one)), None)


def test_who_comes_with_identifiers_joins_whom_the_look_up_names(
    people: People,
) -> None:
    """Where a newcomer changes nothing else, it joins the best candidate."""
    live(people, random.Random(4))
    before = people.groups()
    lookup = Lookup.read(people.lake, people.settings)
    asked = [identifier(type_, n) for type_ in TYPES for n in range(VALUES)]
    newcomers = dict(enumerate(asked, start=100))
    people.add(*newcomers)
    for newcomer, one in newcomers.items():
        people.share(one.type, one.token, [newcomer])
    people.resolve()
    ids, joined = people.ids(), 0
    for newcomer, one in newcomers.items():
        others = {s for s in ids if ids[s] == ids[newcomer]} - newcomers.keys()
        named = lookup.person_of([one])
        if named and others in before:
            assert ids[newcomer] == named.profile_id
            joined += 1
        elif named is None:
            assert not others
    assert joined > 8


def test_a_look_up_names_nobody_by_what_too_many_share(people: People) -> None:
    people.add(1, 2, 3, 4, 5)
    crowd, own = identifier("email", 1), identifier("phone", 1)
    people.share("email", crowd.token, [1, 2, 3, 4])
    people.share("phone", own.token, [5])
    people.resolve()
    lookup = Lookup.read(people.lake, people.settings)
    assert lookup.person_of([crowd]) is None
    assert lookup.person_of([]) is None
    found = lookup.person_of([crowd, own])
    assert found == Candidate(people.ids()[5], 6.0, 1)


def test_a_look_up_knows_when_it_is_old(people: People) -> None:
    people.add(1, 2)
    people.share("email", identifier("email", 1).token, [1])
    people.resolve()
    lookup = Lookup.read(people.lake, SETTINGS)
    assert lookup.is_current(people.lake)
    people.share("email", identifier("email", 2).token, [2])
    assert not lookup.is_current(people.lake)
    people.resolve()
    newer = Lookup.read(people.lake, SETTINGS)
    assert newer.is_current(people.lake)
    assert newer.person_of([identifier("email", 2)]) is not None
