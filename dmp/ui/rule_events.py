"""The conditions on events as fields: how often, the last, sequences, lifecycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dmp.ui import rule_words as words
from dmp.ui.drawings import Content
from dmp.ui.numbers import counted
from dmp.ui.rule_clauses import clauses
from dmp.ui.rule_edits import ABSENT, ONCE, Place
from dmp.ui.rule_fields import WHOLE, Form, gap, length, numbers, window


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
    return clauses(value, "where", place, form, form.catalog.properties, "where")


def _endmost(value: dict[str, Any], place: Place, form: Form) -> Content:
    within = window(value.get("within", ABSENT), (*place, "within"), form)
    has = clauses(value, "has", place, form, form.catalog.properties, "and it has")
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


EVENT_LEAVES: Mapping[str, Callable[[dict[str, Any], Place, Form], Content]] = {
    "did": _did,
    "last": _endmost,
    "first": _endmost,
    "sequence": _sequence,
    "lifecycle": _lifecycle,
}
"""How each condition on events is drawn, by its key."""
