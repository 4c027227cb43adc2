"""From rows to meaning: one select that reads every declared field and its faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dmp.core.sql import Query, quote_name, quote_text
from dmp.ingest.contracts import (
    MEASURES,
    ConsentSpec,
    Contract,
    EventSpec,
    FieldSpec,
    TransactionSpec,
)
from dmp.ingest.readings import expected, instant, raw, reading

MASK_CHARACTERS = 24
_ROW_AT = "if(claimed_at > received_at, received_at, claimed_at) as row_at"
FAULT = (
    "struct(field varchar, action varchar, reason varchar, expected varchar, "
    "masked_value varchar)"
)


@dataclass(frozen=True)
class _Check:
    """A condition under which a row or a field of it is at fault, in SQL."""

    field: str
    condition: str
    reason: str
    expected: str
    value: str
    action: str = "refused"

    def sql(self) -> str:
        """Return the case expression that gives the fault, or null."""
        return (
            f"case when {self.condition} then {{'field': {quote_text(self.field)}, "
            f"'action': {quote_text(self.action)}, "
            f"'reason': {quote_text(self.reason)}, "
            f"'expected': {quote_text(self.expected)}, "
            f"'masked_value': {masked(self.value)}}}::{FAULT} end"
        )


def masked(value: str) -> str:
    """Return the expression for the shape of a text: letters as a, digits as 9."""
    shape = f"regexp_replace({value}, '[^\\s[:punct:]0-9]', 'a', 'g')"
    return f"left(regexp_replace({shape}, '[0-9]', '9', 'g'), {MASK_CHARACTERS})"


def field_column(name: str) -> str:
    """Return the column of `mapped_row` that holds a field."""
    return f"field.{name}"


def property_column(name: str) -> str:
    """Return the column of `mapped_row` that holds an event property."""
    return f"property.{name}"


def consent_columns(number: int) -> tuple[str, str]:
    """Return the columns of `mapped_row` for status and instant of a decision."""
    return f"consent.{number}.status", f"consent.{number}.at"


def mapped_row_sql(contract: Contract, values: Query, loaded_at: str) -> Query:
    """Return the select of `mapped_row`: one row for each row of `values`.

    Gives `line, subject_kind, subject_key, received_at, claimed_at, row_at, faults`, a
    typed column for each field, and those of the contract's event, transaction and
    consent. `row_at` is `claimed_at`, or `received_at` where that claims the future.
    `faults` is a list, empty for a clean row.

    Args:
        values: a select of `line` and one text column for each place.
        loaded_at: the literal for the instant of the load, used where a row has none.
    """
    columns = [*_columns(contract, loaded_at)]
    cells = ",\n  ".join(f"{text} as {quote_name(name)}" for name, text in columns)
    read = f"select *, {cells}\nfrom ({values.text}) as source"
    checks = ", ".join(check.sql() for check in _checks(contract))
    faults = f"list_filter([{checks}], lambda x: x is not null)" if checks else "[]"
    names = ", ".join(quote_name(name) for name, _ in columns)
    text = f"select line, {names}, {_ROW_AT}, {faults} as faults from ({read}) as m"
    return Query(text, values.params)


def _columns(contract: Contract, loaded_at: str) -> Iterator[tuple[str, str]]:
    yield from _subject(contract)
    yield from _instants(contract, loaded_at)
    for name, spec in contract.fields.items():
        yield field_column(name), reading(spec, contract)
    if contract.event:
        yield from _event(contract.event, contract)
    if contract.transaction:
        yield from _transaction(contract.transaction, contract)
    for number, consent in enumerate(contract.consent):
        status, at = consent_columns(number)
        yield status, _decision(consent)
        captured = consent.captured_at
        yield at, instant(captured, contract) if captured else "null::timestamptz"


def _decision(spec: ConsentSpec) -> str:
    if spec.declared:
        return quote_text(spec.declared)
    text = f"lower({raw(spec.from_)})"
    return (
        f"case when {text} in ({_words(spec.granted)}) then 'granted' "
        f"when {text} in ({_words(spec.denied)}) then 'denied' end"
    )


def _subject(contract: Contract) -> Iterator[tuple[str, str]]:
    keys = [raw(key.from_) for key in contract.subject]
    kinds = [
        f"when {text} is not null then {quote_text(key.kind)}"
        for key, text in zip(contract.subject, keys, strict=True)
    ]
    yield "subject_key", f"coalesce({', '.join(keys)}, null)"
    yield "subject_kind", f"case {' '.join(kinds)} end"


def _instants(contract: Contract, loaded_at: str) -> Iterator[tuple[str, str]]:
    """Yield when a row was received, when it says it happened, and when that counts.

    Nothing happens after it was received, and nothing is received after the load.
    """
    received = claimed = recorded = loaded_at
    if contract.recorded_at:
        text = instant(contract.recorded_at, contract)
        claimed = recorded = f"coalesce({text}, {loaded_at})"
    if contract.event:
        event = contract.event
        if event.received_at:
            got = f"coalesce({instant(event.received_at, contract)}, {loaded_at})"
            received = f"least({got}, {loaded_at})"
        claimed = _occurred_at(event, contract)
    elif contract.transaction:
        claimed = instant(contract.transaction.occurred_at, contract)
    yield "received_at", received
    yield "claimed_at", claimed
    if contract.transaction:
        yield "recorded_at", f"least({recorded}, {loaded_at})"


def _occurred_at(event: EventSpec, contract: Contract) -> str:
    """Correct the device's clock by the delay between sending and occurrence.

    Source: Segment, HTTP tracking API, `timestamp = receivedAt - (sentAt -
    originalTimestamp)`.
    """
    occurred = instant(event.occurred_at, contract)
    if not (event.sent_at and event.received_at):
        return occurred
    sent = instant(event.sent_at, contract)
    received = instant(event.received_at, contract)
    return f"coalesce({received} - ({sent} - {occurred}), {occurred})"


def _event(event: EventSpec, contract: Contract) -> Iterator[tuple[str, str]]:
    cases = []
    for name, when in event.names.items():
        tests = " and ".join(
            f"{raw((place,))} in ({_words(values, lower=False)})"
            for place, values in when.items()
        )
        cases.append(f"when {tests or 'true'} then {quote_text(name)}")
    yield "event", f"case {' '.join(cases)} end"
    yield "message_id", raw(event.message_id)
    for name, spec in event.properties.items():
        yield property_column(name), reading(spec, contract)


def _transaction(
    transaction: TransactionSpec, contract: Contract
) -> Iterator[tuple[str, str]]:
    parts = [raw((place,)) for place in transaction.id]
    yield "transaction_key", " || chr(31) || ".join(parts)
    for name in MEASURES:
        spec: FieldSpec | None = getattr(transaction, name)
        constant = quote_text(transaction.currency_is) if name == "currency" else "null"
        yield f"transaction.{name}", reading(spec, contract) if spec else constant


def _checks(contract: Contract) -> Iterator[_Check]:
    places = [place for key in contract.subject for place in key.from_]
    yield _missing("subject", '"subject_key" is null', f"a value at {_or(places)}")
    if contract.recorded_at and not contract.event:
        text = raw(contract.recorded_at.from_)
        unreadable = f"{text} is not null and {instant(contract.recorded_at, contract)}"
        yield _unreadable(
            "recorded_at", f"{unreadable} is null", _instant_words(contract), text
        )
    for name, spec in contract.fields.items():
        yield from _field(name, quote_name(field_column(name)), spec)
    if contract.event:
        yield from _event_checks(contract.event)
    if contract.transaction:
        yield from _transaction_checks(contract.transaction)


def _event_checks(event: EventSpec) -> Iterator[_Check]:
    yield _missing("message_id", "message_id is null", _or(event.message_id))
    text = raw(event.occurred_at.from_)
    yield _unreadable("occurred_at", "claimed_at is null", "an instant", text)
    yield _Check(
        "event",
        "event is null",
        "means no event that the contract names",
        "one of " + ", ".join(event.names),
        raw(tuple({place for when in event.names.values() for place in when})),
    )
    for name, spec in event.properties.items():
        yield from _field(name, quote_name(property_column(name)), spec)


def _transaction_checks(transaction: TransactionSpec) -> Iterator[_Check]:
    yield _missing(
        "transaction.id", "transaction_key is null", _or(transaction.id, " and ")
    )
    text = raw(transaction.occurred_at.from_)
    yield _unreadable("occurred_at", "claimed_at is null", "an instant", text)
    for name in MEASURES:
        spec: FieldSpec | None = getattr(transaction, name)
        if spec:
            column = quote_name(f"transaction.{name}")
            yield from _field(f"transaction.{name}", column, spec)


def _field(name: str, column: str, spec: FieldSpec) -> Iterator[_Check]:
    text = raw(spec.from_)
    action = "dropped" if spec.on_fault == "drop" else "refused"
    yield _Check(
        name,
        f"{text} is not null and {column} is null",
        f"not readable as {spec.type}",
        expected(spec),
        text,
        action,
    )
    if spec.required:
        yield _missing(name, f"{text} is null", expected(spec))


def _missing(field: str, condition: str, right: str) -> _Check:
    return _Check(field, condition, "missing", right, "null::varchar")


def _unreadable(field: str, condition: str, right: str, text: str) -> _Check:
    return _Check(field, condition, "missing or not readable", right, text)


def _instant_words(contract: Contract) -> str:
    formats = contract.recorded_at.formats if contract.recorded_at else ()
    return "an instant" + (f" written as {_or(formats)}" if formats else "")


def _or(places: Sequence[str], separator: str = " or ") -> str:
    return separator.join(places)


def _words(values: Sequence[str], *, lower: bool = True) -> str:
    return ", ".join(quote_text(v.lower() if lower else v) for v in values)
