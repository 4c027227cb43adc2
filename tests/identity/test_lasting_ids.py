from __future__ import annotations

import itertools
import random

import pytest
from made_up_people import SETTINGS, People

from dmp.identity.settings import IdentifierRule


def test_a_second_run_keeps_every_id_and_writes_nothing(people: People) -> None:
    people.add(1, 2, 3)
    people.share("email", "e", [1, 2])
    first = people.resolve()
    ids, snapshot = people.ids(), people.lake.snapshot()
    second = people.resolve()
    assert (first.is_new, second.is_new) == (True, False)
    assert people.ids() == ids and people.lake.snapshot() == snapshot
    assert people.groups() == {frozenset({1, 2}), frozenset({3})}


def test_a_merge_keeps_the_oldest_id_and_the_other_resolves_to_it(
    people: People,
) -> None:
    people.add(7)
    people.resolve()
    people.add(1, 2)
    people.share("email", "e", [1, 2])
    people.resolve()
    before = people.ids()
    people.decide("must_link", 2, 7)
    people.resolve()
    assert set(people.ids().values()) == {before[7]}
    alias = people.lake.rows(
        "select a.profile_id, k.profile_id from identity.profile as a "
        "join identity.profile as k on a.alias_of = k.profile_key"
    )
    assert alias == [(before[1], before[7])]
    assert people.changes() == [("merge", 2)]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
@pytest.mark.parametrize("alone", [0, 1, 2])
def test_a_merge_undone_gives_every_id_back(
    people: People, order: tuple[int, ...], alone: int
) -> None:
    one = order[alone]
    pair = [subject for subject in order if subject != one]
    people.add(order[0])
    people.resolve()
    people.add(*order[1:])
    people.decide("must_link", *pair)
    people.resolve()
    before = people.ids()
    assert len(set(before.values())) == 2
    people.decide("must_link", one, pair[0])
    people.resolve()
    assert len(set(people.ids().values())) == 1
    people.decide("withdrawn", one, pair[0])
    people.resolve()
    assert people.ids() == before


def test_merges_upon_merges_come_undone_step_by_step(people: People) -> None:
    people.add(1, 2, 3)
    people.resolve()
    apart = people.ids()
    people.decide("must_link", 2, 3)
    people.resolve()
    half = people.ids()
    people.decide("must_link", 1, 2)
    people.resolve()
    people.decide("withdrawn", 1, 2)
    people.resolve()
    assert people.ids() == half
    people.decide("withdrawn", 2, 3)
    people.resolve()
    assert people.ids() == apart
    assert ("revive", 1) in people.changes()


def test_a_split_leaves_the_id_with_most_of_its_subjects(people: People) -> None:
    people.add(1, 2, 3)
    for pair in ((1, 2), (2, 3), (1, 3)):
        people.decide("must_link", *pair)
    people.resolve()
    (kept,) = set(people.ids().values())
    for pair in ((1, 2), (1, 3)):
        people.decide("cannot_link", *pair)
    people.resolve()
    ids = people.ids()
    assert ids[2] == ids[3] == kept != ids[1]
    assert people.changes() == [("assign", 1), ("split", 1)]


def test_a_split_in_halves_leaves_the_id_with_the_smallest_subject(
    people: People,
) -> None:
    people.add(1, 2)
    people.decide("must_link", 1, 2)
    people.resolve()
    (kept,) = set(people.ids().values())
    people.decide("cannot_link", 1, 2)
    people.resolve()
    assert people.ids()[1] == kept


def test_a_part_without_an_id_revives_one_that_its_subject_held(people: People) -> None:
    people.add(1)
    people.resolve()
    people.add(2, 3)
    people.decide("must_link", 2, 3)
    people.resolve()
    old = people.ids()
    people.decide("must_link", 1, 2)
    people.resolve()
    people.decide("cannot_link", 1, 3)
    people.decide("cannot_link", 2, 3)
    people.resolve()
    ids = people.ids()
    assert ids[1] == ids[2] == old[1]
    assert ids[3] == old[3]


@pytest.mark.parametrize("order", ["abc", "cba", "bac"])
def test_the_order_in_which_files_arrive_does_not_change_the_partition(
    people: People, order: str
) -> None:
    files = {"a": [1, 2], "b": [2, 3], "c": [5, 6]}
    known: set[int] = set()
    for name in order:
        people.add(*set(files[name]) - known)
        known |= set(files[name])
        people.share("email", name, files[name])
        people.resolve()
    assert people.groups() == {frozenset({1, 2, 3}), frozenset({5, 6})}


def test_ids_survive_other_settings(people: People) -> None:
    people.add(1, 2, 3, 4)
    people.share("email", "e", [1, 2])
    people.share("phone", "p", [3, 4])
    people.resolve()
    before = people.ids()
    rules = {**SETTINGS.identifiers, "email": IdentifierRule(weight_bits=25)}
    people.settings = SETTINGS.model_copy(update={"identifiers": rules})
    report = people.resolve()
    assert report.is_new and report.founded == report.merged == 0
    assert people.ids() == before


def test_history_is_kept_as_stays(people: People) -> None:
    people.add(1, 2)
    people.resolve()
    people.decide("must_link", 1, 2)
    people.resolve()
    stays = people.lake.rows(
        "select subject_id, run_id, valid_to is null from identity.assignment "
        "order by valid_from, subject_id"
    )
    (moved,) = {subject for subject, run, _ in stays if run == "run2"}
    assert sorted(stays) == sorted(
        [(moved, "run1", False), (moved, "run2", True), (3 - moved, "run1", True)]
    )
    keys = people.lake.row(
        "select count(*), count(distinct (subject_id, valid_from)) "
        "from identity.assignment"
    )
    assert keys[0] == keys[1]


MERGES = ((1, 2), (2, 3), (3, 4))


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))], ids=str)
def test_three_merges_in_any_order_leave_the_same_ids(
    people: People, order: tuple[int, ...]
) -> None:
    people.add(3)
    people.resolve()
    people.add(1, 2, 4)
    people.resolve()
    apart = people.ids()
    for place in order:
        people.decide("must_link", *MERGES[place])
        people.resolve()
    assert people.ids() == dict.fromkeys(apart, apart[3])
    assert {canonical(people, one) for one in apart.values()} == {apart[3]}


def test_a_split_then_a_merge_gives_the_id_back_and_the_other_leads_to_it(
    people: People,
) -> None:
    people.add(1, 2, 3)
    people.share("email", "e", [1, 2, 3])
    people.resolve()
    before = people.ids()
    for one in (1, 2):
        people.decide("cannot_link", one, 3)
    people.resolve()
    parted = people.ids()
    assert parted[1] == parted[2] == before[1] != parted[3]
    for one in (1, 2):
        people.decide("withdrawn", one, 3)
    people.resolve()
    assert people.ids() == before
    assert canonical(people, parted[3]) == before[3]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_decided_undone_gives_every_id_back(
    people: People, seed: int
) -> None:
    """At each step the history only grows, and each id ever given leads to one."""
    chance = random.Random(seed)
    subjects = range(1, 7)
    for subject in chance.sample(subjects, 6):
        people.add(subject)
        people.resolve()
    apart, written, given = people.ids(), list[tuple[object, ...]](), set[str]()
    pairs = chance.sample([*itertools.combinations(subjects, 2)], 4)
    undone = chance.sample(pairs, 4)
    for decision, some in (("must_link", pairs), ("withdrawn", undone)):
        for pair in some:
            people.decide(decision, *pair)
            people.resolve()
            history = people.lake.rows("select * from identity.change order by all")
            assert set(written) <= set(history)
            written = history
            given |= set(people.ids().values())
            assert {canonical(people, one) for one in given} <= set(
                people.ids().values()
            )
    assert people.ids() == apart


def test_the_history_says_why(people: People) -> None:
    people.add(1, 2, 3, 4)
    people.resolve()
    people.share("email", "e", [1, 2])
    people.share("phone", "p", [1, 2])
    people.resolve()
    people.decide("must_link", 3, 4)
    people.resolve()
    rules = {"email": IdentifierRule(weight_bits=0.5)}
    people.settings = people.settings.model_copy(
        update={"identifiers": rules, "connected_probability": 0.99}
    )
    people.settings = people.settings.model_copy(update={"clustering": "connected"})
    people.resolve()
    told = [cause for _, cause in people.causes() if cause]
    assert told[0] == "email+phone"
    assert told[1].startswith("decision")
    assert told[2] == "settings"


def canonical(people: People, profile_id: str) -> str:
    """The id that stands for a profile id, by way of aliases."""
    rows = people.lake.rows(
        "select p.profile_id, k.profile_id from identity.profile as p "
        "left join identity.profile as k on k.profile_key = p.alias_of"
    )
    into = dict(rows)
    for _ in into:
        profile_id = into[profile_id] or profile_id
    return profile_id
