"""What an incremental run gives, it gives as a full run would."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_up_people import SETTINGS, People
from sample_workspace import copy_workspace, open_at

from dmp.flows.ingest import ingest
from dmp.flows.resolve import current_model, identity_settings, resolve_people
from dmp.flows.workspace import Workspace
from dmp.identity.resolve import Resolution
from dmp.identity.settings import IdentifierRule, IdentitySettings
from dmp.privacy import KeyStore, Vault
from dmp.privacy.vault_key import VaultKey
from dmp.storage.lake import Lake
from dmp.storage.migrate import migrate

pytestmark = pytest.mark.slow

Step = Callable[[People], None]
TABLES = {
    "identity.assignment": "",
    "identity.profile": "",
    "identity.change": "",
    "identity.edge": "exclude (run_id)",
    "identity.seen_subject": "",
    "identity.blocked_value": "",
}
SUBJECTS = range(1, 41)
SEEDS = int(os.environ.get("DMP_TEST_SEEDS", "1"))
"""Random worlds to live through; more for a soak."""


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[People]:
    """Other people of the same kind, in a lake of their own."""
    key = VaultKey(bytes(range(32)), "the test")
    home = tmp_path / "reference"
    with (
        Lake(home / "lake") as lake,
        KeyStore(home / "vault" / "keys.sqlite", key) as keys,
    ):
        migrate(lake)
        yield People(lake, Vault(home / "vault" / "blobs", keys))


def state(people: People) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: people.lake.rows(f"select * {some} from {table} order by all")
        for table, some in TABLES.items()
    }


def lived(people: People, loads: list[list[Step]], *, full: bool) -> list[Resolution]:
    reports = []
    for load in loads:
        for step in load:
            step(people)
        reports.append(people.resolve(full=full))
    return reports


def assert_same(
    people: People, reference: People, loads: list[list[Step]]
) -> list[Resolution]:
    """Live through the loads twice, the second time with full runs alone."""
    found = lived(people, loads, full=False)
    expected = lived(reference, loads, full=True)
    assert all(report.is_full for report in expected)
    assert state(people) == state(reference)
    for one, other in zip(found, expected, strict=True):
        assert totals(one) == totals(other)
    return found


def totals(report: Resolution) -> tuple[Any, ...]:
    return (
        report.subjects,
        report.profiles,
        report.blocked_values,
        report.largest_clusters,
        report.founded,
        report.merged,
        report.revived,
    )


def random_loads(chance: random.Random) -> list[list[Step]]:
    """People who come, share, are decided about, and go, in a few loads."""
    kinds = {s: chance.choice(["record", "record", "user", "device"]) for s in SUBJECTS}
    pending = list(SUBJECTS)
    chance.shuffle(pending)
    here: list[int] = []
    loads: list[list[Step]] = []
    for size in (18, 2, 6, 1, 0, 13):
        new, pending = pending[:size], pending[size:]
        here += new
        load = [
            adding([subject for subject in new if kinds[subject] == kind], kind)
            for kind in ("record", "user", "device")
        ]
        load += [sharing(chance, here, new) for _ in range(size * 2 // 3)]
        load += [some_change(chance, here) for _ in range(2)] if loads else []
        loads.append(load)
    return loads


def adding(subjects: list[int], kind: str) -> Step:
    return lambda people: people.add(*subjects, kind=kind) if subjects else None


def sharing(chance: random.Random, here: list[int], new: list[int]) -> Step:
    type_ = chance.choice(["email", "phone", "cookie"])
    token = f"{type_}-{chance.randrange(9)}"
    first = chance.choice(new or here)
    subjects = sorted({first, *chance.sample(here, min(len(here), 2))})
    seen = [chance.randrange(1, 9) for _ in subjects]
    return lambda people: people.share(type_, token, subjects, observations=seen)


def some_change(chance: random.Random, here: list[int]) -> Step:
    left, right = chance.sample(here, 2)
    return chance.choice(
        [
            sharing(chance, here, []),
            lambda people: people.decide("must_link", left, right),
            lambda people: people.decide("cannot_link", left, right),
            lambda people: people.erase("identity.identifier", left),
        ]
    )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_loads_give_what_full_runs_give(
    people: People, reference: People, seed: int
) -> None:
    found = assert_same(people, reference, random_loads(random.Random(seed)))
    looked_at = [report.looked_at for report in found if not report.is_full]
    assert looked_at and min(looked_at) < len(SUBJECTS)


START = datetime(2100, 1, 1, tzinfo=UTC)


def ruled() -> IdentitySettings:
    """Rules with limits and trust, under which cookies expire first, then phones."""
    age_days = (START - datetime.now(UTC)).days
    return IdentitySettings(
        identifiers={
            "email": IdentifierRule(
                weight_bits=10, max_subjects=3, max_per_profile=2, priority=1
            ),
            "phone": IdentifierRule(
                weight_bits=6,
                max_subjects=3,
                max_per_profile=1,
                valid_days=age_days + 170,
            ),
            "cookie": IdentifierRule(
                weight_bits=14,
                joins="device",
                valid_days=age_days + 90,
                trust={"crm": 0.5},
            ),
        }
    )


def later(people: People) -> None:
    people.clock += timedelta(days=40)


@pytest.mark.parametrize("seed", range(10, 10 + SEEDS))
def test_limits_and_what_expires_give_what_full_runs_give(
    people: People, reference: People, seed: int
) -> None:
    loads = [[*load, later] for load in random_loads(random.Random(seed))]
    for each in (people, reference):
        each.clock, each.settings = START, ruled()
    found = assert_same(people, reference, loads)
    assert sum(sum(report.dropped_edges.values()) for report in found) > 0
    assert [report.is_full for report in found].count(False) > 2


def test_what_goes_is_noticed(people: People, reference: People) -> None:
    loads: list[list[Step]] = [
        [
            lambda p: p.add(*range(1, 13)),
            lambda p: p.share("email", "a", [1, 2, 3]),
            lambda p: p.share("phone", "crowd", [4, 5, 6, 7]),
        ],
        [
            lambda p: p.erase("identity.identifier", 7, 2),
            lambda p: p.erase("identity.subject", 7, 2),
        ],
    ]
    _, second = assert_same(people, reference, loads)
    assert frozenset({4, 5, 6}) in people.groups()
    assert (second.is_full, second.looked_at) == (False, 5)


def test_a_value_that_becomes_too_frequent_joins_nobody(
    people: People, reference: People
) -> None:
    loads: list[list[Step]] = [
        [lambda p: p.add(*range(1, 13)), lambda p: p.share("phone", "x", [1, 2, 3])],
        [lambda p: p.share("phone", "x", [4])],
        [lambda p: p.share("phone", "x", [5])],
    ]
    _, second, third = assert_same(people, reference, loads)
    assert (second.looked_at, second.blocked_values) == (4, 1)
    assert third.looked_at == 1
    assert {len(group) for group in people.groups()} == {1}


def test_far_from_a_change_nobody_is_looked_at(people: People) -> None:
    people.add(*range(1, 41))
    for left in range(1, 40, 2):
        people.share("email", f"e{left}", [left, left + 1])
    assert people.resolve().is_full
    people.add(41)
    people.share("email", "e1", [41])
    report = people.resolve()
    assert (report.is_full, report.looked_at, report.subjects) == (False, 3, 41)
    assert report.profiles == 20
    assert frozenset({1, 2, 41}) in people.groups()


def test_a_decision_alone_is_noticed(people: People, reference: People) -> None:
    loads: list[list[Step]] = [
        [lambda p: p.add(*range(1, 13)), lambda p: p.share("email", "e", [1, 2])],
        [lambda p: p.decide("must_link", 2, 9)],
        [lambda p: p.decide("cannot_link", 1, 2)],
    ]
    _, second, third = assert_same(people, reference, loads)
    assert (second.looked_at, third.looked_at) == (3, 3)
    assert people.groups() >= {frozenset({1}), frozenset({2, 9})}


def test_what_is_only_repeated_is_no_change(people: People) -> None:
    people.add(*range(1, 9))
    people.add(9, kind="device")
    people.share("email", "e", [1, 2])
    people.share("cookie", "c", [3, 4, 9])
    people.resolve()
    people.share("email", "e", [1, 2])
    people.share("cookie", "c", [9])
    assert not people.resolve().is_new
    people.share("cookie", "c", [4])
    assert people.resolve().looked_at == 3


def test_other_settings_look_at_everybody(people: People) -> None:
    people.add(*range(1, 9))
    people.resolve()
    people.settings = SETTINGS.model_copy(update={"uncompared_penalty_bits": 2.0})
    assert people.resolve().is_full
    again = people.resolve()
    assert not again.is_new
    assert people.resolve(full=True).is_new


PERSON = {
    "first_name": "Margaret",
    "last_name": "Okonkwo",
    "birth_date": "1971-03-09",
    "email": "m.okonkwo@example.com",
    "phone": "+447700900123",
    "postcode": "LS1 4DY",
}


def varied(chance: random.Random, number: int) -> dict[str, str]:
    """One of eight people as one of many sources would write them."""
    born, name = 1950 + number % 8, f"{PERSON['last_name']}{'abcdefgh'[number % 8]}"
    fields = PERSON | {
        "last_name": name,
        "birth_date": f"{born}-03-09",
        "email": f"{name}@example.com",
        "phone": f"+44770090010{number % 8}",
        "postcode": f"LS{number % 8} 4DY",
    }
    kept = chance.sample(sorted(fields), 5)
    return {name: fields[name] for name in kept} | {"first_name": "Margaret"}


def described_loads(chance: random.Random) -> list[list[Step]]:
    """Records of eight people in four loads, some of them in a later version."""
    order = list(SUBJECTS)
    chance.shuffle(order)
    loads = []
    for place, size in enumerate((22, 3, 1, 14)):
        new, order = order[:size], order[size:]
        changed = chance.sample([s for s in SUBJECTS if s not in order], 2)
        rows = {s: varied(chance, s) for s in {*new, *changed}}
        loads.append([adding(new, "record"), describing(f"load{place}", rows)])
    return loads


def describing(load_id: str, rows: dict[int, dict[str, str]]) -> Step:
    return lambda people: people.describe(load_id, rows)


def test_scored_records_give_what_full_runs_give(
    people: People, reference: People, resolved_sample: Workspace
) -> None:
    settings = identity_settings(resolved_sample)
    model = current_model(resolved_sample, settings)
    assert model
    for each in (people, reference):
        each.settings, each.model = settings, model
    found = assert_same(people, reference, described_loads(random.Random(5)))
    assert [report.is_full for report in found] == [True, False, False, False]
    assert any(group & {8} and len(group) > 2 for group in people.groups())


def test_a_load_and_a_resolve_run_in_one_workspace(
    resolved_sample: Workspace, tmp_path: Path
) -> None:
    """Three customers come again under other numbers: they are who they were."""
    home = copy_workspace(resolved_sample.paths.home, tmp_path / "copy")
    file = home / "data" / "landing" / "crm" / "part-00000-a.csv"
    head, *lines = file.read_text("utf-8-sig").splitlines()
    again = [f"X{line}" for line in lines[:3]]
    file.with_name("again.csv").write_text("\n".join([head, *again]) + "\n")
    with open_at(home) as workspace:
        before = workspace.lake.value("select count(*) from identity.profile")
        ingest(workspace, "crm")
        resolution, _ = resolve_people(workspace)
        assert (resolution.is_full, resolution.founded) == (False, 0)
        assert 3 < resolution.looked_at < resolution.subjects / 10
        assert before == workspace.lake.value("select count(*) from identity.profile")
