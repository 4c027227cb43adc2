"""Other engines' SQL: golden text, what is refused and why, and real servers.

`python -m tests.segments.test_dialects` writes the golden text anew, for review.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dmp.core.clock import instant
from dmp.core.errors import RuleInvalid
from dmp.segments.answers import load
from dmp.segments.case_files import write_files, write_table
from dmp.segments.conformance import AS_OF as AS_OF_OF_CASES
from dmp.segments.conformance import rule_of
from dmp.segments.dialects import DIALECTS, named_population, segment_sql
from dmp.segments.dialects.patterns import portable_pattern
from dmp.segments.dialects.rewriting import NotPortable
from dmp.segments.files import Files, Opened, opened
from dmp.segments.parsing import parse
from dmp.segments.sources import Population, RelatedTable

from . import warehouse_agreement, warehouses
from .test_conformance import CASES

GOLDEN = Path(__file__).parent.parent / "golden" / "dialects"
AS_OF = instant("2025-05-14T12:00:00Z")
POPULATION = Population(
    profiles="profiles",
    attributes={
        "country": "VARCHAR",
        "score": "DOUBLE",
        "born": "DATE",
        "seen": "TIMESTAMP WITH TIME ZONE",
        "tags": "VARCHAR[]",
    },
    events="events",
    typed_properties={"page": "VARCHAR", "cents": "BIGINT"},
    related={"transaction": RelatedTable("transaction", {"amount": "DOUBLE"})},
    consent="consent",
    lists={"vip": "vip"},
)
PAGE = {"property": "page", "op": "eq", "value": "it's /pricing\n\\"}
DAY = {"lte": 1, "unit": "day"}
RULES: dict[str, Any] = {
    "attribute_text": {"attribute": "country", "op": "starts_with", "value": "G"},
    "attribute_order": {"attribute": "country", "op": "gt", "value": "GB"},
    "attribute_pattern": {"attribute": "country", "op": "matches", "value": r"^G.\d$"},
    "attribute_number": {"attribute": "score", "op": "between", "value": 1, "to": 2},
    "attribute_date": {
        "attribute": "born",
        "op": "in_last",
        "value": 3,
        "unit": "year",
    },
    "attribute_instant": {"attribute": "seen", "op": "on", "value": "2025-05-01"},
    "anniversary": {
        "attribute": "born",
        "op": "anniversary_in_next",
        "value": 2,
        "unit": "day",
    },
    "attribute_list": {"attribute": "tags", "op": "has_any", "value": ["a", "b"]},
    "blank": {"attribute": "country", "op": "is_blank"},
    "did": {
        "did": {
            "event": "page_viewed",
            "where": [PAGE],
            "times": {"op": "gte", "value": 3},
            "within": {"last": 7, "unit": "day"},
        }
    },
    "total": {
        "did": {
            "event": "bought",
            "total": {"property": "cents", "agg": "sum", "op": "gt", "value": 900},
        }
    },
    "distinct": {
        "did": {
            "any_event": True,
            "total": {"property": "page", "agg": "distinct", "op": "gte", "value": 2},
        }
    },
    "last": {"last": {"event": "page_viewed", "has": [PAGE]}},
    "sequence": {
        "sequence": {
            "steps": [{"event": "a"}, {"event": "b", "gap": DAY}],
            "total": {"lte": 2, "unit": "day"},
        }
    },
    "absent": {
        "sequence": {
            "steps": [{"event": "a"}, {"event": "b", "gap": DAY, "absent": True}]
        }
    },
    "regularly": {
        "lifecycle": {
            "event": "a",
            "state": "regularly",
            "times": 1,
            "per": {"unit": "week"},
            "at_least": 2,
            "of": 3,
        }
    },
    "related": {
        "related": {
            "entity": "transaction",
            "quantifier": {"at_least": 2},
            "where": [{"property": "amount", "op": "gt", "value": 10}],
        }
    },
    "consent": {"consent": {"purpose": "ads", "status": "granted"}},
    "list": {"list": {"in": "vip"}},
    "sample": {"sample": {"percent": 10, "salt": "x"}},
    "top": {"top": {"n": 5, "by": "score"}},
}


def said(rule: Any, dialect: str) -> str:
    segment = parse({"segment": "s", "rule": rule})
    try:
        return segment_sql(segment, POPULATION, AS_OF, dialect=dialect, segments={})
    except RuleInvalid as error:
        return f"refused: {error.faults[0].wrong}"


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d != "duckdb"])
def test_the_sql_is_as_it_was_reviewed(dialect: str) -> None:
    assert golden(dialect) == (GOLDEN / f"{dialect}.sql").read_bytes().decode()


def golden(dialect: str) -> str:
    parts = [f"-- {name}\n{said(rule, dialect)}\n" for name, rule in RULES.items()]
    return "\n".join(parts)


REFUSED = [
    ({"attribute": "country", "op": "eq", "value": "x", "case": "ignore"}, "case"),
    ({"attribute": "country", "op": "on", "value": "2025-01-01"}, "dates are read"),
    ({"sql": {"select": "select profile_id from profiles"}}, "SQL of DuckDB"),
]


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d != "duckdb"])
@pytest.mark.parametrize(("rule", "why"), REFUSED, ids=[w for _, w in REFUSED])
def test_what_a_dialect_cannot_say_is_refused_by_its_path(
    dialect: str, rule: Any, why: str
) -> None:
    plain = {"attribute": "score", "op": "gt", "value": 1}
    views = {"profiles": "profiles"}
    population = Population(
        profiles="profiles", attributes=POPULATION.attributes, views=views
    )
    segment = parse({"segment": "s", "rule": {"all": [plain, rule]}})
    with pytest.raises(RuleInvalid, match=why) as caught:
        segment_sql(segment, population, AS_OF, dialect=dialect, segments={})
    (fault,) = caught.value.faults
    assert fault.path.startswith("rule.all[1]")


def test_patterns_are_refused_by_what_they_use() -> None:
    rule = {"attribute": "country", "op": "matches", "value": r"\bx"}
    assert said(rule, "spark") == r"refused: the pattern uses \b"
    assert "REGEXP_CONTAINS" in said(rule, "bigquery").upper()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^a.b$", r"^a[^\n]b\z"),
        (r"[\d\-]+(x|y)??", r"[0-9\-]+(?:x|y)?"),
        (r"\.\W{2,3}", r"\.[^0-9A-Za-z_]{2,3}"),
        ("é😀", "é😀"),
    ],
)
def test_portable_patterns(pattern: str, expected: str) -> None:
    assert portable_pattern(pattern, end=r"\z") == expected


@pytest.mark.parametrize("pattern", [r"\pL", "(?i)x", "[[:alpha:]]", "a{1000}", "x{"])
def test_patterns_that_engines_read_differently(pattern: str) -> None:
    with pytest.raises(NotPortable):
        portable_pattern(pattern, end="$")


# ---- computed traits

PURCHASES = {"event": "buy", "property": "price"}
TRAITS: dict[str, Any] = {
    "n": {"event": "buy", "agg": "count"},
    "recent": {"any_event": True, "agg": "count", "within": {"last": 9, "unit": "day"}},
    "most": {**PURCHASES, "agg": "max"},
    "last_kind": {"event": "buy", "property": "kind", "agg": "last"},
    "kinds": {"event": "buy", "property": "kind", "agg": "distinct"},
    "first_at": {"event": "buy", "agg": "first"},
    "quiet": {"any_event": True, "agg": "time_since", "unit": "day"},
    "shops": {"related": "order", "agg": "distinct", "property": "shop"},
    "spent": {**PURCHASES, "agg": "sum"},
    "favourite": {"event": "buy", "property": "kind", "agg": "most_frequent"},
}
ON_TRAITS: dict[str, tuple[Any, list[str]]] = {
    "count": ({"attribute": "n", "op": "gte", "value": 2}, ["ann"]),
    "a window": ({"attribute": "recent", "op": "eq", "value": 1}, ["bob"]),
    "max": ({"attribute": "most", "op": "gt", "value": 8}, ["ann"]),
    "last": ({"attribute": "last_kind", "op": "eq", "value": "cup"}, ["ann"]),
    "distinct": ({"attribute": "kinds", "op": "eq", "value": 1}, ["bob"]),
    "first": (
        {"attribute": "first_at", "op": "before", "value": "2026-05-20"},
        ["bob"],
    ),
    "time since": ({"attribute": "quiet", "op": "lt", "value": 10}, ["bob"]),
    "related": ({"attribute": "shops", "op": "eq", "value": 0}, ["bob", "cid"]),
    "beside events and attributes": (
        {
            "all": [
                {"attribute": "country", "op": "eq", "value": "GB"},
                {"not": {"did": {"event": "buy", "times": {"op": "gte", "value": 9}}}},
                {"attribute": "n", "op": "gt", "value": {"attribute": "quiet"}},
                {"related": {"entity": "order", "quantifier": "none"}},
            ]
        },
        [],
    ),
    "the best": (
        {"top": {"n": 1, "by": "n", "of": {"not": {"list": {"in": "vip"}}}}},
        ["bob"],
    ),
}


@pytest.fixture(scope="module")
def traits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    home = tmp_path_factory.mktemp("traits")
    (home / "traits").mkdir()
    for name, made in TRAITS.items():
        text = json.dumps({"trait": name, **made})
        (home / "traits" / f"{name}.yaml").write_text(text)
    bought = [
        ("1", "ann", "buy", "2026-06-01", {"price": 10.5, "kind": "tea"}),
        ("2", "ann", "buy", "2026-06-02", {"price": 4, "kind": "cup"}),
        ("3", "bob", "buy", "2026-05-01", {"price": 7, "kind": "tea"}),
        ("4", "bob", "see", "2026-06-23", {"price": None, "kind": None}),
    ]
    names = ("event_id", "profile_id", "event", "occurred_at", "properties")
    people = [("ann", "GB"), ("bob", "GB"), ("cid", "FR")]
    write_table(
        home / "p.parquet",
        [{"profile_id": p, "country": c} for p, c in people],
        {},
    )
    types = {
        "occurred_at": "TIMESTAMP",
        "properties": "STRUCT(price DOUBLE, kind VARCHAR)",
    }
    write_table(
        home / "e.parquet", [dict(zip(names, e, strict=True)) for e in bought], types
    )
    write_table(home / "o.parquet", [{"profile_id": "ann", "shop": "a"}], {})
    (home / "vip.csv").write_text("profile_id\nann\n")
    files = Files(
        home / "p.parquet",
        home / "e.parquet",
        {"order": home / "o.parquet"},
        None,
        home,
        home / "traits",
    )
    with opened(files, AS_OF_TRAITS, closed=False) as data:
        without = ", ".join(TRAITS)
        data.connection.execute(
            f"create table bare as select * exclude ({without}) from profile"
        )
        bare = Opened(data.connection, replace(data.population, profiles="bare"))
        for name, table in warehouses.tables_of(bare).items():
            data.connection.execute(f'create view "{name}" as from "{table}"')
        yield bare


AS_OF_TRAITS = instant("2026-06-30")


def on_traits(data: Opened, rule: Any, dialect: str) -> str:
    segment = parse({"segment": "s", "rule": rule})
    population = named_population(data.population)
    return segment_sql(segment, population, AS_OF_TRAITS, dialect=dialect, segments={})


@pytest.mark.parametrize("name", ON_TRAITS)
def test_the_statement_computes_the_traits_that_a_rule_reads(
    traits: Opened, name: str
) -> None:
    rule, expected = ON_TRAITS[name]
    rows = traits.connection.execute(on_traits(traits, rule, "duckdb")).fetchall()
    assert sorted(row[0] for row in rows) == expected


@pytest.mark.parametrize(
    ("trait", "why"), [("spent", "sums of fractions"), ("favourite", "most frequent")]
)
def test_a_trait_that_a_dialect_cannot_compute_is_refused_where_it_is_read(
    traits: Opened, trait: str, why: str
) -> None:
    rule = {"any": [{"attribute": "n", "op": "gt", "value": 1}]}
    assert on_traits(traits, rule, "spark")
    rule["any"].append({"attribute": trait, "op": "is_present"})
    with pytest.raises(RuleInvalid, match=why) as caught:
        on_traits(traits, rule, "spark")
    (fault,) = caught.value.faults
    assert fault.path.startswith("rule.any[1]")


# ---- real servers


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    with warehouses.postgres() as connection:
        yield connection


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with warehouses.spark(tmp_path_factory.mktemp("spark")) as session:
        yield session


@contextmanager
def world(case: dict[str, Any], folder: Path) -> Iterator[tuple[Path, Opened, Any]]:
    rule = rule_of(case, folder)
    given = {"related": {}, "consent": None, "lists": None, **write_files(folder, case)}
    as_of = instant(case.get("as_of", AS_OF_OF_CASES))
    with opened(Files(**given), as_of, closed=False) as data:
        yield rule, data, as_of


def agree(folder: Path, dialect: str, ask: Callable[..., list[str]]) -> Counter[str]:
    """Run every conformance case that the dialect takes; all have to agree."""
    told: Counter[str] = Counter()
    for number, param in enumerate(CASES):
        case: Any = param.values[0]
        place = folder / str(number)
        place.mkdir()
        with world(case, place) as (rule, data, as_of):
            segment, segments = load(rule)
            population = named_population(data.population)
            try:
                query = segment_sql(
                    segment, population, as_of, dialect=dialect, segments=segments
                )
            except RuleInvalid:
                told["refused"] += 1
                continue
            assert ask(place, data, query) == case["members"], (case["name"], query)
            told["agreed"] += 1
    return told


@pytest.mark.servers
def test_postgres_admits_the_same_people(postgres: Any, tmp_path: Path) -> None:
    told = agree(
        tmp_path, "postgres", lambda _, d, q: warehouses.in_postgres(postgres, d, q)
    )
    assert told["agreed"] >= 165 and told["refused"] < 40


@pytest.mark.servers
def test_spark_admits_the_same_people(spark: Any, tmp_path: Path) -> None:
    told = agree(tmp_path, "spark", lambda p, d, q: warehouses.in_spark(spark, p, d, q))
    assert told["agreed"] >= 160 and told["refused"] < 45


@pytest.mark.servers
def test_postgres_computes_the_traits(traits: Opened, postgres: Any) -> None:
    warehouses.load_postgres(postgres, traits)
    for name, (rule, expected) in ON_TRAITS.items():
        query = on_traits(traits, rule, "postgres")
        rows = postgres.execute(query, prepare=False).fetchall()
        assert sorted(row[0] for row in rows) == expected, name


@pytest.mark.servers
def test_spark_computes_the_traits(traits: Opened, spark: Any, tmp_path: Path) -> None:
    tables = warehouses.tables_of(traits)
    warehouses.load_spark(spark, tmp_path, traits, tables)
    for name, (rule, expected) in ON_TRAITS.items():
        rows = spark.sql(on_traits(traits, rule, "spark")).collect()
        assert sorted(row[0] for row in rows) == expected, name


@pytest.mark.servers
def test_random_rules_admit_the_same_people_in_postgres(postgres: Any) -> None:
    load = warehouse_agreement.in_postgres(postgres)
    told = warehouse_agreement.until_all_is_said("postgres", load)
    sys.stdout.write(told.table())
    assert told.missing() == []
    assert told.equal >= 200 and told.telling >= told.equal / 2


@pytest.mark.servers
def test_random_rules_admit_the_same_people_in_spark(
    spark: Any, tmp_path: Path
) -> None:
    """Few worlds, since Spark takes long to begin; by hand as many as one likes."""
    load = warehouse_agreement.in_spark(spark, tmp_path)
    told = warehouse_agreement.until_all_is_said("spark", load, most=3)
    sys.stdout.write(told.table())
    assert told.equal >= 30 and told.telling >= told.equal / 3


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name in DIALECTS[1:]:
        (GOLDEN / f"{name}.sql").write_bytes(golden(name).encode())
