"""From rows to meaning: every declared field read, with all faults of a row at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dmp.core.sql import Query, quote_name, quote_text
from dmp.ingest.connectors import raw_column
from dmp.ingest.contracts import (
    MEASURES,
    ConsentSpec,
    Contract,
    EventSpec,
    FieldSpec,
    InstantSpec,
    TransactionSpec,
)
from dmp.ingest.faults import (
    Check,
    any_sql,
    faults_sql,
    missing,
    refused_sql,
    unreadable,
)
from dmp.ingest.free_texts import left_as_they_are
from dmp.ingest.mapped_columns import (
    consent_columns,
    field_column,
    measure_column,
    property_column,
)
from dmp.ingest.readings import expected, instant, takes_any_text, trimmed, typed

_ROW_AT = "if(claimed_at > received_at, received_at, claimed_at) as row_at"


_LINE: Mapping[str, str] = {"line": "line"}


def typed_row_sql(
    contract: Contract,
    loaded_at: str,
    values: Query,
    beside: Mapping[str, str] = _LINE,
) -> Query:
    """Return the select of `typed_row`: one row for each row of `values`.

    Gives `subject_kind, subject_key, received_at, claimed_at, row_at, is_refused,
    faults`, a typed column for each field, and those of the contract's event,
    transaction and consent; free texts still are as they came. `row_at` is
    `claimed_at`, or `received_at` where that claims the future. `faults` is a list,
    empty for a clean row; one of them may refuse it.

    Args:
        values: a select of one text column for each place, and what `beside` reads.
        beside: columns that are given too, by name; they may read `is_faulty`.
        loaded_at: the literal for the instant of the load, used where a row has none.
    """
    columns = [*_columns(contract, loaded_at)]
    checks = [*_checks(contract)]
    left = left_as_they_are(contract)
    texts = ", ".join(
        f"{trimmed(place)} as {raw_column(place)}"
        for place in contract.places()
        if place not in left
    )
    kept = ", ".join(f"{text} as {name}" for name, text in beside.items())
    cells = ",\n  ".join(f"{text} as {quote_name(name)}" for name, text in columns)
    names = ", ".join(quote_name(name) for name, _ in columns)
    return Query(
        f"select {kept}, {names}, {_ROW_AT}, {refused_sql(checks)} as is_refused, "
        f"{faults_sql(checks)} as faults\n"
        f"from (select *, {any_sql(checks)} as is_faulty\n"
        f"from (select *, {cells}\n"
        f"from (select * replace ({texts})\n"
        f"from ({values.text}) as source) as said) as typed) as mapped",
        values.params,
    )


def _text(places: Sequence[str]) -> str:
    """Return the trimmed text at the first of `places` that has any."""
    cells = ", ".join(map(raw_column, places))
    return cells if len(places) == 1 else f"coalesce({cells})"


def _reading(spec: FieldSpec, contract: Contract) -> str:
    return typed(spec, contract, _text(spec.from_))


def _instant(spec: InstantSpec, contract: Contract) -> str:
    return instant(spec, contract, _text(spec.from_))


def _columns(contract: Contract, loaded_at: str) -> Iterator[tuple[str, str]]:
    yield from _subject(contract)
    yield from _instants(contract, loaded_at)
    for name, spec in contract.fields.items():
        yield field_column(name), _reading(spec, contract)
    if contract.event:
        yield from _event(contract.event, contract)
    if contract.transaction:
        yield from _transaction(contract.transaction, contract)
    for number, consent in enumerate(contract.consent):
        status, at = consent_columns(number)
        yield status, _decision(consent)
        captured = consent.captured_at
        yield at, _instant(captured, contract) if captured else "null::timestamptz"


def _decision(spec: ConsentSpec) -> str:
    if spec.declared:
        return quote_text(spec.declared)
    text = f"lower({_text(spec.from_)})"
    return (
        f"case when {_is_one_of(text, spec.granted, lower=True)} then 'granted' "
        f"when {_is_one_of(text, spec.denied, lower=True)} then 'denied' end"
    )


def _subject(contract: Contract) -> Iterator[tuple[str, str]]:
    keys = [_text(key.from_) for key in contract.subject]
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
        said = _instant(contract.recorded_at, contract)
        claimed = recorded = f"coalesce({said}, {loaded_at})"
        yield "recorded_said", said
    if contract.event:
        event = contract.event
        if event.received_at:
            got = f"coalesce({_instant(event.received_at, contract)}, {loaded_at})"
            received = f"least({got}, {loaded_at})"
        claimed = _occurred_at(event, contract)
    elif contract.transaction:
        claimed = _instant(contract.transaction.occurred_at, contract)
    yield "received_at", received
    yield "claimed_at", claimed
    if contract.transaction:
        yield "recorded_at", f"least({recorded}, {loaded_at})"


def _occurred_at(event: EventSpec, contract: Contract) -> str:
    """Correct the device's clock by the delay between sending and occurrence.

    Source: Segment, HTTP tracking API, `timestamp = receivedAt - (sentAt -
    originalTimestamp)`.
    """
    occurred = _instant(event.occurred_at, contract)
    if not (event.sent_at and event.received_at):
        return occurred
    sent = _instant(event.sent_at, contract)
    received = _instant(event.received_at, contract)
    return f"coalesce({received} - ({sent} - {occurred}), {occurred})"


def _event(event: EventSpec, contract: Contract) -> Iterator[tuple[str, str]]:
    cases = []
    for name, when in event.names.items():
        tests = " and ".join(
            _is_one_of(_text((place,)), values) for place, values in when.items()
        )
        cases.append(f"when {tests or 'true'} then {quote_text(name)}")
    yield "event", f"case {' '.join(cases)} end"
    yield "message_id", _text(event.message_id)
    for name, spec in event.properties.items():
        yield property_column(name), _reading(spec, contract)


def _transaction(
    transaction: TransactionSpec, contract: Contract
) -> Iterator[tuple[str, str]]:
    parts = [_text((place,)) for place in transaction.id]
    yield "transaction_key", " || chr(31) || ".join(parts)
    for name in MEASURES:
        spec: FieldSpec | None = getattr(transaction, name)
        constant = quote_text(transaction.currency_is) if name == "currency" else "null"
        yield measure_column(name), _reading(spec, contract) if spec else constant


def _checks(contract: Contract) -> Iterator[Check]:
    places = [place for key in contract.subject for place in key.from_]
    yield missing("subject", '"subject_key" is null', f"a value at {_or(places)}")
    if contract.recorded_at and not contract.event:
        text = _text(contract.recorded_at.from_)
        yield unreadable(
            "recorded_at",
            f"{text} is not null and recorded_said is null",
            _instant_words(contract),
            text,
        )
    for name, spec in contract.fields.items():
        yield from _field(name, quote_name(field_column(name)), spec)
    if contract.event:
        yield from _event_checks(contract.event)
    if contract.transaction:
        yield from _transaction_checks(contract.transaction)


def _event_checks(event: EventSpec) -> Iterator[Check]:
    yield missing("message_id", "message_id is null", _or(event.message_id))
    text = _text(event.occurred_at.from_)
    yield unreadable("occurred_at", "claimed_at is null", "an instant", text)
    yield Check(
        "event",
        "event is null",
        "means no event that the contract names",
        "one of " + ", ".join(event.names),
        _text(tuple({place for when in event.names.values() for place in when})),
    )
    for name, spec in event.properties.items():
        yield from _field(name, quote_name(property_column(name)), spec)


def _transaction_checks(transaction: TransactionSpec) -> Iterator[Check]:
    yield missing(
        "transaction.id", "transaction_key is null", _or(transaction.id, " and ")
    )
    text = _text(transaction.occurred_at.from_)
    yield unreadable("occurred_at", "claimed_at is null", "an instant", text)
    for name in MEASURES:
        spec: FieldSpec | None = getattr(transaction, name)
        if spec:
            column = quote_name(measure_column(name))
            yield from _field(f"transaction.{name}", column, spec)


def _field(name: str, column: str, spec: FieldSpec) -> Iterator[Check]:
    text = _text(spec.from_)
    if spec.required:
        yield missing(name, f"{text} is null", expected(spec))
    if takes_any_text(spec):
        return
    action = "dropped" if spec.on_fault == "drop" else "refused"
    yield Check(
        name,
        f"{text} is not null and {column} is null",
        f"not readable as {spec.type}",
        expected(spec),
        text,
        action,
    )


def _instant_words(contract: Contract) -> str:
    formats = contract.recorded_at.formats if contract.recorded_at else ()
    return "an instant" + (f" written as {_or(formats)}" if formats else "")


def _or(places: Sequence[str], separator: str = " or ") -> str:
    return separator.join(places)


def _is_one_of(text: str, words: Sequence[str], *, lower: bool = False) -> str:
    """Return whether a text is one of some words; `in` would be planned as a join."""
    listed = ", ".join(quote_text(word.lower() if lower else word) for word in words)
    return f"list_contains([{listed}], {text})"
