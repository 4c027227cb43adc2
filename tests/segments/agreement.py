"""The evaluators held against the reference: SQL at once, live at once and as a stream.

    python -m tests.segments.agreement [--seeds 20] [--of sql|live]

Ends with 1 and the case at the first disagreement.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from dmp.core.errors import RuleInvalid
from dmp.segments.compiler import compile_segment
from dmp.segments.file_tables import connect
from dmp.segments.live import LiveSegments
from dmp.segments.parsing import parse

from . import reference, streams, worlds

FAMILIES = {**worlds.FAMILIES, **worlds.CROWD}


@dataclass(frozen=True)
class Case:
    """A rule over a history, at an instant."""

    world: reference.World
    as_of: datetime
    document: dict[str, Any]
    other: dict[str, Any]

    def rules(self) -> list[Any]:
        return [parse(self.document), parse(self.other)]

    def __str__(self) -> str:
        return f"{self.document}\n{self.other}\n{self.as_of}"


class Disagreement(AssertionError):
    """Two evaluators give different members."""


def same(found: Any, wanted: Any, case: Case, who: str) -> None:
    if found != wanted:
        raise Disagreement(f"{who}: {found}, reference: {wanted}\n{case}")


def cases(seed: int, family: str, rules: int = 6) -> Iterator[Case]:
    """The rules of one seed, all over one world."""
    random = Random(seed)
    zone, as_of, pool = worlds.moments().make(random)
    world = worlds.worlds(as_of, pool).make(random)
    if family == "crowd":
        world = worlds.crowded(world, as_of, pool).make(random)
    for _ in range(rules):
        rule = FAMILIES[family](pool).make(random)
        inner = worlds.inner_rules(pool).make(random)
        document = {"segment": "outer", "timezone": zone, "rule": rule}
        other = {"segment": "inner", "timezone": "Asia/Kolkata", "rule": inner}
        world.segments = {"inner": other}
        yield Case(world, as_of, document, other)


def wanted(case: Case) -> list[str]:
    case.world.segments = {"inner": case.other}
    return reference.members(case.document, case.world, case.as_of)


def check_sql(connection: Any, case: Case, members: list[str]) -> None:
    """The world must be in the connection's tables already."""
    outer, inner = case.rules()
    try:
        query = compile_segment(
            outer, worlds.POPULATION, case.as_of, segments={"inner": inner}
        )
    except RuleInvalid as refused:
        # A date column against a text that is no date; all else must compile.
        assert {f.wrong for f in refused.faults} == {"is no date or instant"}
        return
    rows = connection.execute(query.sql("duckdb")).fetchall()
    same(sorted(row[0] for row in rows), members, case, "sql")


def check_live(case: Case, members: list[str]) -> bool:
    """Compare what is loaded whole; False where the rule is not live."""
    store = streams.Store(case.world, case.world.events)
    live = LiveSegments(case.rules(), store.load)
    if "outer" in live.batch:
        return False
    people = sorted(case.world.profiles)
    found = [p for p in people if "outer" in live.memberships(p, case.as_of)]
    same(found, members, case, "live")
    return True


def check_stream(case: Case, random: Random) -> None:
    """Compare event by event, between instants of any order, in little memory."""
    outer, inner = case.rules()
    for asked in streams.replay(case.world, (outer, inner), case.as_of, random):
        world = reference.World(**{**vars(case.world), "events": asked.events})
        judge = reference.Judge(world, asked.as_of, reference.ZoneInfo(outer.timezone))
        holds = judge.node(case.document["rule"], asked.profile_id)
        same(asked.member, holds, case, f"live at {asked.as_of} ({asked.why})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--of", choices=["sql", "live"])
    asked = parser.parse_args()
    connection = connect()
    try:
        for seed in range(asked.seeds):
            for family in FAMILIES:
                _check(connection, seed, family, asked.of)
    except Disagreement as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


def _check(connection: Any, seed: int, family: str, of: str | None) -> None:
    filled = False
    for case in cases(seed, family):
        members = wanted(case)
        if of != "live":
            if not filled:
                worlds.fill(connection, case.world)
            filled = True
            check_sql(connection, case, members)
        if of != "sql" and check_live(case, members):
            check_stream(case, Random(seed))


if __name__ == "__main__":
    sys.exit(main())
