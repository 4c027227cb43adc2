"""What a row is: somebody's record, an event or a purchase, and what names it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dmp.core.identifiers import FieldType
from dmp.ingest.infer.columns import Column
from dmp.ingest.infer.findings import Finding
from dmp.ingest.infer.words import Meaning

_EVENT_ID_SHARE = 0.9
_TIMES = (FieldType.DATE, FieldType.INSTANT)


@dataclass(frozen=True)
class Layout:
    """What a row is.

    Attributes:
        subjects: (place, kind) of the keys of somebody, the first present one counts.
        key: the places that name a row; none for a record.
        repeats: whether equal keys are different purchases.
        at: the instant of the row, None where a record has none.
        notes: for people: why, and what to check; by `subject`, `row`, `key`.
    """

    kind: Literal["record", "event", "purchase"]
    subjects: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    repeats: bool
    at: Finding | None
    notes: dict[str, str]


def layout_of(findings: Sequence[Finding]) -> Layout:
    """Say what a row is; findings are in the order of the columns, never none."""
    event_at = _time(findings, Meaning.OCCURRED_AT)
    names = event_columns(findings)
    event_id = _event_id(findings)
    if event_at and names and event_id:
        return _event(findings, event_at, event_id)
    amount = first(findings, Meaning.AMOUNT)
    when = event_at or _time(findings, Meaning.CREATED_AT, Meaning.TEXT)
    if amount and when and _are_purchases(findings):
        return _purchase(findings, when)
    return _record(findings, is_eventlike=bool(event_at and names))


def first(findings: Iterable[Finding], *meanings: Meaning) -> Finding | None:
    """Return the first finding of the first meaning that is there."""
    found = list(findings)
    for meaning in meanings:
        for finding in found:
            if finding.meaning is meaning and finding.column.filled:
                return finding
    return None


def event_columns(findings: Sequence[Finding]) -> list[Finding]:
    """Return the columns that name events, those that differ most first."""
    named = [
        f for f in findings if f.meaning is Meaning.EVENT and 0 < f.column.distinct
    ]
    return sorted(named, key=lambda f: -f.column.distinct)


def _time(findings: Sequence[Finding], *meanings: Meaning) -> Finding | None:
    """Return a time that nearly every row has and that can be read."""
    fit = [
        f
        for f in findings
        if f.type in _TIMES and f.column.is_full and f.readable >= 0.98 * f.column.rows
    ]
    return first(fit, *meanings)


def _event_id(findings: Sequence[Finding]) -> Finding | None:
    def names_rows(finding: Finding, least: float) -> bool:
        column = finding.column
        return (
            column.filled == column.rows > 0
            and column.distinct >= least * column.filled
            and finding.type not in _TIMES
        )

    named = [f for f in findings if f.meaning is Meaning.MESSAGE_ID]
    ids = [f for f in findings if f.meaning is Meaning.TEXT]
    for finding in named:
        if names_rows(finding, _EVENT_ID_SHARE):
            return finding
    likely = [f for f in ids if _is_id(f.column) and names_rows(f, 0.98)]
    return likely[0] if likely else None


def _is_id(column: Column) -> bool:
    last = column.place.lower().rpartition(".")[2]
    return last in {"id", "key", "guid", "uuid"} or last.endswith(("_id", "id", "_key"))


def _event(findings: Sequence[Finding], at: Finding, key: Finding) -> Layout:
    notes = {
        "row": "rows are events: each has a time and a name",
        "key": f"{_unique(key.column)}; a number that comes again is the same event",
    }
    subjects = _event_subjects(findings, notes)
    return Layout("event", subjects, (key.column.place,), False, at, notes)


def _event_subjects(
    findings: Sequence[Finding], notes: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    kinds = {
        Meaning.ACCOUNT_ID: "user",
        Meaning.CUSTOMER_ID: "user",
        Meaning.DEVICE_ID: "device",
    }
    found = [
        (f.column.place, kind)
        for meaning, kind in kinds.items()
        for f in findings
        if f.meaning is meaning and f.column.filled
    ]
    if not found:
        place, notes["subject"] = _best_key(findings)
        return ((place, "user"),)
    notes["subject"] = (
        "who is logged in is known by the login, before that by the device; check that "
        "these name people and not companies"
    )
    return tuple(found)


def _are_purchases(findings: Sequence[Finding]) -> bool:
    """Say whether rows are purchases: numbered ones, or many of one customer."""
    if first(findings, Meaning.ORDER_ID):
        return True
    who = first(findings, Meaning.CUSTOMER_ID, Meaning.ACCOUNT_ID, Meaning.EMAIL)
    return bool(who and not who.column.is_unique)


def _purchase(findings: Sequence[Finding], at: Finding) -> Layout:
    notes = {"row": "rows are purchases: each has an amount and a time"}
    who = first(findings, Meaning.CUSTOMER_ID, Meaning.ACCOUNT_ID, Meaning.EMAIL)
    if who and who.column.is_full:
        place = who.column.place
        notes["subject"] = f"{_shared(who.column)}; check that it names a person"
    else:
        place, notes["subject"] = _best_key(findings)
    order = first(findings, Meaning.ORDER_ID)
    if order and order.column.is_full and order.column.is_unique:
        notes["key"] = f"{_unique(order.column)}"
        return Layout(
            "purchase", ((place, "record"),), (order.column.place,), False, at, notes
        )
    notes["key"] = (
        "no column names one purchase: the row itself does, and equal rows are taken "
        "for different purchases; check"
    )
    key = _whole_row(findings, place)
    return Layout("purchase", ((place, "record"),), key, True, at, notes)


def _whole_row(findings: Sequence[Finding], subject: str) -> tuple[str, ...]:
    """Return the subject and the columns that no row lacks, the telling ones first."""
    full = [f for f in findings if f.column.filled == f.column.rows]
    ranked = sorted(full, key=lambda f: f.meaning is Meaning.TEXT)
    places = [f.column.place for f in ranked[:12]]
    return tuple(dict.fromkeys((subject, *places)))


def _record(findings: Sequence[Finding], *, is_eventlike: bool) -> Layout:
    notes = {"row": "rows are records of somebody: the newest one of a key counts"}
    if is_eventlike:
        notes["row"] = (
            "rows look like events, but no column names one event; they are taken as "
            "records. Add a column that is different in each row to load them as events"
        )
    ids = [
        f
        for f in findings
        if f.meaning in {Meaning.CUSTOMER_ID, Meaning.ACCOUNT_ID, Meaning.TEXT}
        and f.column.is_key
        and (f.meaning is not Meaning.TEXT or _is_id(f.column))
    ]
    likely = first(findings, Meaning.CUSTOMER_ID)
    if ids:
        place = ids[0].column.place
        notes["subject"] = f"{_unique(ids[0].column)}; check that it names a person"
    elif likely and likely.column.is_full:
        place = likely.column.place
        notes["subject"] = f"{_shared(likely.column)}; check that it names a person"
    else:
        place, notes["subject"] = _best_key(findings)
    at = _time(findings, Meaning.UPDATED_AT)
    return Layout("record", ((place, "record"),), (), False, at, notes)


def _best_key(findings: Sequence[Finding]) -> tuple[str, str]:
    """Return the column that comes nearest to naming rows, and the words about it."""
    full = [f for f in findings if f.type not in _TIMES] or list(findings)
    best = max(full, key=lambda f: (f.column.filled, f.column.distinct))
    unique = [f for f in full if f.column.is_key]
    if unique:
        return unique[0].column.place, f"{_unique(unique[0].column)}; check"
    column = best.column
    note = (
        f"CHECK: no column names somebody; this one comes nearest ({_shared(column)}); "
        "rows of one value become one person"
    )
    return column.place, note


def _unique(column: Column) -> str:
    if column.is_key:
        return "no two rows share it and none lacks it"
    return f"{column.distinct:,} different values in {column.rows:,} rows"


def _shared(column: Column) -> str:
    lacking = column.rows - column.filled
    words = f"{column.distinct:,} different values in {column.rows:,} rows"
    return words + (f", {lacking:,} rows lack it and will be refused" * bool(lacking))
