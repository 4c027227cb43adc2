from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_people import People

from dmp.core.config import parse
from dmp.core.errors import ConfigInvalid, UsageError
from dmp.core.sql import Query
from dmp.identity.limits import Limit, Parts, Step, dropped_steps
from dmp.identity.settings import IdentifierRule, IdentitySettings
from dmp.storage.write import append, change, commit

EMAIL = {"weight_bits": 10, "max_subjects": 10}
PHONE = {"weight_bits": 6, "max_subjects": 10}


def ruled(people: People, **rules: dict[str, Any]) -> People:
    """The same subjects under rules of identifiers of their own."""
    made = {name: IdentifierRule.model_validate(rule) for name, rule in rules.items()}
    return replace(people, settings=IdentitySettings(identifiers=made))


def dropped(people: People) -> list[tuple[int, int, str]]:
    return people.lake.rows(
        "select subject_id_l, subject_id_r, dropped_by from identity.edge "
        "where dropped_by is not null order by all"
    )


def test_two_customer_ids_of_one_namespace_are_never_one_person(people: People) -> None:
    people = ruled(
        people,
        email=EMAIL,
        phone=PHONE,
        customer_id={"weight_bits": 20, "max_per_profile": 1},
    )
    people.add(1, 2, 3, 4)
    people.share("customer_id", "a", [1, 2])
    people.share("customer_id", "b", [3, 4])
    people.share("email", "family", [1, 3])
    people.share("phone", "hall", [2, 4])
    found = people.resolve()
    assert people.groups() == {frozenset({1, 2}), frozenset({3, 4})}
    assert found.dropped_edges == {"customer_id": 2}
    assert dropped(people) == [(1, 3, "customer_id"), (2, 4, "customer_id")]


def test_the_weakest_edge_goes_wherever_it_is(people: People) -> None:
    people = ruled(
        people,
        email=EMAIL,
        phone=PHONE,
        card={"weight_bits": 1, "max_per_profile": 1},
    )
    people.add(1, 2, 3, 4)
    people.share("card", "a", [1])
    people.share("card", "b", [4])
    people.share("email", "x", [1, 2])
    people.share("phone", "y", [2, 3])
    people.share("email", "z", [3, 4])
    people.resolve()
    assert people.groups() == {frozenset({1, 2}), frozenset({3, 4})}


def test_of_two_types_that_of_less_priority_goes_though_it_weighs_more(
    people: People,
) -> None:
    people = ruled(
        people,
        email=EMAIL,
        phone={**PHONE, "priority": 1},
        card={"weight_bits": 1, "max_per_profile": 1},
    )
    people.add(1, 2, 3)
    people.share("card", "a", [1])
    people.share("card", "b", [3])
    people.share("email", "x", [1, 2])
    people.share("phone", "y", [2, 3])
    people.resolve()
    assert people.groups() == {frozenset({1}), frozenset({2, 3})}


def test_a_limit_counts_what_was_first_seen_within_its_time(people: People) -> None:
    card = {"weight_bits": 1, "max_per_profile": 1, "limit_days": 30}
    people = ruled(people, email=EMAIL, card=card)
    people.add(1, 2, 3, 4)
    people.share("email", "x", [1, 2])
    people.share("email", "y", [3, 4])
    for subject, card_number in ((1, "old"), (2, "new"), (3, "c"), (4, "d")):
        people.share("card", card_number, [subject])
    earlier = Query(
        "update identity.identifier set first_seen_at = "
        "first_seen_at - interval 40 day where token = 'old'"
    )
    commit(people.lake, [change("identity.identifier", earlier)], message="earlier")
    people.resolve()
    assert people.groups() == {frozenset({1, 2}), frozenset({3}), frozenset({4})}


def test_what_too_many_show_counts_against_no_limit(people: People) -> None:
    card = {"weight_bits": 1, "max_per_profile": 1, "max_subjects": 2}
    people = ruled(people, email=EMAIL, card=card)
    people.add(1, 2, 3, 4)
    people.share("email", "x", [1, 2])
    people.share("card", "none", [1, 3, 4])
    people.share("card", "own", [2])
    people.resolve()
    assert frozenset({1, 2}) in people.groups()


def test_a_decision_joins_in_spite_of_a_limit(people: People) -> None:
    people = ruled(people, card={"weight_bits": 1, "max_per_profile": 1})
    people.add(1, 2)
    people.share("card", "a", [1])
    people.share("card", "b", [2])
    people.decide("must_link", 1, 2)
    people.resolve()
    assert people.groups() == {frozenset({1, 2})}


def test_the_history_says_that_a_limit_split(people: People) -> None:
    card = {"weight_bits": 9, "max_per_profile": 1}
    people = ruled(people, email=EMAIL, card=card)
    people.add(1, 2)
    people.share("email", "x", [1, 2])
    people.resolve()
    people.share("card", "a", [1])
    people.share("card", "b", [2])
    people.resolve()
    assert people.causes()[1:] == [("assign", None), ("split", "limit card")]


def test_an_identifier_that_expired_joins_no_more(people: People) -> None:
    people = ruled(people, cookie={"weight_bits": 9, "valid_days": 30}, email=EMAIL)
    people.add(1, 2, 3)
    people.share("cookie", "c", [1, 2])
    people.share("email", "e", [2, 3])
    people.clock = people.lake.value("select now()")
    people.resolve()
    assert people.groups() == {frozenset({1, 2, 3})}
    people.clock += timedelta(days=31)
    later = people.resolve()
    assert people.groups() == {frozenset({1}), frozenset({2, 3})}
    assert later.is_new and people.causes()[-1] == ("split", "evidence")
    assert not people.resolve().is_new


def test_a_source_of_less_trust_weighs_less(people: People) -> None:
    people = ruled(people, email={"weight_bits": 10, "trust": {"crm": 0.25}})
    people.add(1, 2)
    people.share("email", "e", [1, 2])
    people.resolve()
    assert people.lake.value("select match_weight from identity.edge") == 2.5


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"blocked": ["("]}, "is no pattern"),
        ({"blocked": ["(?!x).*"]}, "looks around or back"),
        ({"limit_days": 3}, "max_per_profile"),
        ({"max_per_profile": 0}, "greater than or equal to 1"),
        ({"trust": {"crm": 1.5}}, "less than or equal to 1"),
        ({"valid_days": 0}, "greater than 0"),
        ({"unique": True}, "unique"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_rule_that_cannot_hold_is_refused_with_its_place(
    rule: dict[str, Any], word: str
) -> None:
    document = {"identifiers": {"email": {"weight_bits": 1, **rule}}}
    with pytest.raises(ConfigInvalid, match=word) as caught:
        parse(IdentitySettings, document, "config/identity.yaml")
    assert "identifiers.email" in str(caught.value)


def test_identifiers_that_would_pair_too_many_are_refused_by_type(
    people: People,
) -> None:
    rule = IdentifierRule(weight_bits=1, max_subjects=1000)
    people.settings = IdentitySettings(identifiers={"ip": rule}, max_shared_pairs=100)
    people.add(*range(1, 21))
    people.share("ip", "office", range(1, 21))
    with pytest.raises(UsageError, match=r"190 subjects.*\(ip: 190\).*max_subjects"):
        people.resolve()
    assert people.ids() == {}


def test_connected_components_are_a_choice(people: People) -> None:
    rules = {
        "email": IdentifierRule(weight_bits=10),
        "hint": IdentifierRule(weight_bits=2),
    }
    people.settings = IdentitySettings(identifiers=rules, clustering="connected")
    people.add(*range(1, 7))
    for n in range(1, 4):
        people.share("email", f"e{n}", [n, n + 1])
    people.share("hint", "h", [4, 5])
    people.share("hint", "i", [5, 6])
    people.decide("cannot_link", 3, 4)
    people.resolve()
    assert people.groups() == {frozenset({1, 2, 3}), *map(frozenset, ({4}, {5}, {6}))}


NODES = 8
EDGES = st.lists(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=20
)
HELD = st.lists(st.sets(st.sampled_from("abc"), max_size=2), min_size=NODES)


@settings(max_examples=150, deadline=None)
@given(EDGES, HELD, st.integers(1, 2))
def test_no_part_holds_more_than_the_limit_or_one_node_of_it(
    edges: list[tuple[int, int]], held: list[set[str]], most: int
) -> None:
    values = {n: {0: dict.fromkeys(h, 0.0)} for n, h in enumerate(held[:NODES]) if h}
    parts = Parts({0: Limit("card", most)}, {n: dict(v) for n, v in values.items()})
    steps = [Step(row, left, right, False) for row, (left, right) in enumerate(edges)]
    gone = dict(dropped_steps(parts, steps))
    for root in {parts.of(n) for n in range(NODES)}:
        inside = [held[n] for n in range(NODES) if parts.of(n) == root]
        alone = max(map(len, inside))
        assert len(set().union(*inside)) <= max(most, alone)
    for row, (left, right) in enumerate(edges):
        assert (row in gone) == (parts.of(left) != parts.of(right))


def test_a_chain_of_a_hundred_thousand_is_cut_and_told(people: People) -> None:
    rule = IdentifierRule(weight_bits=5)
    people.settings = IdentitySettings(identifiers={"email": rule, "phone": rule})
    n = {"n": 100_000}
    subject = Query(
        "select i as subject_id, 'crm' as source, 'record' as kind, 'load' as load_id, "
        "now() as first_seen_at from range($n) as t(i)",
        n,
    )
    commit(people.lake, [append("identity.subject", subject)], message="chain")
    held = Query(
        "select i + side as subject_id, 'public' as namespace, "
        "if(i % 2 = 0, 'email', 'phone') as type, 'plain' as encoding, "
        "i::varchar as token, 'crm' as source, 'load' as load_id, "
        "now() as first_seen_at, now() as last_seen_at, 1 as observations "
        "from range($n - 1) as t(i), range(2) as s(side)",
        n,
    )
    commit(people.lake, [append("identity.identifier", held)], message="chain")
    found = people.resolve()
    assert found.subjects == n["n"]
    assert found.largest_clusters[0] <= people.settings.max_cluster_subjects
    assert found.refused_joins > 100
