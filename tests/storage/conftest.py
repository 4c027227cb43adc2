from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dmp.core.sql import Query
from dmp.storage.lake import Lake
from dmp.storage.write import change, commit

LAYOUT = (
    ("ops", "create schema ops"),
    ("core", "create schema core"),
    ("ops.load", "create table ops.load (load_id varchar)"),
    ("core.thing", "create table core.thing (id bigint, word varchar, sum double)"),
)


@pytest.fixture
def things(tmp_path: Path) -> Iterator[Lake]:
    """A lake with `core.thing (id, word, sum)` and `ops.load (load_id)`, both empty."""
    with Lake(tmp_path / "lake") as lake:
        writes = [change(name, Query(statement)) for name, statement in LAYOUT]
        commit(lake, writes, message="layout")
        yield lake
