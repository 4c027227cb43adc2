from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_people import People

from dmp.core.errors import UnknownName, UsageError
from dmp.core.sql import Query
from dmp.identity import decisions
from dmp.identity.decisions import Decision
from dmp.identity.explanation import history, path_between, strongest_tree, why
from dmp.privacy import KeyStore, Vault
from dmp.privacy.vault_key import VaultKey
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate
from dmp.storage.write import change, commit

pytestmark = pytest.mark.slow


def decide_merge(people: People, *subjects: int) -> Decision:
    ids = people.ids()
    return decisions.merge(
        people.lake,
        [ids[subject] for subject in subjects],
        actor="u_test",
        now=people.tick(),
        reason="seen in the shop",
    )


def decide_split(people: People, of: int, *part: int) -> Decision:
    return decisions.split(
        people.lake, people.ids()[of], part, actor="u_test", now=people.tick()
    )


def undo(people: People, decision: Decision) -> None:
    decisions.undo(people.lake, decision.decision_id, actor="u_test", now=people.tick())


def test_a_merge_joins_whole_profiles_and_undo_restores_every_id(
    people: People,
) -> None:
    people.add(1, 2, 3, 4, 5)
    people.share("email", "e", [1, 2])
    people.share("email", "f", [3, 4])
    people.resolve()
    before = people.ids()
    decision = decide_merge(people, 1, 3)
    people.resolve()
    assert people.groups() == {frozenset({1, 2, 3, 4}), frozenset({5})}
    undo(people, decision)
    people.resolve()
    assert people.ids() == before


def test_a_split_parts_what_evidence_joins_and_survives_new_evidence(
    people: People,
) -> None:
    people.add(1, 2, 3)
    people.share("email", "e", [1, 2, 3])
    people.resolve()
    decision = decide_split(people, 1, 3)
    people.resolve()
    apart = {frozenset({1, 2}), frozenset({3})}
    assert people.groups() == apart
    people.share("phone", "p", [1, 3])
    people.resolve()
    assert people.groups() == apart
    undo(people, decision)
    people.resolve()
    assert people.groups() == {frozenset({1, 2, 3})}


def test_an_older_decision_counts_again_once_the_newer_is_withdrawn(
    people: People,
) -> None:
    people.add(1, 2)
    people.resolve()
    merged = decide_merge(people, 1, 2)
    people.resolve()
    undo(people, merged)
    parted = people.resolve()
    assert parted.profiles == 2
    again = decide_merge(people, 1, 2)
    people.resolve()
    assert people.groups() == {frozenset({1, 2})}
    undo(people, again)
    people.resolve()
    assert people.groups() == {frozenset({1}), frozenset({2})}


def test_what_contradicts_a_decision_in_force_is_refused_by_its_name(
    people: People,
) -> None:
    people.add(1, 2, 3)
    people.share("email", "e", [1, 2])
    people.resolve()
    split = decide_split(people, 1, 2)
    people.resolve()
    with pytest.raises(UsageError, match=f"undo {split.decision_id}"):
        decide_merge(people, 1, 2)
    merged = decide_merge(people, 1, 3)
    people.resolve()
    with pytest.raises(UsageError, match=f"undo {merged.decision_id}"):
        decide_split(people, 1, 3)
    assert len(decisions.decisions(people.lake)) == 2


@pytest.mark.parametrize(
    ("part", "words"),
    [((), "none of them"), ((1, 2), "all of them"), ((3,), "3 is not in")],
)
def test_a_split_needs_some_subjects_of_the_profile(
    people: People, part: tuple[int, ...], words: str
) -> None:
    people.add(1, 2, 3)
    people.share("email", "e", [1, 2])
    people.resolve()
    with pytest.raises(UsageError, match=words):
        decide_split(people, 1, *part)


def test_names_that_do_not_exist_are_said(people: People) -> None:
    people.add(1)
    people.resolve()
    with pytest.raises(UsageError, match="no profile was ever named"):
        decisions.subjects_of(people.lake, "p1")
    with pytest.raises(UsageError, match="one profile already"):
        decide_merge(people, 1, 1)
    with pytest.raises(UnknownName, match="d0"):
        decisions.undo(people.lake, "d0", actor="u_test", now=people.tick())


def test_a_decision_is_taken_back_once(people: People) -> None:
    people.add(1, 2)
    people.resolve()
    decision = decide_merge(people, 1, 2)
    undo(people, decision)
    with pytest.raises(UsageError, match="taken back before"):
        undo(people, decision)
    (kept,) = decisions.decisions(people.lake)
    assert kept.is_withdrawn and kept.reason == "seen in the shop"


def test_an_alias_stands_for_the_profile_it_was_merged_into(people: People) -> None:
    people.add(1, 2)
    people.resolve()
    before = people.ids()
    decide_merge(people, 1, 2)
    people.resolve()
    now = people.ids()[1]
    (alias,) = set(before.values()) - {now}
    assert decisions.subjects_of(people.lake, alias) == [1, 2]
    told = [(e.action, e.profile_id) for e in history(people.lake, alias)]
    assert told == [("assign", alias), ("merge", alias)]
    assert [e.action for e in history(people.lake, now)] == ["assign", "merge"]


def test_why_shows_the_reasons_that_connect_and_those_against(people: People) -> None:
    people.add(1, 2, 3, 4)
    people.share("email", "e", [1, 2])
    people.share("phone", "p", [2, 3])
    people.share("email", "f", [1, 3])
    people.resolve()
    one = why(people.lake, people.ids()[1])
    assert one.is_one and [m.subject_id for m in one.members] == [1, 2, 3]
    assert {(r.subject_id_l, r.subject_id_r) for r in one.path} == {(1, 2), (1, 3)}
    steps = why(people.lake, "2", "3")
    assert [(r.subject_id_l, r.subject_id_r) for r in steps.path] == [(1, 2), (1, 3)]
    strangers = why(people.lake, "1", "4")
    assert not strangers.is_one and strangers.path == ()
    decide_split(people, 1, 3)
    people.resolve()
    parted = why(people.lake, "1", "3")
    assert not parted.is_one
    assert {r.type for r in parted.path} == {"email", "cannot_link"}
    with pytest.raises(UsageError, match="no subject 9"):
        why(people.lake, "9")


def test_a_score_below_the_threshold_speaks_against(people: People) -> None:
    people.add(1, 2, 3)
    people.share("email", "e", [1, 2])
    people.share("phone", "p", [2, 3])
    people.resolve()
    scored = Query(
        "update identity.edge set kind = 'probabilistic' where type = 'phone'"
    )
    commit(people.lake, [change("identity.edge", scored)], message="scored")
    loose = why(people.lake, people.ids()[1], threshold_bits=2.0)
    assert [(r.match_weight, r.counted_bits) for r in loose.path] == [(10, 10), (6, 4)]
    assert loose.against == () and [r.held_alone for r in loose.path] == [1, 1]
    strict = why(people.lake, people.ids()[1], threshold_bits=7.0)
    assert [r.type for r in strict.path] == ["email"]
    assert [(r.type, r.counted_bits) for r in strict.against] == [("phone", -1)]


def test_the_tree_keeps_the_strongest_and_paths_follow_it(people: People) -> None:
    people.add(1, 2, 3)
    people.share("phone", "weak", [1, 3])
    people.share("email", "strong", [1, 2])
    people.share("email", "other", [2, 3])
    people.resolve()
    found = why(people.lake, people.ids()[1])
    tree = strongest_tree(reversed(found.path))
    assert [r.type for r in tree] == ["email", "email"]
    assert [r.subject_id_r for r in path_between(tree, 1, 3)] == [2, 3]
    assert path_between(tree, 1, 9) == []


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=4))
def test_decisions_undone_in_reverse_restore_every_id(
    steps: list[tuple[int, int]],
) -> None:
    with TemporaryDirectory() as folder:
        key = VaultKey(bytes(range(32)), "the test")
        with (
            Lake(Path(folder) / "lake") as lake,
            KeyStore(Path(folder) / "keys.sqlite", key) as keys,
        ):
            migrate(lake)
            people = People(lake, Vault(Path(folder) / "blobs", keys))
            _undone_in_reverse(people, steps)


def _undone_in_reverse(people: People, steps: list[tuple[int, int]]) -> None:
    people.add(1, 2, 3, 4, 5)
    people.share("email", "e", [1, 2])
    people.resolve()
    taken: list[tuple[Decision, dict[int, str]]] = []
    for left, right in steps:
        ids = people.ids()
        try:
            if ids[left] != ids[right]:
                decision = decide_merge(people, left, right)
            else:
                decision = decide_split(people, left, right)
        except UsageError:
            continue
        taken.append((decision, ids))
        people.resolve()
    for decision, before in reversed(taken):
        undo(people, decision)
        people.resolve()
        assert people.ids() == before
