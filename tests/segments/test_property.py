"""Random rules over random histories: the SQL equals the reference evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from dmp.core.errors import RuleInvalid
from dmp.segments.compiler import compile_conditions, compile_segment
from dmp.segments.file_tables import connect
from dmp.segments.parsing import parse

from . import reference, worlds


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    opened = connect()
    yield opened
    opened.close()


@pytest.mark.parametrize("family", worlds.FAMILIES)
@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)
def test_sql_equals_the_reference(connection: Any, family: str, seed: int) -> None:
    random = Random(seed)
    zone, as_of, pool = worlds.moments().make(random)
    world = worlds.worlds(as_of, pool).make(random)
    worlds.fill(connection, world)
    for _ in range(6):
        rule = worlds.FAMILIES[family](pool).make(random)
        inner = worlds.inner_rules(pool).make(random)
        try:
            check(connection, world, as_of, rule, inner, zone)
        except RuleInvalid as refused:
            # A date column against a text that is no date; all else must compile.
            assert {f.wrong for f in refused.faults} == {"is no date or instant"}


def check(
    connection: Any, world: Any, as_of: Any, rule: Any, inner: Any, zone: str
) -> None:
    document = {"segment": "outer", "timezone": zone, "rule": rule}
    other = {"segment": "inner", "timezone": "Asia/Kolkata", "rule": inner}
    world.segments = {"inner": other}
    segments = {"inner": parse(other)}
    segment = parse(document)
    query = compile_segment(segment, worlds.POPULATION, as_of, segments=segments)
    note(f"{document}\n{other}\n{as_of}\n{query.sql('duckdb')}")
    found = sorted(row[0] for row in connection.execute(query.sql("duckdb")).fetchall())
    assert found == reference.members(document, world, as_of)


def test_conditions_are_counted_alone_and_together(connection: Any) -> None:
    for seed in range(12):
        random = Random(seed)
        zone, as_of, pool = worlds.moments().make(random)
        world = worlds.worlds(as_of, pool).make(random)
        worlds.fill(connection, world)
        parts = [worlds.behaviours(pool).make(random) for _ in range(2)]
        parts.append(worlds.sequences(pool).make(random))
        document = {"segment": "s", "timezone": zone, "rule": {"any": parts}}
        counted = compile_conditions(
            parse(document), worlds.POPULATION, as_of, segments={}
        )
        (row,) = connection.execute(counted.query.sql("duckdb")).fetchall()
        alone = [
            len(reference.members({**document, "rule": part}, world, as_of))
            for part in parts
        ]
        assert list(row) == [len(reference.members(document, world, as_of)), *alone]
        assert len(counted.paths) == len(parts)
