"""A segment back as plain data: the same form that `parse` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dmp.segments.rule import (
    Ago,
    All,
    AnyOf,
    Apart,
    Attribute,
    Calendar,
    Comparison,
    Condition,
    Consent,
    Did,
    Duration,
    Endmost,
    FirstTime,
    InList,
    InSegment,
    Node,
    Not,
    Other,
    Pattern,
    Property,
    Range,
    Regularly,
    Related,
    Restarted,
    Rolling,
    Sample,
    Segment,
    Sequence,
    Sql,
    Step,
    Stopped,
    Top,
    Total,
    Within,
    key_of,
)

Document = dict[str, Any]


def segment_document(segment: Segment) -> Document:
    """Return the document of a segment; parsing it gives the segment again."""
    made: Document = {"segment": segment.id}
    for name in ("name", "description", "owner", "purpose"):
        if getattr(segment, name):
            made[name] = getattr(segment, name)
    if segment.tags:
        made["tags"] = list(segment.tags)
    if segment.timezone != "UTC":
        made["timezone"] = segment.timezone
    if segment.folder:
        made["folder"] = segment.folder
    if segment.archived:
        made["archived"] = True
    return {**made, "rule": node_document(segment.rule)}


def node_document(node: Node | Condition) -> Document:
    """Return the document of one node or condition."""
    match node:
        case All(parts):
            return {"all": [node_document(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [node_document(part) for part in parts]}
        case Not(part):
            return {"not": node_document(part)}
        case Attribute(name, comparison):
            return {"attribute": name, **_comparison(comparison, "attribute")}
        case Condition(wanted, comparison):
            return {"property": _path(wanted), **_comparison(comparison, "property")}
    return {key_of(node): _inner(node)}


def _inner(node: Node) -> Document:
    match node:
        case InSegment(id_, negated):
            return {"not_in" if negated else "in": id_}
        case InList(id_):
            return {"in": id_}
        case Consent(purpose, status):
            return {"purpose": purpose, "status": status}
        case Sample(percent, salt, start):
            begun = {"from": start} if start else {}
            return {"percent": percent, "salt": salt, **begun}
        case Sql(select):
            return {"select": select}
        case Top():
            return _top(node)
        case Related():
            return _related(node)
    return _behaviour(node)


def _top(node: Top) -> Document:
    made: Document = {"n": node.n, "by": node.by}
    if not node.descending:
        made["order"] = "asc"
    return made | ({"of": node_document(node.of)} if node.of is not None else {})


def _related(node: Related) -> Document:
    quantifier = node.quantifier if node.n is None else {node.quantifier: node.n}
    made: Document = {"entity": node.entity, "quantifier": quantifier}
    return made | _where(node.where)


def _behaviour(node: Node) -> Document:
    match node:
        case Did(pattern, measure, within):
            return {**_pattern(pattern), **_measure(measure), **_within(within)}
        case Endmost(pattern, has, _, within):
            wanted = [node_document(part) for part in has]
            return {**_pattern(pattern), **_within(within), "has": wanted}
        case Sequence(steps, within, total):
            made: Document = {"steps": [_step(step) for step in steps]}
            return {**made, **_within(within), **_gap("total", total)}
    return _lifecycle(node)


def _lifecycle(node: Node) -> Document:
    match node:
        case FirstTime(pattern, within):
            return {**_pattern(pattern), "state": "first_time", **_within(within)}
        case Regularly(pattern, times, per, at_least, of):
            counts = {"times": times, "at_least": at_least, "of": of}
            period = {"n": per.n, "unit": per.unit}
            return {**_pattern(pattern), "state": "regularly", "per": period, **counts}
        case Stopped() | Restarted():
            state = "stopped" if isinstance(node, Stopped) else "restarted"
            spells = {"active": _last(node.active), "silent": _last(node.silent)}
            return {**_pattern(node.pattern), "state": state, **spells}
    raise TypeError(f"{type(node).__name__} has no form")


def _pattern(pattern: Pattern) -> Document:
    named = {"any_event": True} if pattern.event is None else {"event": pattern.event}
    return {**named, **_where(pattern.where)}


def _where(parts: Any) -> Document:
    return {"where": [node_document(part) for part in parts]} if parts else {}


def _measure(measure: Comparison | Total) -> Document:
    if isinstance(measure, Total):
        subject = {"property": _path(measure.property), "agg": measure.agg}
        return {"total": {**subject, **_comparison(measure.comparison, "")}}
    return {"times": _comparison(measure, "")}


def _step(step: Step) -> Document:
    made = {**_pattern(step.pattern), **_gap("gap", step.gap)}
    flags = {"immediately": step.immediately, "absent": step.absent}
    return made | {name: True for name, given in flags.items() if given}


def _gap(key: str, length: Duration | None) -> Document:
    return {key: {"lte": length.n, "unit": length.unit}} if length else {}


def _last(length: Duration) -> Document:
    return {"last": length.n, "unit": length.unit}


def _within(within: Within | None) -> Document:
    return {"within": _window(within)} if within is not None else {}


def _window(within: Within) -> Document:
    match within:
        case Rolling(length):
            return _last(length)
        case Calendar(length, include_today):
            today = {"include_today": True} if include_today else {}
            return {**_last(length), "mode": "calendar", **today}
        case Ago(start, end, unit):
            return {"from_ago": start, "to_ago": end, "unit": unit}
        case Range(first, last):
            return {"from": first, "to": last}
        case Apart(after, before):
            edges = {"after": after, "before": before}
            return {name: edge for name, edge in edges.items() if edge is not None}


def _path(wanted: Property) -> str | list[str]:
    return wanted.written if isinstance(wanted.written, str) else list(wanted.written)


def _comparison(made: Comparison, key: str) -> Document:
    given: Mapping[str, Any] = {
        "value": _operand(made.value, key),
        "from": made.start,
        "to": _operand(made.to, key),
        "unit": made.unit,
        "include_missing": made.include_missing,
        "case": "ignore" if made.ignore_case else None,
        "include_today": made.include_today or None,
    }
    document = {"op": made.op}
    return document | {
        name: value for name, value in given.items() if value is not None
    }


def _operand(value: Any, key: str) -> Any:
    if isinstance(value, Other):
        written = value.property.written
        return {key: written[0] if key == "attribute" else _path(value.property)}
    if isinstance(value, Comparison):
        return _comparison(value, key)
    return list(value) if isinstance(value, tuple) else value
