"""Reads the nodes about events: did, last, first, sequence, lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dmp.segments import grammar
from dmp.segments.calendars import CALENDAR_UNITS, UNITS
from dmp.segments.conditions import clauses_kind, numeric
from dmp.segments.grammar import Faults, Field, Kind, refuse
from dmp.segments.literals import property_kind, time_field
from dmp.segments.rule import (
    Ago,
    Apart,
    Calendar,
    Comparison,
    Did,
    Duration,
    Endmost,
    FirstTime,
    Pattern,
    Range,
    Regularly,
    Restarted,
    Rolling,
    Sequence,
    Step,
    Stopped,
    Total,
    Within,
)

MAX_STEPS = 20
MAX_PERIODS = 10_000

_COUNT = grammar.integer(1)
_N = Field(_COUNT, required=True)
_UNIT = Field(grammar.choice(*UNITS), required=True)
_PERIOD_UNIT = Field(grammar.choice(*CALENDAR_UNITS), required=True)
_PATTERN = {
    "event": Field(grammar.text(empty=True)),
    "any_event": Field(grammar.boolean(), missing=False),
    "where": Field(clauses_kind(), missing=()),
}


def _pattern(given: Mapping[str, Any], path: str, faults: Faults) -> Pattern:
    named = given["event"] is not None
    if named == bool(given["any_event"]):
        wrong = "event and any_event together" if named else "event is absent"
        refuse(faults, path, wrong, "event: one name, or any_event: true")
    return Pattern(given["event"], given["where"])


def _rolling(*, key: str = "last") -> Kind[Duration]:
    return grammar.shape(
        {key: _N, "unit": _UNIT},
        lambda given, path, faults: Duration(given[key], given["unit"]),
    )


def _calendar(given: Mapping[str, Any], path: str, faults: Faults) -> Calendar:
    length = Duration(given["last"], given["unit"])
    return Calendar(length, given["include_today"])


def _ago(given: Mapping[str, Any], path: str, faults: Faults) -> Ago:
    if given["from_ago"] <= given["to_ago"]:
        right = "from_ago > to_ago >= 0"
        refuse(faults, f"{path}.from_ago", "is not greater than to_ago", right)
    return Ago(given["from_ago"], given["to_ago"], given["unit"])


def _window_kinds() -> Mapping[str, Kind[Any]]:
    """Return the forms of `within` by the key that tells them apart."""
    last = {"last": _N, "unit": _UNIT, "mode": Field(grammar.choice("rolling"))}
    calendar = {
        "last": _N,
        "unit": _PERIOD_UNIT,
        "mode": Field(grammar.choice("calendar"), required=True),
        "include_today": Field(grammar.boolean(), missing=False),
    }
    zero = Field(grammar.integer(0), required=True)
    ago = {"from_ago": _N, "to_ago": zero, "unit": _UNIT}
    edges = {"from": time_field(required=True), "to": time_field(required=True)}
    return {
        "last": grammar.shape(
            last, lambda g, path, faults: Rolling(Duration(g["last"], g["unit"]))
        ),
        "mode": grammar.shape(calendar, _calendar),
        "from_ago": grammar.shape(ago, _ago),
        "from": grammar.shape(edges, lambda g, path, f: Range(g["from"], g["to"])),
        "after": grammar.shape(
            {"after": time_field(), "before": time_field()},
            lambda g, path, f: Apart(g["after"], g["before"]),
        ),
    }


_WINDOWS = _window_kinds()


def _form(value: Mapping[Any, Any]) -> str:
    if "last" in value:
        return "last" if value.get("mode", "rolling") == "rolling" else "mode"
    if "from_ago" in value or "to_ago" in value:
        return "from_ago"
    return "from" if "from" in value or "to" in value else "after"


def within_kind() -> Kind[Within]:
    """Return the kind of `within`, in any of its forms."""
    right = "last, from_ago and to_ago, after and before, or from and to"

    def read(value: object, path: str, faults: Faults) -> Any:
        if not isinstance(value, Mapping) or not value:
            return refuse(faults, path, f"is {grammar.shown(value)}", right)
        if not {"last", "from_ago", "to_ago", "from", "to", "after", "before"} & set(
            value
        ):
            return refuse(faults, path, "says no window", right)
        return _WINDOWS[_form(value)].read(value, path, faults)

    return Kind(read, {"anyOf": [kind.schema for kind in _WINDOWS.values()]})


_WITHIN = Field(within_kind())


def _did() -> Kind[Did]:
    total = numeric(
        {
            "property": Field(property_kind(), required=True),
            "agg": Field(
                grammar.choice("sum", "avg", "min", "max", "distinct"), required=True
            ),
        }
    )
    fields = {**_PATTERN, "times": Field(numeric()), "total": Field(total)}
    return grammar.shape({**fields, "within": _WITHIN}, _build_did)


def _build_did(given: Mapping[str, Any], path: str, faults: Faults) -> Did:
    if given["times"] is not None and given["total"] is not None:
        refuse(faults, path, "has times and total", "one of them")
    measure: Comparison | Total = given["times"] or Comparison("gte", 1)
    if given["total"] is not None:
        comparison, subject = given["total"]
        measure = Total(subject["property"], subject["agg"], comparison)
    return Did(_pattern(given, path, faults), measure, given["within"])


def _endmost(latest: bool) -> Kind[Endmost]:
    has = Field(clauses_kind(), required=True)

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Endmost:
        pattern = _pattern(given, path, faults)
        return Endmost(pattern, given["has"], latest, given["within"])

    return grammar.shape({**_PATTERN, "within": _WITHIN, "has": has}, build)


_GAP = Field(
    grammar.shape(
        {"lte": _N, "unit": _UNIT},
        lambda given, path, faults: Duration(given["lte"], given["unit"]),
    )
)


def _step() -> Kind[Step]:
    flag = Field(grammar.boolean(), missing=False)

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Step:
        made = Step(
            _pattern(given, path, faults),
            given["gap"],
            given["immediately"],
            given["absent"],
        )
        if made.absent and made.gap is None:
            refuse(faults, f"{path}.absent", "needs gap", "add gap: {lte, unit}")
        if made.absent and made.immediately:
            refuse(faults, f"{path}.absent", "excludes immediately", "one of them")
        return made

    fields = {**_PATTERN, "gap": _GAP, "immediately": flag, "absent": flag}
    return grammar.shape(fields, build)


def _sequence() -> Kind[Sequence]:
    fields = {
        "steps": Field(grammar.many(_step(), 1, MAX_STEPS), required=True),
        "within": _WITHIN,
        "total": _GAP,
    }

    def build(given: Mapping[str, Any], path: str, faults: Faults) -> Sequence:
        first: Step = given["steps"][0]
        for name in ("gap", "immediately", "absent"):
            if getattr(first, name):
                right = "only from the second step on"
                refuse(faults, f"{path}.steps[0].{name}", "has no step before", right)
        return Sequence(given["steps"], given["within"], given["total"])

    return grammar.shape(fields, build)


def _build_first_time(given: Mapping[str, Any], path: str, f: Faults) -> FirstTime:
    return FirstTime(_pattern(given, path, f), given["within"])


def _build_regularly(given: Mapping[str, Any], path: str, f: Faults) -> Regularly:
    at_least, of = given["at_least"], given["of"]
    if at_least > of:
        refuse(f, f"{path}.at_least", "is greater than of", "at_least <= of")
    pattern = _pattern(given, path, f)
    return Regularly(pattern, given["times"], given["per"], at_least, of)


def _build_stopped(given: Mapping[str, Any], path: str, f: Faults) -> Stopped:
    return Stopped(_pattern(given, path, f), given["active"], given["silent"])


def _build_restarted(given: Mapping[str, Any], path: str, f: Faults) -> Restarted:
    return Restarted(_pattern(given, path, f), given["silent"], given["active"])


def _lifecycle() -> Kind[Any]:
    per = grammar.shape(
        {"n": Field(_COUNT, missing=1), "unit": _PERIOD_UNIT},
        lambda given, path, faults: Duration(given["n"], given["unit"]),
    )
    spells = {name: Field(_rolling(), required=True) for name in ("active", "silent")}
    periods = Field(grammar.integer(1, MAX_PERIODS), required=True)
    states: Mapping[str, tuple[Mapping[str, Field], Any]] = {
        "first_time": (
            {"within": Field(within_kind(), required=True)},
            _build_first_time,
        ),
        "regularly": (
            {"times": _N, "per": Field(per, True), "at_least": _N, "of": periods},
            _build_regularly,
        ),
        "stopped": (spells, _build_stopped),
        "restarted": (spells, _build_restarted),
    }
    return _by_state({name: _state(name, *form) for name, form in states.items()})


def _state(name: str, fields: Mapping[str, Field], build: Any) -> Kind[Any]:
    state = Field(grammar.choice(name), required=True)
    return grammar.shape({**_PATTERN, "state": state, **fields}, build)


def _by_state(kinds: Mapping[str, Kind[Any]]) -> Kind[Any]:
    def read(value: object, path: str, faults: Faults) -> Any:
        if not isinstance(value, Mapping) or "state" not in value:
            right = f"one of {', '.join(kinds)}"
            return refuse(faults, f"{path}.state", "is absent", right)
        before = len(faults)
        state = grammar.choice(*kinds).read(value["state"], f"{path}.state", faults)
        return kinds[state].read(value, path, faults) if len(faults) == before else None

    return Kind(read, {"oneOf": [kind.schema for kind in kinds.values()]})


BEHAVIOUR: Mapping[str, Kind[Any]] = {
    "did": _did(),
    "last": _endmost(latest=True),
    "first": _endmost(latest=False),
    "sequence": _sequence(),
    "lifecycle": _lifecycle(),
}
