from __future__ import annotations

from datetime import timedelta

import pytest
from made_up_people import BEGIN, People

from dmp.core.sql import Query
from dmp.identity import labels
from dmp.identity.labels import Judgement
from dmp.identity.questions import Question, open_questions, questions
from dmp.storage.write import append, commit

WEIGHTS = {(1, 2): 12.0, (3, 4): 0.5, (5, 6): 0.6, (7, 8): -5.0, (9, 10): 25.0}


@pytest.fixture
def scored(people: People) -> People:
    """Ten subjects, the third and fourth in large profiles, and five scored pairs."""
    people.add(*range(1, 30))
    people.share("email", "e", [3, 20, 21])
    people.share("email", "f", [4, 22, 23])
    people.resolve()
    rows = " union all ".join(
        f"select {left}::bigint as subject_id_l, {right}::bigint as subject_id_r, "
        f"'probabilistic' as kind, 'linkage' as type, {bits}::double as match_weight, "
        f"1 / (1 + 2 ** -({bits})) as match_probability, false as is_used, "
        "'run' as run_id"
        for (left, right), bits in WEIGHTS.items()
    )
    commit(people.lake, [append("identity.edge", Query(rows))], message="edges")
    return people


def judge(people: People, reviewer: str, left: int, right: int) -> None:
    pair = [Judgement(left, right, "match")]
    now = BEGIN + timedelta(days=1)
    labels.give(people.lake, pair, reviewer=reviewer, now=now)


def asked(people: People, reviewer: str = "u_1", **options: float) -> list[Question]:
    return questions(people.lake, reviewer, limit=20, **options)


def test_doubt_comes_first_and_more_so_where_more_is_at_stake(scored: People) -> None:
    found = asked(scored)
    pairs = [(each.subject_id_l, each.subject_id_r) for each in found]
    assert pairs[:2] == [(3, 4), (5, 6)]
    assert sorted(pairs) == sorted(WEIGHTS)
    assert (found[0].at_stake, found[1].at_stake) == (9, 1)
    assert found[0].because == "doubt"


def test_the_centre_of_doubt_moves_with_the_threshold(scored: People) -> None:
    first = asked(scored, centre_bits=12.0)[0]
    assert (first.subject_id_l, first.subject_id_r) == (1, 2)


def test_a_judged_or_decided_pair_is_not_asked_again(scored: People) -> None:
    before = open_questions(scored.lake)
    judge(scored, "u_1", 3, 4)
    scored.decide("cannot_link", 5, 6)
    pairs = [(each.subject_id_l, each.subject_id_r) for each in asked(scored)]
    assert (3, 4) not in pairs and len(pairs) == len(WEIGHTS) - 2
    assert open_questions(scored.lake) == before - 1


def test_a_second_reviewer_is_asked_for_an_opinion(scored: People) -> None:
    judge(scored, "u_1", 9, 10)
    because = {
        (each.subject_id_l, each.subject_id_r): each.because
        for each in asked(scored, "u_2")
    }
    assert because[9, 10] == "second_opinion"
    assert (9, 10) not in [
        (each.subject_id_l, each.subject_id_r) for each in asked(scored)
    ]
