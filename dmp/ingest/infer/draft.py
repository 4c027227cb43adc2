"""A contract drafted from findings: every choice with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dmp.core.identifiers import DUCKDB_TYPES, FieldType
from dmp.ingest.contracts import PersonalClass
from dmp.ingest.infer import consent
from dmp.ingest.infer.declared import (
    Options,
    about,
    about_instant,
    declared,
    formats,
    instant,
    measure,
    typed,
    why_left_out,
)
from dmp.ingest.infer.findings import Finding
from dmp.ingest.infer.layout import Layout, event_columns, first
from dmp.ingest.infer.naming import Names, Taken, snake, unique_name
from dmp.ingest.infer.words import Meaning

_DATES = (FieldType.DATE, FieldType.INSTANT)
_CLOCKS = {"sent_at": Meaning.SENT_AT, "received_at": Meaning.RECEIVED_AT}
_MEASURES = {
    "amount": Meaning.AMOUNT,
    "currency": Meaning.CURRENCY,
    "quantity": Meaning.QUANTITY,
    "category": Meaning.CATEGORY,
}


@dataclass(frozen=True)
class Entry:
    """One line of the contract, with the comment that stands before it."""

    name: str
    value: Any
    why: str = ""


@dataclass(frozen=True)
class Draft:
    """The sections of a contract that findings decide, in the order of the file.

    Attributes:
        left_out: (place, why): columns that the contract does not read.
    """

    subject: list[Entry] = field(default_factory=list)
    recorded_at: list[Entry] = field(default_factory=list)
    fields: list[Entry] = field(default_factory=list)
    event: list[Entry] = field(default_factory=list)
    properties: list[Entry] = field(default_factory=list)
    transaction: list[Entry] = field(default_factory=list)
    consent: list[Entry] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def draft(
    source: str, layout: Layout, findings: Sequence[Finding], taken: Taken
) -> Draft:
    """Return the sections of a contract.

    Args:
        taken: what other contracts store, so that no name gets two types.
    """
    made = Draft(
        subject=[*_subject(layout)],
        recorded_at=[*_recorded_at(layout)],
        event=[*_event(source, layout, findings)],
        transaction=[*_transaction(layout, findings)],
        consent=[*_consent(findings)],
    )
    names = Names(source, taken)
    elsewhere = _read_elsewhere(layout, findings)
    for finding in findings:
        if why := why_left_out(finding):
            made.left_out.append((finding.column.place, why))
        elif finding.class_ is PersonalClass.DIRECT:
            made.fields.extend(_direct(finding, source, names))
        elif finding.column.place not in elsewhere:
            is_event = layout.kind == "event"
            section = made.properties if is_event else made.fields
            kind = "property" if is_event else "attribute"
            section.append(_stored(finding, kind, names))
    return made


def _subject(layout: Layout) -> Iterator[Entry]:
    why = layout.notes["subject"]
    for place, kind in layout.subjects:
        yield Entry("", {"from": place, "kind": kind}, why)
        why = ""


def _recorded_at(layout: Layout) -> Iterator[Entry]:
    if layout.kind == "record" and layout.at:
        why = "; ".join(
            filter(None, ("when a row was written", about_instant(layout.at)))
        )
        yield Entry("recorded_at", instant(layout.at), why)


def _direct(finding: Finding, source: str, names: Names) -> Iterator[Entry]:
    known = declared(finding, source)
    place = finding.column.place
    spec = {"from": place, **typed(finding), "class": "direct", **known.options}
    name = names.give(known.name, place, "attribute", None)
    yield Entry(name, spec, about(finding))
    quasi = {"class": "quasi", "purpose": "analytics", "on_fault": "drop"}
    if finding.meaning is Meaning.BIRTH_DATE:
        name = names.give("birth_year", place, "attribute", "BIGINT")
        year = {"from": place, "type": "year", **formats(finding), "past": True}
        spec = {**year, **quasi}
        yield Entry(name, spec, "of the date of birth the year alone is in the lake")
    if finding.meaning is Meaning.POSTCODE and finding.column.reads(
        FieldType.OUTWARD_POSTCODE, 0.8
    ):
        name = names.give("postcode_district", place, "attribute", "VARCHAR")
        spec = {"from": place, "type": "outward_postcode", **quasi}
        yield Entry(name, spec, "of the postcode the first half alone is in the lake")


def _stored(finding: Finding, kind: str, names: Names) -> Entry:
    options: Options = typed(finding)
    if finding.class_ is PersonalClass.QUASI:
        options["class"] = "quasi"
    options["purpose"] = "analytics"
    if finding.type is not FieldType.TEXT:
        options["on_fault"] = "drop"
    place = finding.column.place
    type_ = DUCKDB_TYPES.get(finding.type, "VARCHAR")
    name = names.give("", place, kind, type_)
    return Entry(name, {"from": place, **options}, about(finding))


def _read_elsewhere(layout: Layout, findings: Sequence[Finding]) -> set[str]:
    """Return the places that are read otherwise than as a field or property."""
    consents = (Meaning.CONSENT, Meaning.CONSENTED_AT)
    places = {f.column.place for f in findings if f.meaning in consents}
    places |= {place for place, _ in layout.subjects}
    places |= {layout.at.column.place} if layout.at else set()
    if layout.kind == "event":
        places |= {layout.key[0], *(f.column.place for f in event_columns(findings))}
        places |= {f.column.place for f in _clocks(findings).values()}
    elif layout.kind == "purchase":
        places |= {f.column.place for f in _measures(findings).values()}
        places |= set() if layout.repeats else set(layout.key)
    return places


def _event(source: str, layout: Layout, findings: Sequence[Finding]) -> Iterator[Entry]:
    if layout.kind != "event" or layout.at is None:
        return
    yield Entry("message_id", layout.key[0], layout.notes["key"])
    yield Entry("platform", source, "CHECK: where the events happen")
    yield Entry("occurred_at", instant(layout.at), about_instant(layout.at))
    for name, at in _clocks(findings).items():
        why = "a wrong clock of a device is corrected by these two"
        yield Entry(name, instant(at), why if name == "sent_at" else "")
    why = "CHECK: give the events the names that segment rules use"
    yield Entry("names", event_names(event_columns(findings)), why)


def _clocks(findings: Sequence[Finding]) -> dict[str, Finding]:
    dated = [f for f in findings if f.type in _DATES]
    found = {name: first(dated, meaning) for name, meaning in _CLOCKS.items()}
    return {name: finding for name, finding in found.items() if finding}


def event_names(columns: Sequence[Finding]) -> dict[str, dict[str, list[str]]]:
    """Return a name for every value that names an event, the finest column first.

    >>> event_names([])
    {}
    """
    names: dict[str, dict[str, list[str]]] = {}
    for finding in columns:
        for value in sorted(finding.column.values):
            name = unique_name(snake(value) or "event", names)
            names[name] = {finding.column.place: [value]}
        if finding.column.filled == finding.column.rows:
            break
    return names


def _measures(findings: Sequence[Finding]) -> dict[str, Finding]:
    ranked = sorted(findings, key=lambda f: "price" in f.column.place.lower())
    found = {name: first(ranked, meaning) for name, meaning in _MEASURES.items()}
    return {name: finding for name, finding in found.items() if finding}


def _transaction(layout: Layout, findings: Sequence[Finding]) -> Iterator[Entry]:
    if layout.kind != "purchase" or layout.at is None:
        return
    key = layout.key[0] if len(layout.key) == 1 else list(layout.key)
    yield Entry("id", key, layout.notes["key"])
    if layout.repeats:
        yield Entry("repeats", True)
    yield Entry("occurred_at", instant(layout.at), about_instant(layout.at))
    measures = _measures(findings)
    for name, finding in measures.items():
        yield Entry(name, measure(name, finding), about(finding))
    if "currency" not in measures:
        yield Entry("currency_is", "EUR", "CHECK: the file names no currency")


def _consent(findings: Sequence[Finding]) -> Iterator[Entry]:
    instants = {
        f.column.place: f
        for f in findings
        if f.meaning is Meaning.CONSENTED_AT and f.type in _DATES
    }
    for finding in findings:
        if finding.meaning is Meaning.CONSENT:
            at = consent.nearest_instant(finding.column.place, [*instants])
            yield _decision(finding, instants[at] if at else None)


def _decision(finding: Finding, at: Finding | None) -> Entry:
    place = finding.column.place
    granted, denied, others = consent.words_of(finding.column.values)
    why = "CHECK the purpose and the words: they decide whether data may leave"
    if consent.is_refusal(place):
        granted, denied = denied, granted
        why += "; by its name, yes here means no"
    if others:
        why += f"; {others} other words decide nothing"
    spec: Options = {
        "purpose": consent.purpose_of(place),
        "from": place,
        "granted": granted or ["granted"],
        "denied": denied or ["denied"],
    }
    if at:
        spec["captured_at"] = instant(at)
    return Entry("", spec, why)
