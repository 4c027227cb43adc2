"""What each column is: by its values first, by its name where they leave it open."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dmp.core.identifiers import EMAIL_PATTERN, UID2_PATTERN, FieldType
from dmp.ingest.contracts import PersonalClass
from dmp.ingest.infer.columns import Column, readable_by, spec_of
from dmp.ingest.infer.consent import DENIED, GRANTED
from dmp.ingest.infer.dates import Dates, dates_of
from dmp.ingest.infer.words import Meaning
from dmp.ingest.synthetic.given_names import known_given_names
from dmp.privacy.detect import kinds
from dmp.storage.lake import Lake

DIRECT, QUASI, ORDINARY = PersonalClass
_HALF = 0.5
_MOST = 0.9
_DIGESTS = {
    Meaning.SHA256: re.compile(r"[0-9a-fA-F]{64}"),
    Meaning.SHA1: re.compile(r"[0-9a-fA-F]{40}"),
    Meaning.MD5: re.compile(r"[0-9a-fA-F]{32}"),
    Meaning.UID2: re.compile(UID2_PATTERN),
}
_EMAIL = re.compile(EMAIL_PATTERN)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LINK = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+|www\.\S+")
_NAME = re.compile(r"[^\W\d_][^\d_@/:;]*")
_ADDRESS = re.compile(r"(?=.*\d)(?=.*[^\W\d]{3}).*[\s,].*")
_COMMA_NUMBER = re.compile(r"[+-]?(\d{1,3}(\.\d{3})*|\d+),\d+")
_DIGITS = re.compile(r"\D+")
_YEAR = re.compile(r"(19|20)\d\d")
COMMA = "1.234,56"


@dataclass(frozen=True)
class Finding:
    """What one column is taken for.

    Attributes:
        type, formats: how its values are read.
        readable: how many of the filled values that reads.
        why: the reason, for people, without any value.
        doubt: what to check, empty where nothing is in doubt.
    """

    column: Column
    meaning: Meaning
    class_: PersonalClass
    type: FieldType
    why: str
    formats: tuple[str, ...] = ()
    readable: int = 0
    doubt: str = ""


def find(lake: Lake, column: Column) -> Finding:
    """Say what a column of `infer_row` is."""
    for look in (_by_shape, _by_dates, _by_names, _by_other_values):
        if found := look(lake, column):
            return found
    return _plain(lake, column)


def share(values: Sequence[str], is_one: Callable[[str], object]) -> float:
    """Return the share of values for which something holds; 0 for none."""
    return sum(bool(is_one(value)) for value in values) / len(values) if values else 0.0


def _percent(part: float) -> str:
    return f"{100 * part:.0f} % of its values"


def _named(column: Column) -> str:
    return "by its name"


def _direct(column: Column, meaning: Meaning, type_: FieldType, why: str) -> Finding:
    readable = column.filled
    return Finding(column, meaning, DIRECT, type_, why, readable=readable)


def _by_shape(lake: Lake, column: Column) -> Finding | None:
    """Know what is beyond doubt by its form: e-mail, digest, bank account, card, IP."""
    part = share(column.values, lambda v: _EMAIL.fullmatch(v.lower()))
    if part >= _HALF:
        why = f"{_percent(part)} are e-mail addresses"
        return _direct(column, Meaning.EMAIL, FieldType.EMAIL, why)
    for meaning, shape in _DIGESTS.items():
        part = share(column.values, shape.fullmatch)
        if part >= _MOST and (meaning is not Meaning.MD5 or _is_digest(column)):
            why = f"{_percent(part)} have the form of a {meaning}"
            return _direct(column, meaning, FieldType[meaning.name], why)
    found = [kinds(value) for value in column.values[:200]]
    for kind, meaning in _KINDS.items():
        part = sum(kind in some for some in found) / max(len(found), 1)
        if part >= _HALF and column.mean_length < 60:
            why = f"{_percent(part)} look like it"
            return _direct(column, meaning, FieldType.TEXT, why)
    return _phone(column)


_KINDS = {"iban": Meaning.IBAN, "card": Meaning.CARD, "ip": Meaning.IP}


def _is_digest(column: Column) -> bool:
    name = column.place.lower()
    return Meaning.EMAIL in column.names or "md5" in name or "hash" in name


def _phone(column: Column) -> Finding | None:
    part = share(column.values[:300], lambda v: "phone" in kinds(v))
    digits = share(column.values, lambda v: 6 <= len(_DIGITS.sub("", v)) <= 16)
    is_named = Meaning.PHONE in column.names[:2]
    if part >= _MOST or (is_named and digits >= _HALF):
        why = "by its name and digits" if is_named else f"{_percent(part)} look like it"
        return _direct(column, Meaning.PHONE, FieldType.PHONE, why)
    return None


def _by_dates(lake: Lake, column: Column) -> Finding | None:
    promised = [name for name in column.names if name in _TIMES]
    dates = dates_of(lake, column, is_named=bool(promised))
    if dates is None:
        return None
    why = "by its name and values" if promised else "its values are dates"
    if Meaning.BIRTH_DATE in promised or _are_births(dates, column):
        if Meaning.BIRTH_DATE not in promised:
            why = "its dates lie decades back and apart, as births do"
        return _dated(column, Meaning.BIRTH_DATE, DIRECT, dates, why)
    meaning = promised[0] if promised else Meaning.TEXT
    return _dated(column, meaning, ORDINARY, dates, why)


_TIMES = (
    Meaning.BIRTH_DATE,
    Meaning.CONSENTED_AT,
    Meaning.SENT_AT,
    Meaning.RECEIVED_AT,
    Meaning.UPDATED_AT,
    Meaning.CREATED_AT,
    Meaning.OCCURRED_AT,
)


def _dated(
    column: Column, meaning: Meaning, class_: PersonalClass, dates: Dates, why: str
) -> Finding:
    return Finding(
        column,
        meaning,
        class_,
        dates.type,
        why,
        formats=dates.formats,
        readable=dates.readable,
        doubt=dates.doubt,
    )


def _are_births(dates: Dates, column: Column) -> bool:
    """Say whether years lie as those of births do: three decades apart, before 2012."""
    if dates.type is not FieldType.DATE or column.names:
        return False
    years = sorted(
        int(found[0]) for v in column.values if (found := _YEAR.search(v)) is not None
    )
    if len(years) < 20:
        return False
    low, middle, high = (years[len(years) * n // 20] for n in (1, 10, 18))
    return high - low >= 30 and middle < 2003 and high < 2012


def _by_names(lake: Lake, column: Column) -> Finding | None:
    """Take the first meaning of the name that the values do not contradict."""
    ranked = sorted(column.names, key=lambda m: m is not Meaning.CONSENT)
    for meaning in ranked:
        if meaning in _CHECKS and (not column.filled or _CHECKS[meaning](column)):
            return _named_finding(lake, column, meaning)
    return None


def _decides(column: Column) -> bool:
    known = share(column.values, lambda v: v.lower() in GRANTED | DENIED)
    return column.distinct <= 20 and known >= _HALF


def _few(column: Column) -> bool:
    return column.distinct <= 60 and column.mean_length <= 40


def _names_events(column: Column) -> bool:
    """Say whether values may stand in a contract: few, and of nobody."""
    return _few(column) and not any(map(kinds, column.values))


def _is_text(column: Column) -> bool:
    return share(column.values, _NAME.fullmatch) >= _HALF and column.mean_length <= 60


def _are_people(column: Column) -> bool:
    """Tell names of people from those of pages and things, which are few."""
    varied = column.distinct >= max(20, 0.1 * column.filled)
    return _is_text(column) and (varied or _given(column) >= 0.2)


def _given(column: Column) -> float:
    """Return the share of values that begin with a given name."""
    given = known_given_names()
    return share(column.values, lambda v: v.split()[0].strip(".,").lower() in given)


def _anything(column: Column) -> bool:
    return column.mean_length <= 120


def _one_word(column: Column) -> bool:
    return column.mean_length <= 80 and share(column.values, str.split) > 0


def _is_number(column: Column) -> bool:
    return column.reads(FieldType.NUMBER) or _has_commas(column)


def _has_commas(column: Column) -> bool:
    like = share(column.values, lambda v: _COMMA_NUMBER.fullmatch(v) or v.isdigit())
    return like >= _MOST and share(column.values, _COMMA_NUMBER.fullmatch) > 0


def _varied_address(column: Column) -> bool:
    return column.mean_length <= 120 and not column.reads(FieldType.BOOLEAN)


_CHECKS: dict[Meaning, Callable[[Column], bool]] = {
    Meaning.CONSENT: _decides,
    Meaning.AGENT: lambda column: True,
    Meaning.SPECIAL: lambda column: column.mean_length <= 60,
    Meaning.PRECISE_PLACE: _anything,
    Meaning.NATIONAL_ID: _one_word,
    Meaning.AD_ID: _one_word,
    Meaning.DEVICE_ID: _one_word,
    Meaning.ACCOUNT_ID: _one_word,
    Meaning.MESSAGE_ID: _one_word,
    Meaning.ORDER_ID: _one_word,
    Meaning.CUSTOMER_ID: _one_word,
    Meaning.FIRST_NAME: _is_text,
    Meaning.LAST_NAME: _is_text,
    Meaning.FULL_NAME: _are_people,
    Meaning.ADDRESS: _varied_address,
    Meaning.POSTCODE: lambda column: column.mean_length <= 12,
    Meaning.TOWN: _is_text,
    Meaning.GENDER: lambda column: column.distinct <= 12 and column.mean_length < 12,
    Meaning.BIRTH_YEAR: lambda column: column.reads(FieldType.INTEGER),
    Meaning.AGE: lambda column: column.distinct <= 130 and column.mean_length < 8,
    Meaning.REGION: _is_text,
    Meaning.COUNTRY: _is_text,
    Meaning.INCOME: _anything,
    Meaning.OCCUPATION: _is_text,
    Meaning.FAMILY: _anything,
    Meaning.EVENT: _names_events,
    Meaning.AMOUNT: _is_number,
    Meaning.QUANTITY: lambda column: column.reads(FieldType.NUMBER),
    Meaning.CURRENCY: lambda column: column.distinct <= 60 and column.mean_length <= 5,
    Meaning.CATEGORY: _few,
}
"""What the values must be like for the name to be believed."""

_CLASSES = {
    **dict.fromkeys(
        (
            Meaning.NATIONAL_ID,
            Meaning.AD_ID,
            Meaning.DEVICE_ID,
            Meaning.ACCOUNT_ID,
            Meaning.CUSTOMER_ID,
            Meaning.FIRST_NAME,
            Meaning.LAST_NAME,
            Meaning.FULL_NAME,
            Meaning.ADDRESS,
            Meaning.POSTCODE,
            Meaning.TOWN,
            Meaning.AGENT,
            Meaning.SPECIAL,
            Meaning.PRECISE_PLACE,
        ),
        DIRECT,
    ),
    **dict.fromkeys(
        (
            Meaning.GENDER,
            Meaning.AGE,
            Meaning.BIRTH_YEAR,
            Meaning.REGION,
            Meaning.COUNTRY,
            Meaning.INCOME,
            Meaning.OCCUPATION,
            Meaning.FAMILY,
        ),
        QUASI,
    ),
}
_NAMES = (Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.FULL_NAME)


def _named_finding(lake: Lake, column: Column, meaning: Meaning) -> Finding:
    class_ = _CLASSES.get(meaning, ORDINARY)
    why = _named(column)
    if meaning in _NAMES:
        return Finding(
            column, meaning, class_, FieldType.NAME, why, readable=column.filled
        )
    if class_ is DIRECT or meaning in _IDS:
        return Finding(
            column, meaning, class_, FieldType.TEXT, why, readable=column.filled
        )
    type_, formats, readable = _read_as(lake, column)
    return Finding(column, meaning, class_, type_, why, formats, readable)


_IDS = (Meaning.MESSAGE_ID, Meaning.ORDER_ID, Meaning.EVENT, Meaning.CONSENT)


def _by_other_values(lake: Lake, column: Column) -> Finding | None:
    """Know names and postcodes without a telling column name."""
    if column.readable.get(FieldType.OUTWARD_POSTCODE, 0) >= _MOST * column.filled > 0:
        why = "its values have the form of British postcodes"
        return _direct(column, Meaning.POSTCODE, FieldType.TEXT, why)
    if column.distinct >= 20 and _is_text(column):
        part = _given(column)
        if part >= 0.3:
            words = share(column.values, lambda v: len(v.split()) > 1)
            meaning = Meaning.FULL_NAME if words >= _HALF else Meaning.FIRST_NAME
            why = f"{_percent(part)} begin with a given name"
            return _direct(column, meaning, FieldType.NAME, why)
    if share(column.values, _LINK.fullmatch) >= _HALF:
        why = "its values are web addresses; the path alone is kept"
        return Finding(
            column, Meaning.LINK, ORDINARY, FieldType.PATH, why, readable=column.filled
        )
    return _by_numbers_of_people(column)


def _by_numbers_of_people(column: Column) -> Finding | None:
    """Take UUIDs on many rows for devices or accounts: they name somebody."""
    is_uuid = share(column.values, _UUID.fullmatch) >= _MOST
    if is_uuid and not column.is_unique:
        why = "UUIDs that come again name somebody or some device"
        return _direct(column, Meaning.DEVICE_ID, FieldType.TEXT, why)
    return None


def _plain(lake: Lake, column: Column) -> Finding:
    if column.filled and (column.mean_length > 40 or _is_prose(column)):
        why = "long texts, in which anything may stand"
        return Finding(
            column,
            Meaning.FREE_TEXT,
            QUASI,
            FieldType.TEXT,
            why,
            readable=column.filled,
        )
    type_, formats, readable = _read_as(lake, column)
    return Finding(
        column, Meaning.TEXT, ORDINARY, type_, "by its values", formats, readable
    )


def _is_prose(column: Column) -> bool:
    words = share(column.values, lambda v: len(v.split()) >= 4)
    hidden = share(column.values[:200], kinds)
    return (words >= _HALF and column.distinct > 20) or hidden >= 0.05


def _read_as(lake: Lake, column: Column) -> tuple[FieldType, tuple[str, ...], int]:
    """Return the narrowest type that reads nearly all values, text in doubt."""
    if column.filled and not any(
        v[0] == "0" and v.isdigit() and len(v) > 1 for v in column.values
    ):
        for type_ in (FieldType.INTEGER, FieldType.NUMBER):
            if column.reads(type_, 0.99):
                return type_, (), column.readable[type_]
        if column.distinct <= 2 and column.reads(FieldType.BOOLEAN, 1.0):
            return FieldType.BOOLEAN, (), column.filled
        if _has_commas(column):
            spec = spec_of(column.place, type=FieldType.NUMBER, formats=COMMA)
            return FieldType.NUMBER, (COMMA,), readable_by(lake, [spec])[0]
    return FieldType.TEXT, (), column.filled
