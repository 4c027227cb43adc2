from __future__ import annotations

from pathlib import Path

import pytest

from dmp.core.errors import QueryFailed, UsageError
from dmp.storage.lake import Lake
from dmp.storage.statement import read_statement

# statement: the tables it reads
TABLES = {
    "from core.event": {"core.event"},
    "from lake.core.event": {"core.event"},
    'select * from "CORE"."Event" as e': {"core.event"},
    "from other.core.event": {"other.core.event"},
    "select 1": set(),
    "values (1)": set(),
    "describe core.event": {"core.event"},
    "summarize core.event": {"core.event"},
    "select $a, $b from a": {"a"},
    "from a natural join b asof join c using (t) positional join d": set("abcd"),
    "select (from a), exists(from b), 1 in (from c) from d": set("abcd"),
    "from a where x = any (from b) qualify (from c) = 1 order by (from d)": set("abcd"),
    "from a union all by name from b except from c intersect from d": set("abcd"),
    "from (values (1)) as v, lateral (from a)": {"a"},
    "from a pivot (count(*) for x in (1, 2))": {"a"},
    "from 'secrets.csv'": {"secrets.csv"},
    "from a at (version => 3)": {"a"},
    "with a as (from b) from a": {"b"},
    "with a as (from a) from a": {"a"},
    "with a as (from x), b as (from a) from b": {"x"},
    "with b as (from a), a as (select 1) from b": {"a"},
    "with recursive r as (select 1 union all from r) from r": set(),
    "select * from (with a as (select 1) from a), a": {"a"},
    "with A as (select 1) from a": set(),
    "with event as (select 1) from core.event": {"core.event"},
}


@pytest.mark.parametrize("text", TABLES)
def test_the_tables_that_a_statement_reads(lake: Lake, text: str) -> None:
    assert read_statement(lake, text).tables == TABLES[text]


def test_functions_in_the_place_of_tables_are_told(lake: Lake, tmp_path: Path) -> None:
    absent = tmp_path / "absent.csv"
    text = f"select * from READ_CSV('{absent}'), range(3), query('from a')"
    assert read_statement(lake, text).functions == {"read_csv", "range", "query"}
    assert read_statement(lake, "show tables").schema_listings
    assert not read_statement(lake, "from a").schema_listings


OTHERS = [
    "insert into a select 1",
    "drop table a",
    "update a set x = 1",
    "copy a to 'a.csv'",
    "copy a from 'a.csv'",
    "attach 'a.db'",
    "set threads = 1",
    "pragma version",
    "install httpfs",
    "load httpfs",
    "call pragma_version()",
    "create view v as select 1",
    "export database 'x'",
    "explain analyze select 1",
    "begin",
]


@pytest.mark.parametrize("text", OTHERS)
def test_what_does_more_than_read_is_refused(lake: Lake, text: str) -> None:
    with pytest.raises(UsageError, match="something else than read"):
        read_statement(lake, text)


@pytest.mark.parametrize("text", ["", "select 1; select 2", "select 1; drop table a"])
def test_one_statement_at_a_time(lake: Lake, text: str) -> None:
    with pytest.raises(UsageError):
        read_statement(lake, text)


def test_what_is_no_sql_is_told_by_place_alone(lake: Lake) -> None:
    with pytest.raises(QueryFailed, match="line 2, column 35") as caught:
        read_statement(lake, "select a\n from b where 'jane@mail.example' 'x'")
    assert "jane" not in str(caught.value)
