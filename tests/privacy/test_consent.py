from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from dmp.core.sql import Query
from dmp.privacy.consent import stage_gate
from dmp.storage.lake import Lake
from dmp.storage.write import append, commit

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Case(NamedTuple):
    """Decisions as `subject status day purpose`, and who may be used at day 10.

    Subjects 1 and 2 are surely one person, 3 is the same profile by likeness only, 4
    is another profile, 5 is not resolved yet.
    """

    what: str
    decisions: tuple[str, ...]
    eligible: set[int]
    reasons: tuple[tuple[int, str], ...] = ()


CASES = [
    Case(
        "absent means no",
        (),
        set(),
        (
            (1, "no consent"),
            (5, "no consent"),
        ),
    ),
    Case("a yes is its subject's alone", ("1 granted 1",), {1}, ((2, "no consent"),)),
    Case("the newest wins: yes", ("1 denied 1", "1 granted 2"), {1}),
    Case("the newest wins: no", ("1 granted 1", "1 denied 2"), set(), ((1, "denied"),)),
    Case("at equal instants denied wins", ("1 granted 2", "1 denied 2"), set()),
    Case("and in the other order", ("1 denied 2", "1 granted 2"), set()),
    Case(
        "a no reaches the deterministic component",
        ("1 granted 1", "2 denied 1"),
        set(),
        (
            (1, "denied"),
            (2, "denied"),
            (3, "no consent"),
        ),
    ),
    Case(
        "a no does not cross a probabilistic edge",
        ("1 granted 1", "3 denied 1"),
        {1},
        (
            (1, "granted"),
            (3, "denied"),
        ),
    ),
    Case(
        "a yes does not cross one either", ("3 granted 1",), {3}, ((1, "no consent"),)
    ),
    Case("a later yes of the one who said no", ("2 denied 1", "2 granted 3"), {2}),
    Case("a yes of another does not lift a no", ("2 denied 1", "1 granted 3"), set()),
    Case("another profile is another matter", ("1 denied 1", "4 granted 1"), {4}),
    Case("another purpose is another matter", ("1 granted 1 other",), set()),
    Case("what comes after as_of is not known yet", ("1 granted 11",), set()),
    Case("a no after as_of neither", ("1 granted 1", "1 denied 11"), {1}),
    Case("at as_of it counts", ("1 granted 1", "1 denied 10"), set()),
    Case(
        "who is not resolved yet decides for itself",
        ("5 denied 1",),
        set(),
        ((5, "denied"),),
    ),
]


def subjects_of(lake: Lake) -> None:
    subject = Query(
        "select unnest([1, 2, 3, 4, 5])::bigint as subject_id, 'crm' as source"
    )
    assignment = Query(
        "select unnest([1, 2, 3, 4])::bigint as subject_id, "
        "unnest([1, 1, 3, 4])::bigint as component_id, "
        "unnest([10, 10, 10, 20])::bigint as profile_key"
    )
    old = Query(
        "select 4::bigint as subject_id, 1::bigint as component_id, "
        "10::bigint as profile_key, now() as valid_to"
    )
    writes = [
        append("identity.subject", subject),
        append("identity.assignment", assignment),
        append("identity.assignment", old),
    ]
    commit(lake, writes, message="subjects")


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    from dmp.storage.migrate import migrate

    lake = Lake(tmp_path_factory.mktemp("consent") / "lake")
    migrate(lake)
    subjects_of(lake)
    return lake


@pytest.mark.parametrize("number", range(len(CASES)), ids=[c.what for c in CASES])
def test_the_gate(gated: Lake, number: int) -> None:
    case = CASES[number]
    purpose = f"purpose{number}"
    for decision in case.decisions:
        subject, status, day, *other = decision.split()
        row = Query(
            "select $s::bigint as subject_id, $p as purpose, $status as status, "
            "$at::timestamptz as captured_at",
            {
                "s": int(subject),
                "p": other[0] if other else purpose,
                "status": status,
                "at": BEGIN + timedelta(days=int(day)),
            },
        )
        commit(gated, [append("privacy.consent", row)], message="decide")
    as_of = BEGIN + timedelta(days=10)
    name = stage_gate(gated, "gate", purpose=purpose, as_of=as_of)
    rows = gated.rows(f"select subject_id, is_eligible, reason from {name}")
    assert sorted(subject for subject, _, _ in rows) == [1, 2, 3, 4, 5]
    assert {subject for subject, is_eligible, _ in rows if is_eligible} == case.eligible
    reasons = {subject: reason for subject, _, reason in rows}
    assert set(case.reasons) <= set(reasons.items())
