"""Random rules over random histories: real Postgres and Spark beside DuckDB.

    python -m tests.segments.warehouse_agreement postgres|spark [--seeds 15] [--from 0]

In each world the rules are chosen that say what few before them said and that the
dialect takes; one statement asks who they all admit. Prints how many rules with each
word were equal. Ends with 1 and the rules at the first difference, or where a portable
word was not reached.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from dmp.core.errors import RuleInvalid
from dmp.segments.compiler import compile_segment
from dmp.segments.dialects import named_population, segment_sql
from dmp.segments.file_tables import connect
from dmp.segments.files import Opened
from dmp.segments.parsing import parse
from dmp.segments.rule import Segment

from . import chance as st
from . import warehouses, worlds
from .agreement import Disagreement
from .reached import Feature, features, of_node
from .reference import World

Ask: TypeAlias = Callable[[str], list[Any]]
"""Run a statement in a warehouse that holds a world; give its rows."""

Load: TypeAlias = Callable[[Opened], Ask]
"""Put the tables of a world into a warehouse."""

RULES = 16
"""How many rules are asked in one world, in one statement."""
DRAWN = 800
"""Of how many random ones they are chosen."""
DECLARED = {**worlds.DECLARED, "cents": "BIGINT"}
JSON = replace(
    named_population(worlds.POPULATION), typed_properties={}, ordered_ids=False
)
TYPED = replace(JSON, typed_properties=DECLARED, json_properties="")
"""The two forms that properties have in a warehouse."""


NEVER = {("node", "sql")}
"""What no dialect takes; each takes every other word of the language somewhere."""


@dataclass(frozen=True)
class Asked:
    """A random rule, and who is in it."""

    document: dict[str, Any]
    members: list[str]
    sql: str

    @property
    def tells(self) -> bool:
        """Whether it admits some people and not others."""
        return 0 < len(self.members) < len(worlds.PEOPLE)


@dataclass
class Told:
    """What was compared with a dialect."""

    dialect: str
    equal: int = 0
    telling: int = 0
    refused: int = 0
    said: Counter[Feature] = field(default_factory=Counter)
    tried: Counter[Feature] = field(default_factory=Counter)

    def missing(self) -> list[str]:
        """Return the portable words that no equal rule said."""
        return [" ".join(f) for f in features() if not self.said[f] and f not in NEVER]

    def table(self) -> str:
        """Return the table: each word with the rules that said it, and were tried."""
        lines = [
            f"{self.dialect}: {self.equal:,} rules equal, {self.telling:,} of which "
            f"tell some people from others; {self.refused:,} refused",
            f"{'':18}{'':34}{'equal':>8}{'tried':>8}",
        ]
        for group, word in features():
            equal, tried = self.said[group, word], self.tried[group, word]
            lines.append(f"{group:18}{word:34}{equal:>8,}{tried:>8,}")
        return "\n".join(lines) + "\n"


def compare(told: Told, seed: int, load: Load) -> None:
    """Compare the rules of one seed in one world.

    Raises:
        Disagreement: the warehouse admits others than DuckDB, or fails.
    """
    random = Random(seed)
    zone, as_of, pool = worlds.moments().make(random)
    zone = random.choice(["UTC", zone])
    typed = bool(seed % 3)
    drawn = [known(rules(pool).make(random), typed) for _ in range(DRAWN)]
    inner = parse({"segment": "inner", "rule": inner_rule(pool, random)})
    worlds.aim(pool, drawn[:RULES], as_of, worlds.ZoneInfo(zone))
    world = worlds.worlds(as_of, pool).make(random)
    connection = connect()
    try:
        fill(connection, world, typed=typed)
        opened = Opened(connection, TYPED if typed else JSON)
        asked = list(chosen(told, opened, zone, as_of, drawn, inner))
        hold(told, asked, load(opened), f"seed {seed}, {zone}, {as_of}")
    finally:
        connection.close()


def until_all_is_said(dialect: str, load: Load, most: int = 30) -> Told:
    """Compare in one world after the other, until equal rules said every word.

    Raises:
        Disagreement: see `compare`.
    """
    told = Told(dialect)
    for seed in range(most):
        compare(told, seed, load)
        if not told.missing():
            break
    return told


def rules(pool: worlds.Pool) -> st.Chance[Any]:
    kinds = [family(pool) for family in worlds.FAMILIES.values()]
    return st.one_of(*kinds)


def inner_rule(pool: worlds.Pool, random: Random) -> Any:
    """A rule that every dialect takes, for the others to refer to."""
    within = worlds.durations(pool, "last").make(random)
    return {"did": {"event": "a", "within": within}}


def known(part: Any, typed: bool) -> Any:
    """The rule, with names that the events of this form have.

    Typed events lack those that are only in JSON; whole numbers alone have totals.
    """
    if isinstance(part, list):
        return [known(one, typed) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: known(value, typed) for key, value in part.items()}
    name = json.dumps(made.get("property"))
    if typed and name in DECLARED_AS:
        made["property"] = DECLARED_AS[name]
    if made.get("agg") in ("sum", "avg") and typed:
        made["property"] = "cents"
    return made


DECLARED_AS = {'"v"': "page", '"a.b"': "cents", '["a", "b"]': "amount"}
DECLARED_AS |= {'["a", "b", "c"]': "marks", json.dumps('q"'): "day"}
"""The property that stands for one which typed events do not have."""


def chosen(
    told: Told,
    opened: Opened,
    zone: str,
    as_of: datetime,
    drawn: list[Any],
    inner: Segment,
) -> Iterator[Asked]:
    """Yield the rules that the dialect takes, the words that few have said first.

    Of rules that admit all or none, only those which say what none said yet.
    """
    words = [set(of_node(rule)) for rule in drawn]
    found = 0

    def worth(n: int) -> float:
        return sum(1 / (1 + told.said[w] + told.tried[w] / 4) ** 2 for w in words[n])

    while drawn and found < RULES:
        place = max(range(len(drawn)), key=worth)
        rule, said = drawn.pop(place), words.pop(place)
        told.tried.update(said)
        document = {"segment": "s", "timezone": zone, "rule": rule}
        asked = _asked(told, parse(document), opened, as_of, inner)
        if asked is None:
            told.refused += 1
            continue
        one = Asked(document, *asked)
        if one.tells or not all(told.said[word] for word in said):
            found += 1
            told.said.update(said)
            yield one


def _asked(
    told: Told, segment: Segment, opened: Opened, as_of: datetime, inner: Segment
) -> tuple[list[str], str] | None:
    others = {"inner": inner}
    try:
        said = segment_sql(
            segment, opened.population, as_of, dialect=told.dialect, segments=others
        )
    except RuleInvalid:
        return None
    query = compile_segment(segment, opened.population, as_of, segments=others)
    return sorted(row[0] for row in opened.rows(query)), said


def hold(told: Told, asked: list[Asked], ask: Ask, where: str) -> None:
    """Hold what a warehouse answers to what DuckDB did."""
    found: dict[int, list[str]] = {n: [] for n in range(len(asked))}
    try:
        for n, person in ask(together(asked)):
            found[n].append(person)
    except Exception:
        found = {n: _alone(one, ask) for n, one in enumerate(asked)}
    wrong = [
        f"{one.document}\n{told.dialect}: {sorted(found[n])}, duckdb: {one.members}\n"
        for n, one in enumerate(asked)
        if sorted(found[n]) != one.members
    ]
    if wrong:
        raise Disagreement(f"{where}\n" + "\n".join(wrong))
    told.equal += len(asked)
    told.telling += sum(one.tells for one in asked)


def _alone(one: Asked, ask: Ask) -> list[str]:
    try:
        return [person for _, person in ask(together([one]))]
    except Exception as error:
        return [f"failed: {str(error)[:600]}"]


def together(asked: Iterable[Asked]) -> str:
    """One statement for all, of rows (number of the rule, profile_id)."""
    parts = (
        f"select {n} as n, m.* from ({one.sql}) as m" for n, one in enumerate(asked)
    )
    return "\nunion all\n".join(parts)


def fill(connection: Any, world: World, *, typed: bool) -> None:
    """Put a world into tables named as a warehouse's are."""
    worlds.fill(connection, world)
    for name, table in (("profiles", "profile"), ("order", "orders")):
        connection.execute(f'create view "{name}" as from "{table}"')
    struct = ", ".join(f'"{name}" {kind}' for name, kind in DECLARED.items())
    kind = f"struct({struct})" if typed else "json"
    connection.execute(
        "create table events (event_id varchar, profile_id varchar, event varchar, "
        f"occurred_at timestamptz, properties {kind})"
    )
    events = {event["event_id"]: event for event in reversed(world.events)}
    for n, event in enumerate(events.values()):
        given = {**event["properties"], "cents": n % 7 if n % 5 else None}
        if typed:
            given = {name: given[name] for name in DECLARED}
        written = json.dumps(given, default=str)
        row = [event[name] for name in ("event_id", "profile_id", "event")]
        connection.execute(
            f"insert into events values (?, ?, ?, ?, cast(?::json as {kind}))",
            [*row, event["occurred_at"], written],
        )


def in_postgres(connection: Any) -> Load:
    def load(opened: Opened) -> Ask:
        warehouses.load_postgres(connection, opened)
        return lambda query: connection.execute(query, prepare=False).fetchall()

    return load


def in_spark(session: Any, folder: Path) -> Load:
    def load(opened: Opened) -> Ask:
        place = folder / str(len(list(folder.iterdir())))
        place.mkdir()
        warehouses.load_spark(session, place, opened, warehouses.tables_of(opened))
        return lambda query: session.sql(query).collect()

    return load


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialect", choices=["postgres", "spark"])
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--from", type=int, default=0, dest="first")
    asked = parser.parse_args()
    told, wrong = Told(asked.dialect), 0
    with TemporaryDirectory() as folder, server(asked.dialect, Path(folder)) as load:
        for seed in range(asked.first, asked.first + asked.seeds):
            try:
                compare(told, seed, load)
            except Disagreement as error:
                wrong += 1
                sys.stdout.write(f"{error}\n")
    missing = told.missing()
    sys.stdout.write(told.table())
    sys.stdout.write("".join(f"never reached: {word}\n" for word in missing))
    return int(bool(missing or wrong))


@contextmanager
def server(dialect: str, folder: Path) -> Iterator[Load]:
    """Start a warehouse; give what loads a world into it."""
    if dialect == "postgres":
        with warehouses.postgres() as connection:
            yield in_postgres(connection)
    else:
        with warehouses.spark(folder) as session:
            (folder / "worlds").mkdir()
            yield in_spark(session, folder / "worlds")


if __name__ == "__main__":
    sys.exit(main())
