"""What a build of the touched alone gives, it gives as a build of everybody would."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from dmp.core.sql import Query
from dmp.core.types import Evaluation
from dmp.segments.build import build
from dmp.segments.computed import parse_trait
from dmp.segments.parsing import parse
from dmp.segments.rule import Computed
from dmp.segments.saved import Saved
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields, migrate
from dmp.storage.write import append, change, commit

from . import worlds

SEEDS = int(os.environ.get("DMP_TEST_SEEDS", "1"))
"""Random workspaces to live through; more for a soak."""

SUBJECTS = 40
STAYS = "select * from segment.membership order by all"
PURPOSE, STATUSES = "ads", ("granted", "denied", "unknown")


class Shop:
    """A workspace's lake, its rules, and what happens to it."""

    def __init__(self, lake: Lake, random: Random) -> None:
        self.lake, self.random, self.number = lake, random, 0
        self.zone, self.as_of, self.pool = worlds.moments().make(random)
        self.rules, self.traits = self.drawn(), self.windowed()
        self.place = {subject: subject // 2 for subject in range(SUBJECTS)}
        migrate(lake)
        ensure_fields(lake, "core.event", "properties", {"page": "varchar"})
        fields = {"seen": "timestamptz", "born": "date"}
        ensure_fields(lake, "profile.profile", "attributes", fields)
        people = sorted(set(self.place.values()))
        self.insert("identity.profile", (self.named(key) for key in people))
        self.insert("identity.assignment", map(self.placed, range(SUBJECTS)))
        self.insert("profile.profile", map(self.person, people))
        self.events(120)
        self.purchases(20)
        self.decisions(20)

    def drawn(self) -> dict[str, Any]:
        """Rules of every node that a touched person can be judged by, and `top`."""
        draw, pool = self.random, self.pool
        n, unit = draw.choice([*pool.lengths, (1, "day"), (1, "month")])
        spell = {"value": n, "unit": unit if unit in worlds.BIG_UNITS else "day"}
        plain: list[dict[str, Any]] = [
            {"attribute": "seen", "op": "in_last", **spell},
            {"attribute": "born", "op": "this", "unit": "week"},
            {"attribute": "last_order_at", "op": "older_than", **spell},
            {"attribute": "event_count", "op": "gte", "value": 4},
            {"attribute": "recent", "op": "gte", "value": 1},
            {"attribute": "bought", "op": "gt", "value": {"attribute": "recent"}},
            draw.choice(
                [
                    {"attribute": "latest", "op": "in_last", **spell},
                    {"attribute": "days", "op": "lt", "value": n},
                ]
            ),
            {"consent": {"purpose": PURPOSE, "status": draw.choice(STATUSES)}},
            {"related": {"entity": "transaction", "quantifier": {"exactly": 1}}},
        ]
        return {
            "did": {"any": [worlds.behaviours(pool).make(draw) for _ in range(2)]},
            "chain": worlds.sequences(pool).make(draw),
            "life": worlds.lifecycles(pool).make(draw),
            "plain": {draw.choice(["any", "all"]): draw.sample(plain, 2)},
            "other": {"any": [{"segment": {"not_in": "did"}}, draw.choice(plain)]},
            "best": {"top": {"n": 3, "by": "event_count", "order": "desc"}},
        }

    @property
    def saved(self) -> dict[str, Saved]:
        documents = [
            {"segment": name, "timezone": self.zone, "rule": rule}
            for name, rule in self.rules.items()
        ]
        return {d["segment"]: Saved(parse(d), d) for d in documents}

    # -- rows, as SQL writes them

    def insert(self, table: str, rows: Iterable[str]) -> None:
        query = Query(" union all ".join(f"select {row}" for row in rows))
        commit(self.lake, [append(table, query)], message="test")

    def change(self, table: str, statement: str) -> None:
        commit(self.lake, [change(table, Query(statement))], message="test")

    def named(self, key: int) -> str:
        return f"{key} as profile_key, 'p{key}' as profile_id, 1 as generation"

    def placed(self, subject: int) -> str:
        key = self.place[subject]
        return (
            f"{subject} as subject_id, {key} as component_id, {key} as profile_key, "
            f"'{self.instant()}'::timestamptz as valid_from"
        )

    def person(self, key: int) -> str:
        born = self.random.choice(self.pool.days)
        return (
            f"{key} as profile_key, 2 as subjects, ['shop'] as sources, {{'_': null, "
            f"'seen': '{self.time()}'::timestamptz, 'born': '{born}'::date}} "
            f"as attributes, '{self.instant()}'::timestamptz as valid_from"
        )

    def time(self) -> datetime:
        zone = ZoneInfo(self.zone)
        worlds.aim(self.pool, [*self.rules.values()], self.as_of, zone)
        return worlds.times(self.pool, self.as_of).make(self.random)

    def instant(self) -> datetime:
        """The wall clock, which only moves on."""
        self.number += 1
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.number)

    # -- what may happen

    def events(self, n: int = 4) -> None:
        def one() -> str:
            self.number += 1
            return (
                f"'{UUID(int=self.number)}'::uuid as event_id, "
                f"{self.random.randrange(SUBJECTS)} as subject_id, "
                f"'{self.random.choice('aabc')}' as event, "
                f"'{self.time()}'::timestamptz as occurred_at"
            )

        self.insert("core.event", (one() for _ in range(n)))

    def purchases(self, n: int = 2) -> None:
        def one() -> str:
            self.number += 1
            return (
                f"'{UUID(int=self.number)}'::uuid as transaction_id, "
                f"{self.random.randrange(SUBJECTS)} as subject_id, 5.0 as amount, "
                f"'{self.time()}'::timestamptz as occurred_at"
            )

        self.insert("core.transaction", (one() for _ in range(n)))

    def decisions(self, n: int = 2) -> None:
        def one() -> str:
            return (
                f"{self.random.randrange(SUBJECTS)} as subject_id, "
                f"'{PURPOSE}' as purpose, "
                f"'{self.random.choice(STATUSES)}' as status, "
                f"'{self.time()}'::timestamptz as captured_at"
            )

        self.insert("privacy.consent", (one() for _ in range(n)))

    def nothing(self) -> None:
        """Let nothing happen."""

    def merge(self) -> None:
        gone, kept = self.random.sample(sorted(set(self.place.values())), 2)
        moved = [s for s, key in self.place.items() if key == gone]
        self.place |= dict.fromkeys(moved, kept)
        end = f"set valid_to = '{self.instant()}' where valid_to is null"
        for table in ("identity.assignment", "profile.profile"):
            self.change(table, f"update {table} {end} and profile_key = {gone}")
        table = "identity.profile"
        alias = f"set alias_of = {kept} where profile_key = {gone}"
        self.change(table, f"update {table} {alias}")
        self.insert("identity.assignment", map(self.placed, moved))

    def attributes(self) -> None:
        key = self.random.choice(sorted(set(self.place.values())))
        end = f"set valid_to = '{self.instant()}' where profile_key = {key}"
        table = "profile.profile"
        self.change(table, f"update {table} {end} and valid_to is null")
        self.insert(table, [self.person(key)])

    def retention(self) -> None:
        some = f"subject_id = {self.random.randrange(SUBJECTS)}"
        self.change("core.event", f"delete from core.event where {some}")

    def compaction(self) -> None:
        self.lake.execute("call ducklake_merge_adjacent_files('lake')")

    def trait(self) -> None:
        self.traits = self.windowed()

    def rule(self) -> None:
        name = self.random.choice(["did", "chain", "life", "plain"])
        self.rules[name] = self.drawn()[name]

    def pass_time(self) -> None:
        ahead = [t for t in [self.time() for _ in range(9)] if t > self.as_of]
        step = timedelta(microseconds=1)
        self.as_of = self.random.choice([*ahead, self.as_of + step])

    def build(self, *, full: bool = False) -> list[Evaluation]:
        saved, now = self.saved, self.instant()
        return build(
            self.lake,
            saved,
            list(saved),
            as_of=self.as_of,
            now=now,
            full=full,
            traits=self.traits,
        )

    def windowed(self) -> tuple[Computed, ...]:
        """Traits over windows that time moves."""
        draw, lengths = self.random, self.pool.lengths

        def trait(name: str, **more: Any) -> Computed:
            n, unit = draw.choice(lengths)
            within = {"last": n, "unit": unit}
            zone = {"timezone": self.zone}
            return parse_trait({"trait": name, **zone, "within": within, **more})

        return (
            trait("recent", event=draw.choice("abc"), agg="count"),
            trait("bought", related="transaction", agg="sum", property="amount"),
            trait("latest", any_event=True, agg="last"),
            trait("days", event="a", agg="time_since", unit="day"),
        )

    def happen(self) -> list[str]:
        """Let two things happen, and mostly time pass, before the next build."""
        happened = self.random.sample(HAPPENINGS, 2)
        for name in happened:
            getattr(self, name)()
        if self.random.random() < 0.6:
            self.pass_time()
        return happened


HAPPENINGS = (
    *("events", "purchases", "decisions", "merge", "attributes", "retention"),
    *("compaction", "rule", "trait", "nothing"),
)


def lived(lake: Lake, seed: int, *, full: bool) -> list[Any]:
    """Live through a random life; return what each build told, and who stayed why."""
    shop, told = Shop(lake, Random(seed)), []
    for _ in range(5):
        built = shop.build(full=full)
        kept = [(one.segment, one.people, one.conditions) for one in built]
        told.append([[one.touched for one in built], kept, lake.rows(STAYS)])
        told[-1].append((shop.rules.copy(), shop.happen()))
    return told


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_build_of_the_touched_equals_one_of_everybody(
    tmp_path: Path, seed: int
) -> None:
    with Lake(tmp_path / "lake") as lake:
        some = lived(lake, seed, full=False)
    with Lake(tmp_path / "whole") as lake:
        everybody = lived(lake, seed, full=True)
    for number, (one, other) in enumerate(zip(some, everybody, strict=True)):
        assert one[1:] == other[1:], f"build {number}"
    touched = [n for one in some[1:] for n in one[0]]
    assert sum(n is not None for n in touched) >= 3
    causes = {cause for stay in some[-1][2] for cause in stay[4:] if cause}
    assert causes


def test_nobody_is_judged_where_nothing_changed(tmp_path: Path) -> None:
    with Lake(tmp_path / "lake") as lake:
        shop = Shop(lake, Random(1))
        del shop.rules["best"]
        assert {one.touched for one in shop.build()} == {None}
        again = shop.build()
        assert {(one.touched, one.is_new) for one in again} == {(0, False)}
        shop.insert(
            "core.event",
            [
                f"'{UUID(int=10**6)}'::uuid as event_id, 0 as subject_id, "
                f"'a' as event, "
                f"'{shop.as_of}'::timestamptz as occurred_at"
            ],
        )
        assert {one.touched for one in shop.build()} == {1}
        built = shop.build(full=True)
        assert {one.touched for one in built} == {None}
