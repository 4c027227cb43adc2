"""How the text of a field is read: SQL expressions, null for the unreadable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dmp.core.identifiers import (
    AD_ID_PATTERN,
    EMAIL_PATTERN,
    ID5_PATTERN,
    NO_AD_ID,
    OUTWARD_POSTCODE_PATTERN,
    RAMPID_PATTERN,
    UID2_PATTERN,
    FieldType,
    e164,
    ip_network,
)
from dmp.core.sql import Query, quote_text
from dmp.ingest.connectors import raw_column
from dmp.ingest.contracts import (
    NUMBER_FORMATS,
    Contract,
    FieldSpec,
    InstantSpec,
    PersonalClass,
)
from dmp.ingest.phones import phone_sql
from dmp.privacy.detect import mask_sql
from dmp.storage.lake import Lake
from dmp.storage.scratch import Scratch

_TODAY = "(current_date + 1)"
"""Wherever it is tomorrow already."""
_TEXT, _PATH = FieldType.TEXT, FieldType.PATH
EARLIEST, LATEST = "1900-01-01", "2200-01-01"
_EPOCH = {"epoch_ms": 1_000, "epoch_s": 1_000_000}
_DAY = r"\d{4}[-/ ]\d{1,2}[-/ ]\d{1,2}"
_DAY_IN_BOUNDS = r"(19|20|21)\d\d[-/ ]\d{1,2}[-/ ]\d{1,2}"
_TIME = r"[T ]\d{1,2}:\d\d(:\d\d(\.\d*)?)?"
_OFFSET = r" ?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)"
"""What a date and an instant consist of; a cast alone would take `epoch`, rubbish
after a date, and offsets of days."""
_INTEGER = r"[+-]?\d+(\.0+)?"
_USUAL_NUMBER = r"[+-]?\d{1,15}(\.\d{1,15})?"
_USUAL_INSTANT = r"(19[1-9]\d|20\d\d)-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?"
"""How most numbers and instants are written: in bounds wherever they can be read."""
_GROUPED = {
    name: rf"[+-]?(\d{{1,3}}([{group}]\d{{3}})*|\d+)([{mark}]\d*)?"
    for name, (group, mark) in NUMBER_FORMATS.items()
}
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"


def define_readers(database: Lake | Scratch) -> None:
    """Make the functions callable that readings need."""
    database.define("e164", e164, ["VARCHAR", "VARCHAR"], "VARCHAR")
    database.define("ip_network", ip_network, ["VARCHAR"], "VARCHAR")


def raw(places: tuple[str, ...]) -> str:
    """Return the trimmed text at the first of `places` that has any, else null."""
    return f"coalesce({', '.join(map(trimmed, places))}, null)"


def trimmed(place: str) -> str:
    """Return the expression of the text at a place without spaces around, else null.

    Most texts are ASCII without any: those are told cheaply and left as they are.
    """
    return trimmed_text(raw_column(place))


def trimmed_text(cell: str) -> str:
    """Return the expression of a column's text as `trimmed` does that of a place."""
    return (
        f"(case when {cell} >= '!' and not suffix({cell}, ' ') "
        f"and strlen({cell}) = length({cell}) then {cell} "
        f"else nullif(trim({cell}), '') end)"
    )


def reading(spec: FieldSpec, contract: Contract, text: str = "") -> str:
    """Return the expression that reads a field, of the type `spec.duckdb_type`.

    Args:
        text: the expression of the field's trimmed text, where there is one already.
    """
    return stored(spec, typed(spec, contract, text or raw(spec.from_)))


def typed(spec: FieldSpec, contract: Contract, text: str) -> str:
    """Return the expression that tells whether a field can be read, and of what type.

    It gives the field's value, but of a free text what `stored` makes one of.

    Args:
        text: the expression of the field's trimmed text.
    """
    if spec.values:
        cases = " ".join(
            f"when {quote_text(old)} then {quote_text(new)}"
            for old, new in spec.values.items()
        )
        text = f"(case {text} {cases} end)"
    read = _READ[spec.type](text, spec, contract)
    if spec.pattern:
        matches = f"regexp_full_match({text}, {quote_text(spec.pattern)})"
        read = f"(case when {matches} then {read} end)"
    if spec.minimum is not None:
        read = f"(case when {read} >= {spec.minimum!r} then {read} end)"
    return read


def stored(spec: FieldSpec, value: str) -> str:
    """Return the expression of what is stored of a field's `typed` value.

    Free text is masked, and null for null alone: that waits until the text is wanted.
    """
    if not is_free_text(spec):
        return value
    return mask_sql(Query(_bare_path(value) if spec.type is _PATH else value)).text


def is_free_text(spec: FieldSpec) -> bool:
    """Say whether a field is stored as a text that may hold anything."""
    return spec.class_ is not PersonalClass.DIRECT and spec.type in (_TEXT, _PATH)


def takes_any_text(spec: FieldSpec) -> bool:
    """Say whether a field is free text of which none is a fault."""
    return is_free_text(spec) and not (spec.values or spec.pattern)


def expected(spec: FieldSpec) -> str:
    """Return in plain words what would be right for a field."""
    if spec.values:
        return "one of " + ", ".join(spec.values)
    if spec.past:
        past = spec.model_copy(update={"past": False})
        return f"{expected(past)}, not in the future"
    if spec.formats:
        return f"{spec.type} written as " + " or ".join(spec.formats)
    if spec.minimum is not None:
        return f"{_EXPECTED.get(spec.type, spec.type)} of at least {spec.minimum:g}"
    if spec.pattern:
        return f"{spec.type} of the form {spec.pattern}"
    return _EXPECTED.get(spec.type, str(spec.type))


def instant(spec: InstantSpec, contract: Contract, text: str = "") -> str:
    """Return the expression that reads an instant, of type timestamptz.

    Args:
        text: the expression of its trimmed text, where there is one already.
    """
    return _instant(text or raw(spec.from_), spec.formats, contract.timezone)


def _instant(text: str, formats: tuple[str, ...], zone: str) -> str:
    local = f"timezone({quote_text(zone)}, %s)"
    read = [_epoch(text, name) for name in formats if name in _EPOCH]
    written = [name for name in formats if name not in _EPOCH]
    with_offset = [name for name in written if "%z" in name or "%Z" in name]
    naive = [name for name in written if name not in with_offset]
    read += [_strptime(text, some) for some in _by_year(with_offset)]
    read += [local % _strptime(text, some) for some in _by_year(naive)]
    if formats:
        return _within(read, "timestamptz")
    bare = _matching(text, f"{_DAY}({_TIME})?")
    with_zone = _matching(text, f"{_DAY}{_TIME}{_OFFSET}")
    careful = _within(
        [
            local % f"try_cast({bare} as timestamp)",
            f"try_cast({with_zone} as timestamptz)",
        ],
        "timestamptz",
    )
    return _usual_instant(text, zone, careful)


def _usual_instant(text: str, zone: str, careful: str) -> str:
    """Read an instant of UTC by arithmetic; only others need a calendar."""
    pattern = quote_text(f"{_USUAL_INSTANT}Z{'?' if zone == 'UTC' else ''}")
    return (
        f"(case when regexp_full_match({text}, {pattern}) "
        f"then make_timestamptz(epoch_us(try_cast({text} as timestamp))) "
        f"else {careful} end)"
    )


def _strptime(text: str, formats: Sequence[str]) -> str:
    return f"try_strptime({text}, [{', '.join(map(quote_text, formats))}])"


def _by_year(formats: Sequence[str]) -> list[list[str]]:
    """Return the formats with a whole year, then those with two digits of it.

    The former read two digits too, as a year of long ago.
    """
    short = [name for name in formats if "%y" in name]
    whole = [name for name in formats if name not in short]
    return [some for some in (whole, short) if some]


def _epoch(text: str, name: str) -> str:
    """Read an epoch; one too far off to be counted is unreadable, not an error."""
    return f"try(make_timestamptz(try_cast({text} as bigint) * {_EPOCH[name]}))"


def _within(read: Sequence[str], type_: str) -> str:
    """Take the first that is in bounds; a subquery would be planned as a join."""
    return (
        f"list_filter([{', '.join(read)}], lambda x: x >= {type_} '{EARLIEST}' "
        f"and x < {type_} '{LATEST}')[1]"
    )


def _date(text: str, spec: FieldSpec, contract: Contract) -> str:
    if spec.formats:
        written = [_day(text, some, spec) for some in _by_year(spec.formats)]
        day = _within(written, "date")
    else:
        iso = _matching(text, f"{_DAY_IN_BOUNDS}({_TIME}({_OFFSET})?)?")
        bounds = f" between date '{EARLIEST}' and date '{LATEST}' - 1"
        day = _as_written(text, "date", f"try_cast({iso} as date)", bounds)
    return f"(case when {day} <= {_TODAY} then {day} end)" if spec.past else day


def _day(text: str, formats: Sequence[str], spec: FieldSpec) -> str:
    """Read a day; where it is past, one of a year of two digits a century earlier."""
    day = f"{_strptime(text, formats)}::date"
    if spec.past and "%y" in formats[0]:
        return f"if({day} > {_TODAY}, ({day} - interval 100 year)::date, {day})"
    return day


def _boolean(text: str, spec: FieldSpec, contract: Contract) -> str:
    return (
        f"(case {text} when 'true' then true when 'false' then false else case "
        f"when regexp_full_match(lower({text}), '(true|t|yes|y|1)') then true "
        f"when regexp_full_match(lower({text}), '(false|f|no|n|0)') then false end end)"
    )


def _integer(text: str, spec: FieldSpec, contract: Contract) -> str:
    """Read a whole number; a cast alone would round others and take underscores."""
    careful = f"try_cast({_matching(text, _INTEGER)} as bigint)"
    return _as_written(text, "bigint", careful)


def _as_written(text: str, type_: str, careful: str, bounds: str = "") -> str:
    """Read what is written as DuckDB writes it by a cast alone, the rest carefully."""
    read = f"try_cast({text} as {type_})"
    usual = f"{read}::varchar = {text}" + (f" and {read}{bounds}" if bounds else "")
    return f"(case when {usual} then {read} else {careful} end)"


def _number(text: str, spec: FieldSpec, contract: Contract) -> str:
    if spec.formats:
        text = _with_point(text, spec.formats)
    number = f"try_cast({_matching(text, _NUMBER)} as double)"
    return (
        f"(case when regexp_full_match({text}, {quote_text(_USUAL_NUMBER)}) "
        f"then try_cast({text} as double) "
        f"when isfinite({number}) then {number} end)"
    )


def _with_point(text: str, formats: tuple[str, ...]) -> str:
    """Return the text with a decimal point, of numbers written like `1.234,56`."""
    tried = [
        f"replace(replace({_matching(text, _GROUPED[name])}, {quote_text(group)}, ''), "
        f"{quote_text(mark)}, '.')"
        for name, (group, mark) in NUMBER_FORMATS.items()
        if name in formats
    ]
    return f"coalesce({', '.join(tried)}, null)"


def _bare_path(text: str) -> str:
    """Return of an address what lies between its host and what is asked for."""
    return (
        f"(case when contains({text}, '://') or contains({text}, '?') "
        f"or contains({text}, '#') then "
        f"regexp_replace({text}, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/]*|[?#].*$', '', 'g') "
        f"else {text} end)"
    )


def _hex(digits: int) -> Callable[[str, FieldSpec, Contract], str]:
    def read(text: str, spec: FieldSpec, contract: Contract) -> str:
        return _matching(f"lower({text})", f"[0-9a-f]{{{digits}}}")

    return read


def _matching(text: str, pattern: str) -> str:
    found = f"regexp_full_match({text}, {quote_text(pattern)})"
    return f"(case when {found} then {text} end)"


def _postcode(text: str, spec: FieldSpec, contract: Contract) -> str:
    pattern = quote_text(OUTWARD_POSTCODE_PATTERN)
    return f"nullif(upper(regexp_extract(lower({text}), {pattern}, 1)), '')"


def _ad_id(text: str, spec: FieldSpec, contract: Contract) -> str:
    return (
        f"nullif({_matching(f'lower({text})', AD_ID_PATTERN)}, {quote_text(NO_AD_ID)})"
    )


_READ: dict[FieldType, Callable[[str, FieldSpec, Contract], str]] = {
    FieldType.TEXT: lambda text, *_: text,
    FieldType.NAME: lambda text, *_: text,
    FieldType.EMAIL: lambda text, *_: _matching(f"lower({text})", EMAIL_PATTERN),
    FieldType.PHONE: lambda text, _, contract: phone_sql(text, contract.phone_region),
    FieldType.DATE: _date,
    FieldType.INSTANT: lambda text, spec, contract: _instant(
        text, spec.formats, contract.timezone
    ),
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.PATH: lambda text, *_: text,
    FieldType.YEAR: lambda text, spec, contract: f"year({_date(text, spec, contract)})",
    FieldType.OUTWARD_POSTCODE: _postcode,
    FieldType.MD5: _hex(32),
    FieldType.SHA1: _hex(40),
    FieldType.SHA256: _hex(64),
    FieldType.UID2: lambda text, *_: _matching(text, UID2_PATTERN),
    FieldType.EUID: lambda text, *_: _matching(text, UID2_PATTERN),
    FieldType.RAMPID: lambda text, *_: _matching(text, RAMPID_PATTERN),
    FieldType.ID5: lambda text, *_: _matching(text, ID5_PATTERN),
    FieldType.AD_ID: _ad_id,
    FieldType.IP: lambda text, *_: f"ip_network({text})",
}

_EXPECTED = {
    FieldType.EMAIL: "an e-mail address such as jane@mail.example",
    FieldType.PHONE: "a valid phone number, with +country or of the contract's region",
    FieldType.DATE: "a date such as 1980-12-31",
    FieldType.INSTANT: "an instant such as 2026-05-01T09:30:00Z",
    FieldType.INTEGER: "a whole number",
    FieldType.NUMBER: "a number such as 12.50",
    FieldType.BOOLEAN: "true or false",
    FieldType.SHA256: "64 hex digits",
    FieldType.SHA1: "40 hex digits",
    FieldType.MD5: "32 hex digits",
    FieldType.UID2: "a UID2 of 44 base64 characters",
    FieldType.EUID: "a EUID of 44 base64 characters",
    FieldType.RAMPID: "a person's RampID, XY with 49 or Xi with 70 characters",
    FieldType.ID5: "a decrypted ID5 ID that begins with ID5-",
    FieldType.AD_ID: "an advertising id of 32 hex digits in five groups, not all zero",
    FieldType.IP: "an IP address that is not a private one",
    FieldType.OUTWARD_POSTCODE: "a postcode such as SW1A 1AA",
}
