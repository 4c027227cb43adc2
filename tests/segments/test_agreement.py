"""SQL and live evaluator agree with the reference, reach all, and notice mistakes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from dmp.core.errors import RuleInvalid
from dmp.segments.compiler import compile_conditions, compile_truths
from dmp.segments.file_tables import connect
from dmp.segments.parsing import parse

from . import agreement, reference, worlds
from .mistakes import MISTAKES, Mistake

WORLDS = {
    "profile": [1, 17, 46, 51, 79, 107, 130, 138, 172, 185, 187, 200, 212],
    "sequence": [6, 19, 26, 90],
    "dates": [8, 21, 22, 43, 69, 193, 225],
    "events": [12, 47],
    "mixed": [4, 24, 168, 192, 213],
    "crowd": [1, 24, 74, 98, 123, 137, 145, 157, 195, 231, 238, 242],
}
"""Few worlds that reach everything: `python -m tests.segments.agreement --choose`."""

SEEDS = 3
"""Worlds of each family in which rules are judged at once."""


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    opened = connect()
    yield opened
    opened.close()


def test_the_evaluators_agree_and_every_word_and_edge_is_reached(
    connection: Any,
) -> None:
    chosen = [(family, seed) for family, seeds in WORLDS.items() for seed in seeds]
    reached = agreement.agree(connection, chosen)
    sys.stdout.write(reached.table())
    assert reached.missing() == []


@cache
def cases(seed: int, family: str) -> list[agreement.Case]:
    return list(agreement.cases(seed, family))


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_noticed(connection: Any, mistake: Mistake) -> None:
    with mistake.made(), pytest.raises(agreement.Disagreement):
        for seed in range(200):
            found = [c for c in cases(seed, mistake.family) if mistake.about in str(c)]
            if found and mistake.of == "sql":
                worlds.fill(connection, found[0].world)
            for case in found:
                agreement.check(connection, case, mistake.of, seed)


def test_conditions_are_counted_alone_and_together(connection: Any) -> None:
    for case in cases(0, "events") + cases(1, "sequence"):
        worlds.fill(connection, case.world)
        parts = [case.document["rule"], case.other["rule"]]
        document = {**case.document, "rule": {"any": parts}}
        counted = compile_conditions(
            parse(document), worlds.POPULATION, case.as_of, segments={}
        )
        (row,) = connection.execute(counted.query.sql("duckdb")).fetchall()
        alone = [
            len(reference.members({**document, "rule": rule}, case.world, case.as_of))
            for rule in ({"any": parts}, *parts)
        ]
        assert list(row) == alone and len(counted.paths) == 2


@pytest.mark.parametrize("family", ["events", "sequence", "mixed", "dates", "crowd"])
def test_rules_judged_at_once_admit_whom_each_admits(
    connection: Any, family: str
) -> None:
    judged = 0
    for seed in range(SEEDS):
        for n, case in enumerate(cases(seed, family)):
            if n == 0:
                worlds.fill(connection, case.world)
            both = {"any": [case.document["rule"], {"not": case.other["rule"]}]}
            every = {**case.document, "segment": "both", "rule": both}
            documents = [case.document, case.other, every]
            chosen = [parse(document) for document in documents]
            known = {one.id: one for one in chosen}
            try:
                told = compile_truths(
                    chosen, worlds.POPULATION, case.as_of, segments=known
                )
            except RuleInvalid:
                continue
            rows = connection.execute(told.query.sql("duckdb"))
            names = [column[0] for column in rows.description]
            people = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
            assert not any(None in person.values() for person in people)
            for document in documents:
                column = told.members[document["segment"]]
                found = sorted(p[names[0]] for p in people if p[column])
                assert found == reference.members(document, case.world, case.as_of)
                judged += 1
    assert judged > 2 * SEEDS
