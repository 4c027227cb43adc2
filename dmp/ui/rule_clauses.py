"""Conditions on an attribute or a property as fields, alone and in groups."""

from __future__ import annotations

from typing import Any

from dmp.flows.catalog import Kinds
from dmp.segments.operators import CASE_TAKES, PRESENCE_OPS
from dmp.segments.operators import OPERATORS as KNOWN
from dmp.ui import rule_words as words
from dmp.ui.drawings import Content
from dmp.ui.rule_edits import ABSENT, GROUPS, Place
from dmp.ui.rule_fields import Form
from dmp.ui.rule_operands import operands, other_toggle


def comparison(
    value: dict[str, Any], key: str, place: Place, form: Form, kinds: Kinds
) -> Content:
    """Return the subject, the operator and the operands of a comparison."""
    subject, op = value.get(key, ""), value.get("op", "eq")
    kind = kinds.get(subject, "json") if isinstance(subject, str) else "json"
    kind = kind if subject else "text"
    names = [[name, name.replace("_", " ")] for name in kinds]
    choose = form.choice if key == "attribute" else form.field
    if key == "attribute":
        first = choose((*place, key), subject, names, label="Attribute")
    else:
        first = form.field(
            (*place, key), "name", subject, options=names, label="Property"
        )
    if op not in KNOWN:
        unknown = form.choice((*place, "op"), op, words.operators(kind, op))
        return {"rows": [[first, {**unknown, "do": "operator"}]], "more": []}
    second = form.choice(
        (*place, "op"), op, words.operators(kind, op), do="operator", label="Operator"
    )
    beside = operands(value, key, place, form, kind, names)
    return {
        "rows": [[first, second, *beside]],
        "more": _refinements(value, key, place, form),
    }


def _refinements(
    value: dict[str, Any], key: str, place: Place, form: Form
) -> list[Content]:
    op = value["op"]
    made = [*other_toggle(value, key, place, form)]
    if op not in PRESENCE_OPS:
        made.append(
            form.field(
                (*place, "include_missing"),
                "tristate",
                value.get("include_missing", ABSENT),
                label="People without a value",
                options=[
                    ["", "as usual"],
                    ["true", "count"],
                    ["false", "do not count"],
                ],
            )
        )
    if KNOWN[op].takes in CASE_TAKES:
        made.append(
            form.choice(
                (*place, "case"),
                value.get("case", "sensitive"),
                [["sensitive", "must match"], ["ignore", "is ignored"]],
                label="Upper and lower case",
            )
        )
    return made


def clauses(
    value: dict[str, Any], key: str, place: Place, form: Form, kinds: Kinds, label: str
) -> Content:
    """Return the list of conditions under a key, with the label that leads them."""
    inside = (*place, key)
    listed = value.get(key) or []
    return {
        "label": label,
        "list": list(inside),
        "parts": [
            clause(one, (*inside, i), form, kinds) for i, one in enumerate(listed)
        ],
    }


def clause(value: Any, place: Place, form: Form, kinds: Kinds) -> Content:
    """Return the form of one condition on a row: a comparison, or a group of them."""
    inner, negated, outer = value, False, place
    if isinstance(value, dict) and set(value) == {"not"}:
        inner, negated, place = value["not"], True, (*place, "not")
    if isinstance(inner, dict) and "property" in inner:
        made = {"type": "clause", **comparison(inner, "property", place, form, kinds)}
    elif isinstance(inner, dict) and set(inner) == {"not"}:
        made = {"type": "not", "parts": [clause(inner, place, form, kinds)]}
    elif isinstance(inner, dict) and len(inner) == 1 and next(iter(inner)) in GROUPS:
        ((word, parts),) = inner.items()
        inside = (*place, word)
        made = {
            "type": "group",
            "word": word,
            "list": list(inside),
            "parts": [
                clause(one, (*inside, i), form, kinds) for i, one in enumerate(parts)
            ],
        }
    else:
        made = {"type": "clause", "rows": []}
    return {
        **made,
        "at": list(outer),
        "inner": list(place),
        "negated": negated,
        "clause": True,
        "faults": form.left(outer),
    }
