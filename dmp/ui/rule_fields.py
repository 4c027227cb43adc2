"""One field of a rule's form: its place, how it is given, what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dmp.core.errors import Fault
from dmp.flows.catalog import Catalog
from dmp.ui import rule_words as words
from dmp.ui.drawings import Content
from dmp.ui.rule_changes import window_form
from dmp.ui.rule_edits import ABSENT, Place, path_text

WHOLE = "integer"


@dataclass
class Form:
    """What a form is drawn from; faults are taken from the list as they find a place.

    Attributes:
        counts: people by the path of a condition, as shown.
    """

    catalog: Catalog
    faults: list[Fault] = field(default_factory=list)
    counts: Mapping[str, str] = field(default_factory=dict)

    def field(self, place: Place, control: str, value: Any, **more: Any) -> Content:
        """Return one field; `do` names the change, a plain setting without it."""
        shown = None if value is ABSENT else value
        made = {"at": list(place), "control": control, "value": shown, **more}
        own = path_text(place)
        found = [fault for fault in self.faults if fault.path == own]
        if found:
            self.faults[:] = [fault for fault in self.faults if fault.path != own]
            made["fault"] = "; ".join(told(fault) for fault in found)
        return made

    def choice(
        self, place: Place, value: Any, options: words.Options, **more: Any
    ) -> Content:
        """Return a field that takes one of a few."""
        listed = [*options]
        if isinstance(value, str) and value not in [name for name, _ in options]:
            listed = [[value, value or "choose…"], *listed]
        return self.field(place, "choice", value, options=listed, **more)

    def left(self, place: Place) -> list[str]:
        """Take the faults at a place and inside it that no field has shown."""
        own = path_text(place)
        mine = [f for f in self.faults if _inside(f.path, own)]
        self.faults[:] = [f for f in self.faults if f not in mine]
        return [told(fault) for fault in mine]


def _inside(path: str, own: str) -> bool:
    return path == own or path.startswith((f"{own}.", f"{own}["))


def told(fault: Fault) -> str:
    """Return a fault as the page says it at its place."""
    if fault.wrong in ("is absent", "is empty"):
        return "Still to be filled in"
    right = f": {fault.right}" if fault.right else ""
    return f"{fault.wrong[:1].upper()}{fault.wrong[1:]}{right}"


def window(
    value: Any, place: Place, form: Form, *, label: str = "", needed: bool = False
) -> list[Content]:
    """Return the form of a window and the fields it has; `needed` forbids `ever`."""
    options = words.WINDOWS[1:] if needed else words.WINDOWS
    shown = window_form(None if value is ABSENT else value)
    first = {
        **form.choice((*place, ":form"), shown, options, do="window"),
        "at": list(place),
        "label": label or "When",
    }
    given = value if isinstance(value, dict) else {}
    return [first, *_WINDOW_FIELDS[shown](given, place, form)]


def length(
    value: dict[str, Any], place: Place, form: Form, key: str, *, periods: bool = False
) -> list[Content]:
    """Return a number, under its key, and its unit."""
    return [
        form.field(
            (*place, key),
            "number",
            value.get(key, ABSENT),
            kind=WHOLE,
            label="How many",
        ),
        form.choice(
            (*place, "unit"),
            value.get("unit", "day"),
            words.units(periods),
            label="Unit",
        ),
    ]


def _rolling(value: dict[str, Any], place: Place, form: Form) -> list[Content]:
    return length(value, place, form, "last")


def _calendar(value: dict[str, Any], place: Place, form: Form) -> list[Content]:
    flag = form.field(
        (*place, "include_today"),
        "flag",
        value.get("include_today", False),
        label="and the current one",
    )
    return [*length(value, place, form, "last", periods=True), flag]


def _ago(value: dict[str, Any], place: Place, form: Form) -> list[Content]:
    start = form.field(
        (*place, "from_ago"),
        "number",
        value.get("from_ago", ABSENT),
        kind=WHOLE,
        label="From how many ago",
    )
    return [
        start,
        {"text": "to"},
        *length(value, place, form, "to_ago"),
        {"text": "ago"},
    ]


def _edges(*keys: str) -> Callable[[dict[str, Any], Place, Form], list[Content]]:
    def draw(value: dict[str, Any], place: Place, form: Form) -> list[Content]:
        return [
            form.field(
                (*place, key), "time", value.get(key, ABSENT), label=key, before=key
            )
            for key in keys
        ]

    return draw


_WINDOW_FIELDS: Mapping[str, Callable[..., list[Content]]] = {
    "ever": lambda value, place, form: [],
    "rolling": _rolling,
    "calendar": _calendar,
    "ago": _ago,
    "range": _edges("from", "to"),
    "apart": _edges("after", "before"),
}


def numbers(value: dict[str, Any], place: Place, form: Form) -> list[Content]:
    """Return the operator and the numbers of `{op, value, to?}`."""
    op = value.get("op", "gte")
    first = form.choice(
        (*place, "op"), op, words.COUNT_OPERATORS, do="operator", label="Compare"
    )
    if op in ("in", "not_in"):
        many = form.field(
            (*place, "value"),
            "tags",
            value.get("value", []),
            kind="number",
            label="Numbers",
        )
        return [first, many]
    made = [
        first,
        form.field(
            (*place, "value"),
            "number",
            value.get("value", ABSENT),
            kind="number",
            label="Number",
        ),
    ]
    if op in ("between", "not_between"):
        to = form.field(
            (*place, "to"),
            "number",
            value.get("to", ABSENT),
            kind="number",
            label="and less than",
        )
        made += [{"text": "and"}, to]
    return made


def gap(
    value: dict[str, Any], key: str, place: Place, form: Form, label: str
) -> list[Content]:
    """Return the choice of a longest time, and the time."""
    spot, given = (*place, key), value.get(key)
    shown = "most" if isinstance(given, dict) else "any"
    options = [["any", "any time"], ["most", "at most"]]
    first = {**form.choice((*spot, ":form"), shown, options, do="gap")}
    first |= {"at": list(spot), "label": label, "before": label.lower()}
    return [first, *(length(given, spot, form, "lte") if given else [])]
