"""A rule as a form: groups, cards and fields, each with the place it changes.

Every value of a rule stands in exactly one field, so a form loses nothing; a test
holds it to that for every node of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dmp.flows.catalog import Kinds
from dmp.segments.operators import CASE_TAKES, PRESENCE_OPS
from dmp.segments.operators import OPERATORS as KNOWN
from dmp.ui import rule_words as words
from dmp.ui.drawings import Content
from dmp.ui.numbers import counted
from dmp.ui.rule_edits import ABSENT, GROUPS, ONCE, Place, at, path_text
from dmp.ui.rule_fields import WHOLE, Form, gap, length, numbers, window
from dmp.ui.rule_operands import operands, other_toggle


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


def _event(value: dict[str, Any], place: Place, form: Form) -> Content:
    named = None if value.get("any_event") else value.get("event", "")
    options = [["", "any event"]] + [
        [name, name.replace("_", " "), counted(n)]
        for name, n in form.catalog.events.items()
    ]
    spot = (*place, "any_event" if named is None else "event")
    return form.field(
        spot,
        "event",
        named,
        options=options,
        do="pattern",
        node=list(place),
        label="Event",
    )


def _clauses(
    value: dict[str, Any], key: str, place: Place, form: Form, kinds: Kinds, label: str
) -> Content:
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


def _did(value: dict[str, Any], place: Place, form: Form) -> Content:
    total = value.get("total")
    shown = total.get("agg", "sum") if isinstance(total, dict) else "times"
    kind = form.choice((*place, ":form"), shown, words.MEASURES, do="measure")
    kind |= {"at": list(place), "label": "Measure"}
    if isinstance(total, dict):
        inside = (*place, "total")
        names = [[n, n.replace("_", " ")] for n in form.catalog.properties]
        subject = form.field(
            (*inside, "property"),
            "name",
            total.get("property", ""),
            options=names,
            label="Property",
        )
        how = [kind, subject, *numbers(total, inside, form)]
    else:
        times = value.get("times")
        how = [
            kind,
            *numbers(
                times if isinstance(times, dict) else dict(ONCE),
                (*place, "times"),
                form,
            ),
        ]
    within = window(value.get("within", ABSENT), (*place, "within"), form)
    rows = [[_event(value, place, form)], how, within]
    return {"rows": rows, "lists": [_where(value, place, form)]}


def _where(value: dict[str, Any], place: Place, form: Form) -> Content:
    return _clauses(value, "where", place, form, form.catalog.properties, "where")


def _endmost(value: dict[str, Any], place: Place, form: Form) -> Content:
    within = window(value.get("within", ABSENT), (*place, "within"), form)
    has = _clauses(value, "has", place, form, form.catalog.properties, "and it has")
    return {
        "rows": [[_event(value, place, form), *within]],
        "lists": [_where(value, place, form), has],
    }


def _sequence(value: dict[str, Any], place: Place, form: Form) -> Content:
    inside = (*place, "steps")
    steps = [
        _step(one if isinstance(one, dict) else {}, (*inside, i), form)
        for i, one in enumerate(value.get("steps") or [])
    ]
    within = window(
        value.get("within", ABSENT), (*place, "within"), form, label="All of it"
    )
    total = gap(value, "total", place, form, "From first to last")
    return {"steps": {"list": list(inside), "parts": steps}, "rows": [within, total]}


def _step(value: dict[str, Any], place: Place, form: Form) -> Content:
    rows = [[_event(value, place, form)]]
    if place[-1] != 0:
        flags = [
            form.field((*place, key), "flag", value.get(key, False), label=label)
            for key, label in (
                ("immediately", "with nothing in between"),
                ("absent", "must not happen"),
            )
        ]
        rows.append([*gap(value, "gap", place, form, "After the step before"), *flags])
    return {
        "at": list(place),
        "rows": rows,
        "lists": [_where(value, place, form)],
        "faults": form.left(place),
    }


def _lifecycle(value: dict[str, Any], place: Place, form: Form) -> Content:
    state = value.get("state", "")
    first = form.choice((*place, "state"), state, words.LIFECYCLES, label="Lifecycle")
    first |= {"do": "lifecycle", "node": list(place)}
    rows = [[_event(value, place, form), first]]
    if state in _LIFECYCLE_ROWS:
        rows += _LIFECYCLE_ROWS[state](value, place, form)
    return {"rows": rows, "lists": [_where(value, place, form)]}


def _spells(value: dict[str, Any], place: Place, form: Form) -> list[list[Content]]:
    labels = {"active": "did it within", "silent": "did not within"}
    keys = ("active", "silent") if value["state"] == "stopped" else ("silent", "active")
    return [
        [
            {"text": labels[key]},
            *length(value.get(key) or {}, (*place, key), form, "last"),
        ]
        for key in keys
    ]


def _regular(value: dict[str, Any], place: Place, form: Form) -> list[list[Content]]:
    def count(key: str, label: str) -> Content:
        return form.field(
            (*place, key), "number", value.get(key, ABSENT), kind=WHOLE, label=label
        )

    per = value.get("per") or {}
    return [
        [
            {"text": "at least"},
            count("times", "Times"),
            {"text": "times in every"},
            *length(
                per if "n" in per else {**per, "n": 1},
                (*place, "per"),
                form,
                "n",
                periods=True,
            ),
        ],
        [
            {"text": "in at least"},
            count("at_least", "At least"),
            {"text": "of the last"},
            count("of", "Of the last"),
            {"text": "of these"},
        ],
    ]


_LIFECYCLE_ROWS: Mapping[str, Callable[..., list[list[Content]]]] = {
    "first_time": lambda value, place, form: [
        window(value.get("within", ABSENT), (*place, "within"), form, needed=True)
    ],
    "regularly": _regular,
    "stopped": _spells,
    "restarted": _spells,
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
        "lists": [_clauses(value, "where", place, form, kinds, "where")],
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
    "did": _did,
    "last": _endmost,
    "first": _endmost,
    "sequence": _sequence,
    "lifecycle": _lifecycle,
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
