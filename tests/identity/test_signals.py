from __future__ import annotations

import pytest
from made_up_people import People

from dmp.core.sql import Query
from dmp.identity.scope import stage_everybody
from dmp.identity.settings import IdentifierRule, IdentitySettings
from dmp.identity.signals import stage_deterministic_edges, stage_rules
from dmp.storage.write import append, commit


def decide(
    people: People, status: dict[int, str], *, purpose: str = "analytics"
) -> None:
    """Add a consent decision of each subject."""
    rows = " union all ".join(
        f"select {subject}::bigint as subject_id, '{purpose}' as purpose, "
        f"'{said}' as status, 'consent' as legal_basis, 'test' as source_string, "
        f"timestamptz '{people.tick().isoformat()}' as captured_at, "
        "'crm' as source, 'load' as load_id"
        for subject, said in status.items()
    )
    commit(people.lake, [append("privacy.consent", Query(rows))], message="decide")


def edges(people: People) -> dict[tuple[int, int], tuple[str, float]]:
    stage_rules(people.lake, people.settings, None)
    stage_everybody(people.lake)
    stage_deterministic_edges(people.lake, people.settings)
    rows = people.lake.rows(
        "select subject_id_l, subject_id_r, type, weight_all from deterministic_edge"
    )
    return {(left, right): (type_, weight) for left, right, type_, weight in rows}


def test_shared_identifiers_add_their_weights(people: People) -> None:
    people.add(1, 2, 3)
    people.share("email", "e", [1, 2])
    people.share("phone", "p", [2, 1])
    people.share("email", "other", [3])
    assert edges(people) == {(1, 2): ("email+phone", 16.0)}


def test_a_value_on_too_many_subjects_is_blocked_and_reported(people: People) -> None:
    people.add(1, 2, 3, 4)
    people.share("email", "everybody", [1, 2, 3, 4])
    people.share("phone", "p", [1, 2])
    assert edges(people) == {(1, 2): ("phone", 6.0)}
    assert people.lake.rows("select type, token, subjects from blocked_value") == [
        ("email", "everybody", 4)
    ]


def test_a_device_joins_its_users_by_their_share_of_it(people: People) -> None:
    people.add(9, kind="device")
    people.add(1, 2, kind="user")
    people.share("cookie", "c", [9, 1, 2], observations=[50, 3, 1])
    assert edges(people) == {
        (1, 9): ("cookie", pytest.approx(14 * 0.75)),
        (2, 9): ("cookie", pytest.approx(14 * 0.25)),
    }


def test_the_weight_of_an_edge_is_its_evidence(people: People) -> None:
    people.add(9, kind="device")
    people.add(1, 2, kind="user")
    people.share("cookie", "c", [9, 1, 2], observations=[50, 3, 1])
    people.share("phone", "p", [1, 2])
    people.resolve()
    weights = people.lake.rows(
        "select left_node, right_node, weight from evidence order by all"
    )
    assert weights == [(0, 1, 6.0), (0, 2, 14 * 0.75), (1, 2, 14 * 0.25)]


def test_a_hashed_address_of_a_partner_joins_the_clear_one(people: People) -> None:
    people.add(1)
    people.add(2, source="partner")
    for encoding, token in (("plain", "t1"), ("sha256", "t2"), ("md5", "t3")):
        people.share("email", token, [1], encoding=encoding)
    people.share("email", "t2", [2], encoding="sha256")
    people.resolve()
    assert people.groups() == {frozenset({1, 2})}


def test_one_token_of_two_encodings_is_two_identifiers(people: People) -> None:
    people.add(1, 2)
    people.share("email", "same", [1], encoding="sha256")
    people.share("email", "same", [2], encoding="md5")
    assert edges(people) == {}


def test_an_identifier_with_a_purpose_counts_where_the_newest_decision_allows_it(
    people: People,
) -> None:
    people.settings = IdentitySettings(
        identifiers={"ip_agent": IdentifierRule(weight_bits=4, purpose="analytics")}
    )
    people.add(1, 2, 3, 4)
    people.share("ip_agent", "a", [1, 2, 3, 4])
    assert edges(people) == {}
    decide(people, {1: "granted", 2: "granted", 3: "denied"})
    assert set(edges(people)) == {(1, 2)}
    decide(people, {2: "denied", 3: "granted"})
    assert set(edges(people)) == {(1, 3)}
    decide(people, {1: "denied"}, purpose="advertising")
    assert set(edges(people)) == {(1, 3)}


def test_a_decision_makes_its_subject_one_to_look_at_again(people: People) -> None:
    people.settings = IdentitySettings(
        identifiers={"ip_agent": IdentifierRule(weight_bits=4, purpose="analytics")}
    )
    people.add(*range(1, 9))
    people.share("ip_agent", "a", [1, 2])
    people.resolve()
    assert len(set(people.ids().values())) == 8
    decide(people, {1: "granted", 2: "granted"})
    assert people.resolve().looked_at == 2
    assert people.ids()[1] == people.ids()[2]
    decide(people, {1: "denied"})
    people.resolve()
    assert people.ids()[1] != people.ids()[2]
