"""Rules that are hostile or mistaken, and what the refusal of each says."""

from __future__ import annotations

from typing import Any

LEAF: dict[str, Any] = {"attribute": "v", "op": "eq", "value": "x"}


def nested(key: str, depth: int) -> Any:
    node: Any = LEAF
    for _ in range(depth):
        node = {key: node} if key == "not" else {key: [node]}
    return node


MISTAKEN: dict[str, tuple[Any, str]] = {
    "200 lists deep": (nested("all", 200), "nested too deeply"),
    "200 complements deep": (nested("not", 200), "nested too deeply"),
    "an unknown operator": ({**LEAF, "op": "starts_wiht"}, "did you mean"),
    "a list for a number": ({**LEAF, "op": "gt", "value": [1]}, "rule.value"),
    "a number for text": ({**LEAF, "op": "contains", "value": 5}, "rule.value"),
    "a number past doubles": ({**LEAF, "value": 10**400}, "no finite number"),
    "half a character": ({**LEAF, "value": "\ud800"}, "half a character"),
    "NUL": ({**LEAF, "value": "a\0"}, "NUL"),
    "a pattern too large": (
        {**LEAF, "op": "matches", "value": "((a{1,99}){1,99}){99}"},
        "",
    ),
    "an open pattern": ({**LEAF, "op": "matches", "value": "(" * 5000}, "rule.value"),
    "10,000 events": (
        {"any": [{"did": {"event": f"x{n}"}} for n in range(10_000)]},
        "at most 2,000",
    ),
    "10,001 conditions": (
        {"any": [{"not": LEAF}, *({**LEAF, "value": f"x{n}"} for n in range(10_001))]},
        "at most 10,000; many values of one attribute are one condition with op: in",
    ),
    "a list as a rule": ([], "rule"),
    "nothing as a rule": (None, "rule"),
    "two keys": ({"all": [], "any": []}, "rule"),
    "21 steps": ({"sequence": {"steps": [{"event": "x"}] * 21}}, "at most 20"),
}
