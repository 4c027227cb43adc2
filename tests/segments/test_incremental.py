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

from dmp.core.sql import Query, sql
from dmp.core.types import Evaluation
from dmp.segments.build import build
from dmp.segments.computed import parse_trait
from dmp.segments.judging import judge
from dmp.segments.parsing import parse
from dmp.segments.rule import Computed
from dmp.segments.saved import Saved
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields, migrate
from dmp.storage.write import append, change, commit

from . import worlds
from .small_lake import day, decide, people, saved

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
        properties = {"page": "varchar", "amount": "double", "day": "date"}
        ensure_fields(lake, "core.event", "properties", properties)
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
        last = {"last": n, "unit": unit}
        page, amount = (
            {"property": name, "op": op, "value": value}
            for name, op, value in (("page", "neq", "x"), ("amount", "gte", 1))
        )
        day = {"property": "day", "op": "after", "value": f"{self.as_of:%Y-%m-%d}"}
        one, other = ({"event": draw.choice("ab"), "where": [w]} for w in (page, day))
        twice = {"op": draw.choice(["gte", "eq"]), "value": 2}
        where: list[dict[str, Any]] = [
            {"did": {**one, "times": twice, "within": last}},
            {"last": {**one, "has": [amount], "within": last}},
            {"sequence": {"steps": [one, other], "within": last}},
            {"lifecycle": {**one, "state": "first_time", "within": last}},
        ]
        return {
            "only": draw.choice(where),
            "where": {draw.choice(["any", "all"]): draw.sample(where, 2)},
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
                f"'{self.time()}'::timestamptz as occurred_at, {self.properties()}"
            )

        self.insert("core.event", (one() for _ in range(n)))

    def properties(self) -> str:
        draw = self.random
        page = draw.choice(["'x'", "'y'", "null"])
        amount = draw.choice(["0.5", "1", "null"])
        day = draw.choice([f"'{draw.choice(self.pool.days)}'", "null"])
        return (
            f"{{'_': null, 'page': {page}::varchar, 'amount': {amount}::double, "
            f"'day': {day}::date}} as properties"
        )

    def correction(self) -> None:
        """Some events are told again: of another page, or at another time."""
        wanted = f"where subject_id = {self.random.randrange(SUBJECTS)}"
        told = f"set occurred_at = '{self.time()}', properties = p.properties"
        table, kept = "core.event", f"(select {self.properties()}) as p"
        self.change(table, f"update {table} {told} from {kept} {wanted}")

    def arrival(self) -> None:
        """Somebody who was nobody's is found to be somebody, and does something."""
        subject, self.number = 10**6 + self.number, self.number + 1
        self.place[subject] = self.random.choice(sorted(set(self.place.values())))
        self.insert("identity.assignment", [self.placed(subject)])
        self.insert(
            "core.event",
            [
                f"'{UUID(int=subject)}'::uuid as event_id, {subject} as subject_id, "
                f"'a' as event, '{self.time()}'::timestamptz as occurred_at, "
                f"{self.properties()}"
            ],
        )

    def removal(self) -> None:
        """A subject turns out to be of another person."""
        subject, key = self.random.choice(list(self.place.items()))
        others = sorted({*self.place.values()} - {key})
        if [*self.place.values()].count(key) == 1:
            return
        self.place[subject] = self.random.choice(others)
        end = f"set valid_to = '{self.instant()}' where valid_to is null"
        table = "identity.assignment"
        self.change(table, f"update {table} {end} and subject_id = {subject}")
        self.insert(table, [self.placed(subject)])

    def withdrawal(self) -> None:
        """Whoever agreed says no, at an instant that as_of may not have reached."""
        agreed = "select subject_id from privacy.consent where status = 'granted'"
        self.insert(
            "privacy.consent",
            [
                f"subject_id, '{PURPOSE}' as purpose, 'denied' as status, "
                f"'{self.time()}'::timestamptz as captured_at from ({agreed} limit 3)"
            ],
        )

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
        name = self.random.choice(["did", "chain", "life", "plain", "only", "where"])
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
    *("correction", "arrival", "removal", "withdrawal"),
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


def test_only_those_are_touched_about_whom_a_condition_can_say_anything(
    tmp_path: Path,
) -> None:
    with Lake(tmp_path / "lake") as lake:
        migrate(lake)
        ensure_fields(lake, "core.event", "properties", {"page": "varchar"})
        people(lake, 6)
        where = [{"property": "page", "op": "eq", "value": "/pricing"}]
        within = {"last": 1, "unit": "day"}
        rules: dict[str, dict[str, Any]] = {
            "pricing": {"did": {"event": "viewed", "where": where, "within": within}},
            "any": {"did": {"any_event": True}},
            "bought": {"related": {"entity": "transaction", "quantifier": "any"}},
            "agreed": {"consent": {"purpose": "ads", "status": "granted"}},
            "plain": {"attribute": "subjects", "op": "gte", "value": 1},
        }
        # more segments than one number has bits: the last are of another one
        filling = {f"other{n}": rules["plain"] for n in range(70)}
        saved_rules = {
            name: one
            for name, rule in {**filling, **rules}.items()
            for one in [saved(rule, segment=name)["s"]]
        }

        def judged(at: float) -> dict[str, Any]:
            return judge(lake, saved_rules, list(saved_rules), day(at))

        def touched(at: float) -> dict[str, int]:
            found = {name: one.among for name, one in judged(at).items()}
            counts = {
                name: lake.value(sql("select count(*) from ({q})", q=query))
                for name, query in found.items()
                if query is not None
            }
            assert set(counts) == set(saved_rules)
            return {name: n for name, n in counts.items() if n}

        def view(n: int, subject: int, page: str, at: float) -> None:
            shown = f"{{'_': null, 'page': '{page}'}} as properties"
            text = f"'{UUID(int=n)}'::uuid as event_id, {subject} as subject_id, "
            text += f"'viewed' as event, '{day(at)}'::timestamptz as occurred_at"
            rows = Query(f"select {text}, {shown}")
            commit(lake, [append("core.event", rows)], message="event")

        view(1, 1, "/pricing", 1)
        view(2, 2, "/help", 1)
        build(lake, saved_rules, list(saved_rules), as_of=day(1.5), now=day(1.5))
        assert touched(1.5) == touched(1.9) == {}
        assert touched(2.1) == {"pricing": 1}
        view(3, 3, "/help", 1.2)
        assert touched(1.5) == {"any": 1}
        view(4, 4, "/pricing", 1.6)
        assert touched(1.5) == touched(1.6) == {"any": 2, "pricing": 1}
        decide(lake, 5, "granted", day(1.4))
        assert touched(1.5) == {"any": 2, "pricing": 1, "agreed": 1}
        assert judged(1.5)["plain"].touched == 3
