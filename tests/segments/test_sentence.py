"""Rules in plain English: every node of the language, every operator."""

from __future__ import annotations

from typing import Any

import pytest

from dmp.segments import parse
from dmp.segments.operators import OPERATORS
from dmp.segments.phrases import compared
from dmp.segments.rule import Comparison
from dmp.segments.schema import EXAMPLES
from dmp.segments.sentence import sentence

BOUGHT = {"event": "order_placed"}
WEEK = {"n": 1, "unit": "week"}
SAID: list[tuple[Any, str]] = [
    ({"all": []}, "everyone"),
    ({"any": []}, "nobody"),
    ({"did": BOUGHT}, "did order placed ever"),
    (
        {"did": {**BOUGHT, "times": {"op": "eq", "value": 0}}},
        "did order placed exactly 0 times ever",
    ),
    (
        {"not": {"did": {**BOUGHT, "times": {"op": "gte", "value": 2}}}},
        "not: did order placed at least 2 times ever",
    ),
    (
        {"not": {"did": {"any_event": True, "within": {"last": 1, "unit": "day"}}}},
        "did nothing in the last day",
    ),
    (
        {
            "did": {
                **BOUGHT,
                "total": {"property": "amount", "agg": "sum", "op": "gt", "value": 99},
                "within": {
                    "last": 2,
                    "unit": "month",
                    "mode": "calendar",
                    "include_today": True,
                },
            }
        },
        "did order placed with sum of amount that is more than 99 in the previous "
        "2 months and the current one",
    ),
    (
        {"not": {"any": [{"list": {"in": "vip"}}, {"segment": {"in": "new"}}]}},
        "not: (is on the list vip or is in the segment new)",
    ),
    ({"not": {"list": {"in": "vip"}}}, "is not on the list vip"),
    (
        {"sequence": {"steps": [BOUGHT, {"event": "paid", "immediately": True}]}},
        "did order placed, then, with nothing between, paid, ever",
    ),
    (
        {
            "lifecycle": {
                **BOUGHT,
                "state": "stopped",
                "active": {"last": 30, "unit": "day"},
                "silent": {"last": 14, "unit": "day"},
            }
        },
        "did not do order placed in the last 14 days, but did in the 30 days before",
    ),
    (
        {"related": {"entity": "transaction", "quantifier": {"at_least": 1}}},
        "has at least 1 transaction row",
    ),
    (
        {"related": {"entity": "transaction", "quantifier": "none"}},
        "has no transaction row",
    ),
    (
        {"consent": {"purpose": "advertising", "status": "denied"}},
        "declined advertising",
    ),
    (
        {"attribute": "plan", "op": "neq", "value": "x", "include_missing": False},
        "plan is not x and is not missing",
    ),
    (
        {"attribute": "plan", "op": "eq", "value": " a", "case": "ignore"},
        "plan is \N{LEFT DOUBLE QUOTATION MARK} a\N{RIGHT DOUBLE QUOTATION MARK} "
        "in capitals or not",
    ),
]


@pytest.mark.parametrize(("rule", "said"), SAID)
def test_a_rule_is_said_in_english(rule: Any, said: str) -> None:
    assert sentence(parse({"segment": "one", "rule": rule}).rule) == said


@pytest.mark.parametrize("node", EXAMPLES)
def test_no_node_stands_as_it_is_written(node: str) -> None:
    said = sentence(parse({"segment": "one", "rule": EXAMPLES[node]}).rule)
    assert not set(said) & set("{}[]:")


@pytest.mark.parametrize("op", OPERATORS)
def test_every_operator_has_words(op: str) -> None:
    value = Comparison("gte", 2) if op == "size" else 2
    said = compared(Comparison(op, value, to=3, unit="day", start=4))
    assert "_" not in said and said != op
