"""A rule as a form: groups, cards and fields, each with the place it changes.

Every value of a rule stands in exactly one field, so a form loses nothing; a test
holds it to that for every node of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dmp.ui import rule_words as words
from dmp.ui.drawings import Content
from dmp.ui.rule_clauses import clauses, comparison
from dmp.ui.rule_edits import ABSENT, GROUPS, Place, at, path_text
from dmp.ui.rule_events import EVENT_LEAVES
from dmp.ui.rule_fields import WHOLE, Form


def rule_form(rule: Any, form: Form) -> Content:
    """Return the form of a whole rule; one that is no group stands in one alone."""
    made = node(rule, ("rule",), form)
    return {**made, "root": True}


def node(value: Any, place: Place, form: Form) -> Content:
    """Return the form of one node."""
    inner, negated, outer = value, False, place
    if isinstance(value, dict) and set(value) == {"not"}:
        inner, negated, place = value["not"], True, (*place, "not")
    if isinstance(inner, dict) and set(inner) == {"not"}:
        made = {"type": "not", "parts": [node(inner, place, form)]}
    elif isinstance(inner, dict) and len(inner) == 1 and next(iter(inner)) in GROUPS:
        made = _group(inner, place, form)
    else:
        made = _leaf(inner, place, form)
    return {
        **made,
        "at": list(outer),
        "inner": list(place),
        "negated": negated,
        "faults": form.left(outer),
    }


def _group(value: dict[str, Any], place: Place, form: Form) -> Content:
    ((word, parts),) = value.items()
    inside = (*place, word)
    listed = parts if isinstance(parts, list) else []
    return {
        "type": "group",
        "word": word,
        "list": list(inside),
        "parts": [node(part, (*inside, i), form) for i, part in enumerate(listed)],
    }


def _leaf(value: Any, place: Place, form: Form) -> Content:
    if not isinstance(value, dict) or not value:
        return {"type": "leaf", "title": "Not a condition", "rows": []}
    for key in ("attribute", "property"):
        if key in value:
            return _compared(value, key, place, form)
    key = next(iter(value))
    draw = _LEAVES.get(key)
    if draw is None or not isinstance(value[key], dict):
        return {"type": "leaf", "title": f"Unknown: {key}", "rows": []}
    made = draw(value[key], (*place, key), form)
    title = words.NODES[key][0]
    return {
        "type": "leaf",
        "key": key,
        "title": title,
        **_count(place, key, form),
    } | made


def _count(place: Place, key: str, form: Form) -> Content:
    own = path_text((*place, key))
    return {"count": form.counts[own]} if own in form.counts else {}


def _compared(value: dict[str, Any], key: str, place: Place, form: Form) -> Content:
    return {
        "type": "leaf",
        "key": key,
        "title": "Attribute" if key == "attribute" else "Property",
        **_count(place, key, form),
        **comparison(value, key, place, form, form.catalog.attributes),
    }


def _related(value: dict[str, Any], place: Place, form: Form) -> Content:
    entity, given = value.get("entity", ""), value.get("quantifier", "any")
    word = next(iter(given)) if isinstance(given, dict) else given
    spot = (*place, "quantifier")
    quantifier = form.choice(spot, word, words.QUANTIFIERS, do="quantifier")
    row = [{**quantifier, "label": "How many"}]
    if isinstance(given, dict):
        row.append(
            form.field((*spot, word), "number", given[word], kind=WHOLE, label="Number")
        )
    options = [[name, name] for name in form.catalog.entities]
    row.append(form.choice((*place, "entity"), entity, options, label="Table"))
    kinds = form.catalog.entities.get(entity, {})
    return {
        "rows": [row],
        "lists": [clauses(value, "where", place, form, kinds, "where")],
    }


def _segment(value: dict[str, Any], place: Place, form: Form) -> Content:
    word = next(iter(value), "in")
    options = [[id_, name or id_] for id_, name in form.catalog.segments.items()]
    first = form.choice(
        (*place, ":form"),
        word,
        [["in", "is in"], ["not_in", "is not in"]],
        do="membership",
    )
    first |= {"at": list(place), "label": "Membership"}
    return {
        "rows": [
            [
                first,
                form.choice(
                    (*place, word), value.get(word, ""), options, label="Segment"
                ),
            ]
        ]
    }


def _consent(value: dict[str, Any], place: Place, form: Form) -> Content:
    purposes = [[name, name.replace("_", " ")] for name in form.catalog.purposes]
    return {
        "rows": [
            [
                form.choice(
                    (*place, "purpose"),
                    value.get("purpose", ""),
                    purposes,
                    label="Purpose",
                ),
                {"text": "is"},
                form.choice(
                    (*place, "status"),
                    value.get("status", ""),
                    words.STATUSES,
                    label="Decision",
                ),
            ]
        ]
    }


def _list(value: dict[str, Any], place: Place, form: Form) -> Content:
    options = [[name, name] for name in form.catalog.lists]
    named = form.choice((*place, "in"), value.get("in", ""), options, label="List")
    return {"rows": [[{"text": "is on"}, named]]}


def _sample(value: dict[str, Any], place: Place, form: Form) -> Content:
    def share(key: str, label: str, given: Any) -> Content:
        return form.field((*place, key), "number", given, kind="number", label=label)

    salt = form.field(
        (*place, "salt"), "text", value.get("salt", ABSENT), kind="text", label="Salt"
    )
    return {
        "rows": [
            [
                share("percent", "Per cent", value.get("percent", ABSENT)),
                {"text": "% of people, from"},
                share("from", "From per cent", value.get("from", 0)),
                {"text": "%, drawn by"},
                salt,
            ]
        ]
    }


def _top(value: dict[str, Any], place: Place, form: Form) -> Content:
    names = [[name, name.replace("_", " ")] for name in form.catalog.attributes]
    of = value.get("of", ABSENT)
    spot = (*place, "of")
    among = form.choice(
        (*spot, ":form"),
        "all" if of is ABSENT else "some",
        [["all", "everyone"], ["some", "people who"]],
        do="among",
    )
    row = [
        form.field(
            (*place, "n"),
            "number",
            value.get("n", ABSENT),
            kind=WHOLE,
            label="How many",
        ),
        form.choice(
            (*place, "order"),
            value.get("order", "desc"),
            [["desc", "highest by"], ["asc", "lowest by"]],
            label="Order",
        ),
        form.choice((*place, "by"), value.get("by", ""), names, label="Attribute"),
        {"text": "among"},
        {**among, "at": list(spot), "label": "Among"},
    ]
    inner = {} if of is ABSENT else {"of": node(of, spot, form)}
    return {"rows": [row], **inner}


def _sql(value: dict[str, Any], place: Place, form: Form) -> Content:
    text = form.field(
        (*place, "select"),
        "area",
        value.get("select", ""),
        kind="text",
        label="Select of profile_id",
    )
    return {"rows": [[text]]}


_LEAVES: Mapping[str, Callable[[dict[str, Any], Place, Form], Content]] = {
    **EVENT_LEAVES,
    "related": _related,
    "segment": _segment,
    "consent": _consent,
    "list": _list,
    "sample": _sample,
    "top": _top,
    "sql": _sql,
}


def fields_of(form: Any) -> list[Content]:
    """Return every field of a form, in the order shown."""
    if isinstance(form, list):
        return [one for part in form for one in fields_of(part)]
    if not isinstance(form, dict):
        return []
    if "control" in form:
        return [form]
    return [one for part in form.values() for one in fields_of(part)]


def value_at(rule: Any, place: Place) -> Any:
    """Return what stands at a place of `{"rule": rule}`, or `ABSENT`."""
    return at({"rule": rule}, place)
