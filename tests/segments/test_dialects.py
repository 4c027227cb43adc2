"""Other engines' SQL: golden text, what is refused and why, and real servers.

`python -m tests.segments.test_dialects` writes the golden text anew, for review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dmp.core.clock import instant
from dmp.core.errors import RuleInvalid
from dmp.segments.answers import load
from dmp.segments.case_files import write_files
from dmp.segments.conformance import AS_OF as AS_OF_OF_CASES
from dmp.segments.conformance import rule_of
from dmp.segments.dialects import DIALECTS, named_population, segment_sql
from dmp.segments.dialects.patterns import portable_pattern
from dmp.segments.dialects.rewriting import NotPortable
from dmp.segments.files import Files, Opened, opened
from dmp.segments.parsing import parse
from dmp.segments.sources import Population, RelatedTable

from . import warehouses
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


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name in DIALECTS[1:]:
        (GOLDEN / f"{name}.sql").write_bytes(golden(name).encode())
