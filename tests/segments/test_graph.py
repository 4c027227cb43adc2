"""The dependency graph: every kind of use, each once."""

from __future__ import annotations

from dmp.segments.computed import parse_trait
from dmp.segments.graph import Use, uses
from dmp.segments.parsing import parse


def test_every_kind_of_use_is_told_once() -> None:
    done = {"did": {"event": "buy"}}
    rule = {
        "any": [
            done,
            done,
            {"segment": {"not_in": "other"}},
            {"list": {"in": "vip"}},
            {"attribute": "spent", "op": "gt", "value": {"attribute": "limit"}},
            {"top": {"n": 3, "by": "age", "of": {"related": _RELATED}}},
            {"sequence": {"steps": [{"event": "a"}, {"any_event": True}]}},
        ]
    }
    trait = parse_trait({"trait": "spent", "agg": "count", "event": "buy"})
    segments = {
        "s": parse({"segment": "s", "rule": rule}),
        "other": parse({"segment": "other", "rule": {"all": []}}),
    }
    used = {
        ("attribute", "age"),
        ("attribute", "limit"),
        ("event", "*"),
        ("event", "a"),
        ("event", "buy"),
        ("list", "vip"),
        ("related", "transaction"),
        ("segment", "other"),
        ("trait", "spent"),
    }
    expected = [Use("segment", "s", *one) for one in sorted(used)]
    assert uses(segments, [trait]) == [
        *expected,
        Use("trait", "spent", "event", "buy"),
    ]


_RELATED = {"entity": "transaction", "quantifier": "any"}
