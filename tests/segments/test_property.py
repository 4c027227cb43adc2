"""Random rules over random histories: the SQL equals the reference evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from dmp.core.errors import RuleInvalid
from dmp.segments.compiler import compile_conditions, compile_segment
from dmp.segments.files import connect
from dmp.segments.parsing import parse

from . import reference, worlds


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    opened = connect()
    yield opened
    opened.close()


@pytest.mark.parametrize("family", worlds.FAMILIES)
@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)
def test_sql_equals_the_reference(
    connection: Any, family: str, data: st.DataObject
) -> None:
    zone, as_of, pool = data.draw(worlds.moments())
    world = data.draw(worlds.worlds(as_of, pool))
    worlds.fill(connection, world)
    for _ in range(6):
        rule = data.draw(worlds.FAMILIES[family](pool))
        inner = data.draw(
            st.one_of(worlds.behaviours(pool), worlds.profile_rules(pool))
        )
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
    counts = compile_conditions(segment, worlds.POPULATION, as_of, segments=segments)
    (row,) = connection.execute(counts.query.sql("duckdb")).fetchall()
    assert row[0] == len(found)
    assert len(row) == 1 + len(counts.paths)
