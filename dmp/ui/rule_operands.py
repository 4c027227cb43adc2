"""The operands of a comparison as fields: literals, lists, times, other values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dmp.segments.operators import OPERATORS, Takes
from dmp.ui import rule_words as words
from dmp.ui.drawings import Content
from dmp.ui.rule_edits import ABSENT, Place
from dmp.ui.rule_fields import Form, numbers

_TAKES_OTHER = (Takes.SCALAR, Takes.RANGE, Takes.TEXT, Takes.TIME)
_LITERALS: Mapping[str, str] = {"number": "number", "boolean": "boolean"}


def operands(
    value: dict[str, Any],
    key: str,
    place: Place,
    form: Form,
    kind: str,
    names: words.Options,
) -> list[Content]:
    """Return the fields beside an operator, in reading order.

    Args:
        key: `attribute` or `property`: what another value of the row is called.
        kind: how the compared value is read.
        names: the other values that may stand in a literal's place.
    """
    takes = OPERATORS[value["op"]].takes
    if takes in (Takes.NOTHING,):
        return []
    if takes is Takes.SIZE:
        return _size(value, place, form)
    if takes in (Takes.TEXTS, Takes.ITEMS):
        return [_tags(value, key, place, form, kind)]
    if takes in (Takes.COUNT, Takes.AGO, Takes.PERIOD, Takes.ANNIVERSARY):
        return _time_away(value, takes, place, form)
    first = _scalar(value, "value", key, place, form, kind, names, takes)
    if takes is not Takes.RANGE:
        return [first]
    to = _scalar(value, "to", key, place, form, kind, names, takes)
    return [first, {"text": "and less than"}, to]


def _scalar(
    value: dict[str, Any],
    name: str,
    key: str,
    place: Place,
    form: Form,
    kind: str,
    names: words.Options,
    takes: Takes,
) -> Content:
    given, spot = value.get(name, ABSENT), (*place, name)
    if isinstance(given, dict):
        (other,) = given or {key: ""}
        shown = given.get(other, "")
        if key == "attribute":
            return form.choice((*spot, other), shown, names, label="Other attribute")
        return form.field(
            (*spot, other), "name", shown, options=names, label="Other property"
        )
    dated = takes is Takes.TIME or kind in ("date", "instant")
    if dated and not isinstance(given, int | float):
        return form.field(spot, "time", given, label="Date")
    literal = literal_of(given, kind)
    if takes in (Takes.TEXT, Takes.PATTERN):
        literal = "text"
    control = {"number": "number", "boolean": "boolean"}.get(literal, "combo")
    return form.field(spot, control, given, kind=literal, label="Value", suggest=key)


def literal_of(given: Any, kind: str) -> str:
    """Return how what is typed is read: as the value that stands there, or the column.

    >>> literal_of(5, "text"), literal_of(ABSENT, "number"), literal_of("x", "number")
    ('number', 'number', 'text')
    """
    if isinstance(given, bool):
        return "boolean"
    if isinstance(given, int | float):
        return "number"
    if isinstance(given, str) and given:
        return "text"
    return _LITERALS.get(kind, "guess" if kind == "json" else "text")


def _tags(
    value: dict[str, Any], key: str, place: Place, form: Form, kind: str
) -> Content:
    given = value.get("value", ABSENT)
    literal = _LITERALS.get(kind, "guess" if kind == "json" else "text")
    if value["op"] == "contains_any":
        literal = "text"
    return form.field(
        (*place, "value"), "tags", given, kind=literal, label="Values", suggest=key
    )


def _size(value: dict[str, Any], place: Place, form: Form) -> list[Content]:
    inner = value.get("value")
    return numbers(inner if isinstance(inner, dict) else {}, (*place, "value"), form)


def _time_away(
    value: dict[str, Any], takes: Takes, place: Place, form: Form
) -> list[Content]:
    def whole(name: str, label: str) -> Content:
        return form.field(
            (*place, name),
            "number",
            value.get(name, ABSENT),
            kind="integer",
            label=label,
        )

    def unit(options: words.Options) -> Content:
        return form.choice(
            (*place, "unit"), value.get("unit", ""), options, label="Unit"
        )

    if takes is Takes.COUNT:
        return [whole("value", "How many"), unit(words.units())]
    if takes is Takes.PERIOD:
        return [unit([[name, name] for name in words.PERIODS])]
    if takes is Takes.AGO:
        return [
            whole("from", "From how many ago"),
            {"text": "to"},
            whole("to", "To how many ago"),
            unit(words.units()),
            {"text": "ago"},
        ]
    today = form.field(
        (*place, "include_today"),
        "flag",
        value.get("include_today", False),
        label="today too",
    )
    return [whole("value", "How many"), unit([["day", "days"]]), today]


def other_toggle(
    value: dict[str, Any], key: str, place: Place, form: Form
) -> list[Content]:
    """Return the choice between a literal and another value of the row."""
    takes = OPERATORS[value["op"]].takes
    if takes not in _TAKES_OTHER:
        return []
    options = [["", "a value"], [key, f"another {key}"]]
    made = []
    for name in ("value", "to") if takes is Takes.RANGE else ("value",):
        shown = key if isinstance(value.get(name), dict) else ""
        toggle = form.choice((*place, name, ":form"), shown, options, do="against")
        label = "Compare with" if name == "value" else "The end is"
        made.append({**toggle, "at": [*place, name], "label": label})
    return made
