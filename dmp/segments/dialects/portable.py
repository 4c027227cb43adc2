"""The portable subset as a page: which node and operator each dialect says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dmp.core.clock import instant
from dmp.core.errors import RuleInvalid
from dmp.segments.dialects.answers import DIALECTS, segment_sql
from dmp.segments.operators import OPERATORS, Takes
from dmp.segments.parsing import parse
from dmp.segments.schema import EXAMPLES
from dmp.segments.sources import Population, RelatedTable

_HEAD = """\
# Segments in other engines

Written by `make docs` from `dmp/segments/dialects`; edit that, not this page.

```
dmp segment sql RULE.yaml --dialect postgres --profiles P.parquet --events E.parquet
```

prints one statement that selects the profile_ids of the members, with its instant in
it. It reads tables named `profiles`, `events` (event_id, profile_id, event,
occurred_at, properties), `consent`, and related tables and lists by their names. DuckDB
is the reference; Postgres and Spark run the conformance cases, and random rules over
random people and events (Postgres until every word of the language was said), in
`make test-servers` with equal results. Computed traits that a rule reads are computed
within the statement. The SQL of the others is kept in `tests/golden/dialects`: it was
never run, but read beside the vendors' manuals as told below. A rule that an engine
cannot say *exactly* is refused for it, each condition by its path and with the reason.
That is no judgement of the engine: case folding, sums of fractions or dates in text
come out differently in each.

| engine | its properties | what it needs |
|---|---|---|
| Postgres 15 | `jsonb`, or fields of a composite | any deterministic collation |
| Spark 4, Databricks | `VARIANT`, or a struct | session time zone UTC, UTF8_BINARY |
| Snowflake, BigQuery | one column each in `events` | names in lower case |

In the tables, *yes* is for a typed column or a declared property. The reasons follow.
"""
_LOOKED_UP = """\
## What was looked up

Functions of the engines that no test runs, as their manuals describe them:

| engine | looked up, and as the SQL needs it | not looked up |
|---|---|---|
| Databricks | `max_by(value, order) FILTER (WHERE …)`, and `max`, `min` with FILTER \
(docs.databricks.com/sql/language-manual/functions/max_by); `btrim(text, set)` takes a \
set of characters (…/btrim) | the others are Spark's, which are run |
| Snowflake | `ARRAY_AGG(…) WITHIN GROUP (ORDER BY …)`, nulls left out; \
`TO_NUMBER(text, format)` (docs.snowflake.com/en/sql-reference/functions/to_decimal) \
and the digit `X` of its formats (…/sql-reference/sql-format-models); \
`trim(text, set)` takes a set of characters | `startswith`, `endswith`, `contains`, \
`timestampadd`, `md5` |
| BigQuery | `IGNORE NULLS`, `ORDER BY` and `LIMIT`, in this order, within an \
aggregate call (cloud.google.com/bigquery/docs/reference/standard-sql, \
aggregate-function-calls); `MAX`, `MIN` and `COUNT` pass over nulls (…, \
aggregate_functions) | `starts_with`, `ends_with`, `to_hex`, `is_nan`, `extract` |

`max_by` is not determined where the order is not unique: rules order by instant *and*
id, of which there is one each.
"""
_TYPES = {
    "country": "VARCHAR",
    "plan": "VARCHAR",
    "spend": "DOUBLE",
    "born": "DATE",
    "seen": "TIMESTAMP WITH TIME ZONE",
    "flag": "BOOLEAN",
    "tags": "VARCHAR[]",
}
_POPULATION = Population(
    profiles="profiles",
    attributes=_TYPES,
    events="events",
    typed_properties={"page": "VARCHAR", "campaign": "VARCHAR", "cents": "BIGINT"},
    related={"transaction": RelatedTable("transaction", {"amount": "DOUBLE"})},
    consent="consent",
    lists={"vip": "vip"},
    views={"events": "events"},
)
_ON_TEXT: Mapping[Takes, Mapping[str, Any]] = {
    Takes.NOTHING: {},
    Takes.SCALAR: {"value": "a"},
    Takes.RANGE: {"value": "a", "to": "b"},
    Takes.TEXT: {"value": "a"},
    Takes.PATTERN: {"value": "^a[0-9]+$"},
    Takes.TEXTS: {"value": ["a", "b"]},
    Takes.ITEMS: {"value": ["a", "b"]},
}
_ON_DATES: Mapping[Takes, Mapping[str, Any]] = {
    Takes.TIME: {"value": "2026-01-01"},
    Takes.COUNT: {"value": 7, "unit": "day"},
    Takes.AGO: {"from": 7, "to": 1, "unit": "day"},
    Takes.PERIOD: {"unit": "month"},
    Takes.ANNIVERSARY: {"value": 7, "unit": "day"},
}


def dialects_markdown() -> str:
    """Return the page: nodes, operators, and the reasons of what is not said."""
    reasons: dict[str, int] = {}
    parts = [_HEAD]
    for title, rules in (("node", EXAMPLES), ("operator", _operators())):
        others = DIALECTS[1:]
        parts.append(f"\n| {title} | {' | '.join(others)} |")
        parts.append("|---" * (len(others) + 1) + "|")
        for name, rule in rules.items():
            cells = [_cell(rule, dialect, reasons) for dialect in others]
            parts.append(f"| `{name}` | {' | '.join(cells)} |")
    parts.append("\n## Reasons\n")
    parts += [f"{number}. {reason}" for reason, number in reasons.items()]
    parts += ["", *_more(), "", _LOOKED_UP]
    return "\n".join(parts)


def _operators() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, operator in OPERATORS.items():
        takes = operator.takes
        if takes in _ON_DATES:
            found[name] = {"attribute": "seen", "op": name, **_ON_DATES[takes]}
        elif name.startswith("has_"):
            found[name] = {"attribute": "tags", "op": name, "value": ["a"]}
        elif takes is Takes.SIZE:
            size = {"op": "gte", "value": 1}
            found[name] = {"attribute": "tags", "op": name, "value": size}
        else:
            column = "flag" if name in ("is_true", "is_false") else "country"
            found[name] = {"attribute": column, "op": name, **_ON_TEXT[takes]}
    return found


def _cell(rule: Any, dialect: str, reasons: dict[str, int]) -> str:
    segment = parse({"segment": "example", "rule": rule})
    other = {"attribute": "spend", "op": "gt", "value": 1}
    known = {"customers": parse({"segment": "customers", "rule": other})}
    as_of = instant("2026-06-30")
    try:
        segment_sql(segment, _POPULATION, as_of, dialect=dialect, segments=known)
    except RuleInvalid as error:
        number = reasons.setdefault(error.faults[0].wrong, len(reasons) + 1)
        return f"no ({number})"
    return "yes"


def _more() -> Iterator[str]:
    from dmp.segments.dialects.rewriting import REASONS

    yield "Whatever the node, these are refused where they arise:"
    yield ""
    for reason in dict.fromkeys(REASONS.values()):
        yield f"- {reason}"
