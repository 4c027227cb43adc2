"""Changes of a node's form: another operator, window, measure, lifecycle and so on.

Every one gives a new document; what the new form can take of the old one stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from dmp.segments.operators import CASE_TAKES, OPERATORS, PRESENCE_OPS, Takes
from dmp.ui.rule_edits import ABSENT, ONCE, Document, Place, at, put

_LIFECYCLES: Mapping[str, Document] = {
    "first_time": {"within": {"last": 30, "unit": "day"}},
    "regularly": {
        "times": 1,
        "per": {"n": 1, "unit": "week"},
        "at_least": 3,
        "of": 4,
    },
    "stopped": {
        "active": {"last": 90, "unit": "day"},
        "silent": {"last": 30, "unit": "day"},
    },
    "restarted": {
        "active": {"last": 7, "unit": "day"},
        "silent": {"last": 30, "unit": "day"},
    },
}
_WINDOWS: Mapping[str, Document] = {
    "rolling": {"last": 30, "unit": "day"},
    "calendar": {"last": 1, "unit": "month", "mode": "calendar"},
    "ago": {"from_ago": 60, "to_ago": 30, "unit": "day"},
    "range": {},
    "apart": {},
}
_OPERANDS: Mapping[Takes, Document] = {
    Takes.COUNT: {"value": 30, "unit": "day"},
    Takes.AGO: {"from": 60, "to": 30, "unit": "day"},
    Takes.PERIOD: {"unit": "month"},
    Takes.ANNIVERSARY: {"value": 7, "unit": "day"},
    Takes.SIZE: {"value": ONCE},
}
_LISTED = (Takes.ITEMS, Takes.TEXTS)
_SCALAR = (Takes.SCALAR, Takes.RANGE, Takes.TEXT, Takes.PATTERN, Takes.TIME)


def regroup(document: Document, place: Place, word: str) -> Document:
    """Return the document with the group at a place joined by another word."""
    (parts,) = at(document, place).values()
    return put(document, place, {word: parts})


def wrap(document: Document, place: Place, word: str) -> Document:
    """Return the document with a node put into a new group of its own."""
    return put(document, place, {word: [at(document, place)]})


def operator(document: Document, place: Place, op: str) -> Document:
    """Return the document with another operator in the comparison at a place.

    What the new operator can take of the old operands stays.
    """
    found = at(document, place)
    old = found if isinstance(found, dict) else dict(ONCE)
    takes, before = OPERATORS[op].takes, OPERATORS[old["op"]].takes
    optional = set() if op in PRESENCE_OPS else {"include_missing"}
    optional |= {"case"} if takes in CASE_TAKES else set()
    dropped = {"value", "to", "from", "unit", "include_today", *optional}
    subject = {key: v for key, v in old.items() if key not in dropped - optional}
    kept = {k: v for k, v in subject.items() if k not in ("include_missing", "case")}
    kept |= {
        k: old[k] for k in ("include_missing", "case") if k in old and k in optional
    }
    return put(document, place, {**kept, "op": op, **_operands(old, before, takes)})


def _operands(old: Document, before: Takes, takes: Takes) -> Document:
    if takes is before:
        return {
            k: old[k]
            for k in ("value", "to", "from", "unit", "include_today")
            if k in old
        }
    value = old.get("value", ABSENT)
    if takes in _LISTED and before in _SCALAR and isinstance(value, str | int | float):
        return {"value": [value]}
    if takes in _LISTED and before in _LISTED:
        return {"value": value} if value is not ABSENT else {}
    if takes in _SCALAR and before in _LISTED and isinstance(value, list) and value:
        return {"value": value[0]}
    if takes in _SCALAR and before in _SCALAR and value is not ABSENT:
        return {"value": value}
    return deepcopy(dict(_OPERANDS.get(takes, {})))


def window_form(within: Any) -> str:
    """Return which form a window has; `ever` where there is none."""
    if not isinstance(within, Mapping):
        return "ever"
    if "last" in within:
        return "calendar" if within.get("mode") == "calendar" else "rolling"
    if "from_ago" in within or "to_ago" in within:
        return "ago"
    return "apart" if {"after", "before"} & set(within) else "range"


def window(document: Document, place: Place, form: str) -> Document:
    """Return the document with a window of another form, or without one (`ever`)."""
    if form == "ever":
        return put(document, place, ABSENT)
    if form == "apart":
        return put(document, place, {"after": ""})
    return put(document, place, _WINDOWS[form])


def measure(document: Document, place: Place, form: str) -> Document:
    """Return the document whose `did` counts (`times`) or adds up (an aggregate)."""
    node = {k: v for k, v in at(document, place).items() if k not in ("times", "total")}
    if form == "times":
        return put(document, place, {**node, "times": ONCE})
    old = at(document, (*place, "total"))
    total = old if isinstance(old, dict) else {"property": "", "op": "gte", "value": 1}
    return put(document, place, {**node, "total": {**total, "agg": form}})


def lifecycle(document: Document, place: Place, state: str) -> Document:
    """Return the document with another lifecycle of the same events."""
    old = at(document, place)
    pattern = {k: v for k, v in old.items() if k in ("event", "any_event", "where")}
    return put(document, place, {**pattern, "state": state, **_LIFECYCLES[state]})


def pattern(document: Document, place: Place, event: str | None) -> Document:
    """Return the document whose node is about an event, or about any event (None)."""
    node = at(document, place)
    rest = {k: v for k, v in node.items() if k not in ("event", "any_event")}
    named = {"any_event": True} if event is None else {"event": event}
    return put(document, place, {**named, **rest})


def quantifier(document: Document, place: Place, word: str) -> Document:
    """Return the document with another quantifier; a number of rows begins at 1."""
    counted = word in ("at_least", "at_most", "exactly")
    old = at(document, place)
    n = next(iter(old.values())) if isinstance(old, dict) else 1
    return put(document, place, {word: n} if counted else word)


def membership(document: Document, place: Place, word: str) -> Document:
    """Return the document whose segment node says `in` or `not_in`."""
    (named,) = at(document, place).values()
    return put(document, place, {word: named})


def against(document: Document, place: Place, key: str) -> Document:
    """Return the document that compares with another value of the row, or a literal.

    Args:
        key: `attribute` or `property`; empty for a literal, yet to be given.
    """
    return put(document, place, {key: ""} if key else ABSENT)


def gap(document: Document, place: Place, word: str) -> Document:
    """Return the document with a longest time (`most`) at a place, or without one."""
    length = {"lte": 7, "unit": "day"} if word == "most" else ABSENT
    return put(document, place, length)


def among(document: Document, place: Place, word: str) -> Document:
    """Return the document whose `top` chooses among some people, or among all."""
    return put(document, place, {"all": []} if word == "some" else ABSENT)


CHANGES: Mapping[str, Any] = {
    "against": against,
    "among": among,
    "gap": gap,
    "lifecycle": lifecycle,
    "measure": measure,
    "membership": membership,
    "operator": operator,
    "pattern": pattern,
    "quantifier": quantifier,
    "regroup": regroup,
    "window": window,
    "wrap": wrap,
}
"""The changes of a node's form, each `(document, place, word) -> document`."""
