"""The JSON Schema of the rule language, made from its readers, and examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dmp.segments.conditions import clause_schema
from dmp.segments.parsing import node_schema, segment_schema

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "all": {
        "all": [
            {"attribute": "country", "op": "eq", "value": "GB"},
            {"not": {"did": {"event": "signed_up"}}},
        ]
    },
    "any": {
        "any": [
            {"attribute": "country", "op": "in", "value": ["GB", "IE"]},
            {"attribute": "plan", "op": "is_missing"},
        ]
    },
    "not": {"not": {"did": {"event": "signed_up"}}},
    "attribute": {"attribute": "born", "op": "older_than", "value": 18, "unit": "year"},
    "did": {
        "did": {
            "event": "page_viewed",
            "where": [{"property": "page", "op": "eq", "value": "/pricing"}],
            "times": {"op": "gte", "value": 3},
            "within": {"last": 7, "unit": "day"},
        }
    },
    "last": {
        "last": {
            "event": "page_viewed",
            "within": {"last": 1, "unit": "month", "mode": "calendar"},
            "has": [{"property": "page", "op": "starts_with", "value": "/pri"}],
        }
    },
    "first": {
        "first": {
            "any_event": True,
            "has": [{"property": "campaign", "op": "is_present"}],
        }
    },
    "sequence": {
        "sequence": {
            "steps": [
                {"event": "cart_filled"},
                {"event": "paid", "gap": {"lte": 3, "unit": "day"}, "absent": True},
            ],
            "within": {"last": 30, "unit": "day"},
        }
    },
    "lifecycle": {
        "lifecycle": {
            "event": "page_viewed",
            "state": "regularly",
            "times": 2,
            "per": {"n": 1, "unit": "week"},
            "at_least": 3,
            "of": 4,
        }
    },
    "related": {
        "related": {
            "entity": "transaction",
            "quantifier": {"at_least": 2},
            "where": [{"property": "amount", "op": "gt", "value": 100}],
        }
    },
    "segment": {"segment": {"not_in": "customers"}},
    "consent": {"consent": {"purpose": "advertising", "status": "granted"}},
    "list": {"list": {"in": "vip"}},
    "sample": {"sample": {"percent": 10, "salt": "spring", "from": 20}},
    "top": {
        "top": {
            "n": 100,
            "by": "spend",
            "of": {"attribute": "country", "op": "eq", "value": "GB"},
        }
    },
    "sql": {
        "sql": {
            "select": "select profile_id from events group by profile_id "
            "having count(*) > 5"
        }
    },
}


def language_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a segment file.

    What it cannot say, such as at_least <= of, only `parse` refuses.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Segment",
        **segment_schema(),
        "$defs": {"node": node_schema(), "condition": clause_schema()},
        "examples": [
            {"segment": f"example_{key}", "rule": rule}
            for key, rule in EXAMPLES.items()
        ],
    }
