"""The evaluators held against the reference: SQL at once, live at once and as a stream.

    python -m tests.segments.agreement [--seeds 1000] [--of sql|live]
    python -m tests.segments.agreement --choose [--seeds 60]

Prints how many cases reached each word of the language and each edge. Ends with 1 and
the case at the first disagreement, or where something was not reached. With `--choose`
it prints few worlds that together reach everything, for the default tests.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, TypeAlias

from dmp.core.errors import RuleInvalid
from dmp.segments.checks import faults_of
from dmp.segments.compiler import compile_segment
from dmp.segments.file_tables import connect
from dmp.segments.live import LiveSegments, not_live
from dmp.segments.parsing import parse

from . import reference, streams, worlds
from .chance import Chance
from .reached import Feature, Reached, of_node

RULES = {"profile": 20}
"""How many rules a world meets, by family; six where none is said."""
FAMILIES = {**worlds.FAMILIES, **worlds.CROWD}
REFUSED = {"is no date or instant", "is below a day, the column is a date"}
"""Why a date column does not compile beside some operands; all else must compile."""
World: TypeAlias = tuple[str, int]
"""A family of rules and a seed: about the same rules, over one history."""

EVALUATORS = ("sql", "live", "stream")


@dataclass(frozen=True)
class Case:
    """A rule over a history, at an instant."""

    world: reference.World
    as_of: datetime
    document: dict[str, Any]
    other: dict[str, Any]
    members: list[str]

    def rules(self) -> list[Any]:
        return [parse(self.document), parse(self.other)]

    def __str__(self) -> str:
        return f"{self.document}\n{self.other}\n{self.as_of}"


class Disagreement(AssertionError):
    """Two evaluators give different members."""


def same(found: Any, wanted: Any, case: Case, who: str) -> None:
    if found != wanted:
        raise Disagreement(f"{who}: {found}, reference: {wanted}\n{case}")


def cases(seed: int, family: str) -> Iterator[Case]:
    """The rules of one seed over one world, with what the reference says.

    Of many random rules those are taken that say what the others do not.
    """
    random = Random(seed)
    zone, as_of, pool = worlds.moments().make(random)
    rules = rarest(FAMILIES[family](pool), RULES.get(family, 6), random)
    worlds.aim(pool, rules, as_of, reference.ZoneInfo(zone))
    world = worlds.worlds(as_of, pool).make(random)
    if family == "crowd":
        world = worlds.crowded(world, as_of, pool).make(random)
    for rule in rules:
        inner = worlds.inner_rules(pool).make(random)
        document = {"segment": "outer", "timezone": zone, "rule": rule}
        other = {"segment": "inner", "timezone": "Asia/Kolkata", "rule": inner}
        told = replace(world, segments={"inner": other})
        members = reference.members(document, told, as_of)
        yield Case(told, as_of, document, other, members)


def rarest(rules: Chance[Any], wanted: int, random: Random) -> list[dict[str, Any]]:
    said = Counter[Feature]()
    drawn = [rules.make(random) for _ in range(3 * wanted)]
    words = [set(of_node(rule)) for rule in drawn]
    chosen = []
    for _ in range(wanted):
        place = min(range(len(drawn)), key=lambda n: min(said[w] for w in words[n]))
        said.update(words.pop(place))
        chosen.append(drawn.pop(place))
    return chosen


def check_sql(connection: Any, case: Case) -> bool:
    """Compare with the SQL, over the connection's tables; False where none compiles."""
    outer, inner = case.rules()
    try:
        query = compile_segment(
            outer, worlds.POPULATION, case.as_of, segments={"inner": inner}
        )
    except RuleInvalid as refused:
        assert {f.wrong for f in refused.faults} <= REFUSED, case
        return False
    rows = connection.execute(query.sql("duckdb")).fetchall()
    same(sorted(row[0] for row in rows), case.members, case, "sql")
    return True


def check_live(case: Case) -> bool:
    """Compare what is loaded whole; False where the rule is not live."""
    store = streams.Store(case.world, case.world.events)
    live = LiveSegments(case.rules(), store.load)
    if "outer" in live.batch:
        return False
    people = sorted(case.world.profiles)
    found = [p for p in people if "outer" in live.memberships(p, case.as_of)]
    same(found, case.members, case, "live")
    return True


def check_stream(case: Case, random: Random) -> bool:
    """Compare event by event, between instants of any order, in little memory."""
    outer, inner = case.rules()
    if "outer" in LiveSegments((outer, inner), lambda person: None).batch:
        return False
    for asked in streams.replay(case.world, (outer, inner), case.as_of, random):
        world = replace(case.world, events=asked.events)
        judge = reference.Judge(world, asked.as_of, reference.ZoneInfo(outer.timezone))
        holds = judge.node(case.document["rule"], asked.profile_id)
        same(asked.member, holds, case, f"live at {asked.as_of} ({asked.why})")
    return True


def check(connection: Any, case: Case, of: str, seed: int = 0) -> bool:
    """Hold one evaluator to the reference; False where the rule is not for it.

    Raises:
        Disagreement: they differ.
    """
    if of == "sql":
        return check_sql(connection, case)
    return check_live(case) if of == "live" else check_stream(case, Random(seed))


def agree(
    connection: Any, of: Iterable[World], evaluators: tuple[str, ...] = EVALUATORS
) -> Reached:
    """Hold the evaluators to the reference in some worlds, and say what was reached.

    Raises:
        Disagreement: at the first case where one differs.
    """
    reached = Reached()
    for family, seed in of:
        for n, case in enumerate(cases(seed, family)):
            if n == 0:
                worlds.fill(connection, case.world)
            for evaluator in evaluators:
                if check(connection, case, evaluator, seed) and evaluator != "stream":
                    reached.note(evaluator, case.document)
        reached.edges.update(case.world.met)
    return reached


def foreseen(family: str, seed: int) -> Reached:
    """Say what a world reaches, by the reference alone."""
    reached = Reached()
    for case in cases(seed, family):
        outer, inner = case.rules()
        if not faults_of(outer, worlds.POPULATION, {"inner": inner}):
            reached.note("sql", case.document)
        if not not_live(outer, {"inner": inner}):
            reached.note("live", case.document)
    reached.edges.update(case.world.met)
    return reached


def choose(of: Iterable[World]) -> list[World]:
    """Return few worlds that reach all that these do together."""
    found = {world: frozenset(foreseen(*world).all()) for world in of}
    wanted = frozenset[Any]().union(*found.values())
    chosen = []
    while wanted:
        best = max(found, key=lambda world: len(found[world] & wanted))
        wanted -= found[best]
        chosen.append(best)
    return sorted(chosen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--of", choices=["sql", "live"])
    parser.add_argument("--choose", action="store_true")
    asked = parser.parse_args()
    everything = [(family, seed) for seed in range(asked.seeds) for family in FAMILIES]
    if asked.choose:
        return _show_chosen(choose(everything))
    chosen = {"sql": ("sql",), "live": ("live", "stream")}.get(asked.of, EVALUATORS)
    connection = connect()
    try:
        reached = agree(connection, everything, chosen)
    except Disagreement as error:
        sys.stdout.write(f"{error}\n")
        return 1
    finally:
        connection.close()
    missing = [m for m in reached.missing() if not m.startswith(_unasked(chosen))]
    sys.stdout.write(f"{reached.table()}\n")
    sys.stdout.write("".join(f"never reached: {word}\n" for word in missing))
    return int(bool(missing))


def _show_chosen(chosen: list[World]) -> int:
    for family in FAMILIES:
        seeds = [seed for name, seed in chosen if name == family]
        sys.stdout.write(f'    "{family}": {seeds},\n')
    return 0


def _unasked(chosen: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}:" for name in ("sql", "live") if name not in chosen)


if __name__ == "__main__":
    sys.exit(main())
