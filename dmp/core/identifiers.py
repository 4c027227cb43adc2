"""Normal forms of identifiers, and the field types that contracts are written in."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import phonenumbers

EMAIL_PATTERN = (
    r"^[^@\s,;<>\"\x00-\x1f=+-][^@\s,;<>\"\x00-\x1f]{0,63}"
    r"@[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
)
"""An address, lower-cased; none that a spreadsheet would take for a formula."""
UID2_PATTERN = r"^[A-Za-z0-9+/_-]{43}=?$"
OUTWARD_POSTCODE_PATTERN = r"^([a-z]{1,2}[0-9][a-z0-9]?)\s*[0-9][a-z]{2}$"


class FieldType(StrEnum):
    """How the text of a field is read."""

    TEXT = "text"
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    INSTANT = "instant"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    PATH = "path"
    YEAR = "year"
    OUTWARD_POSTCODE = "outward_postcode"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    UID2 = "uid2"


DUCKDB_TYPES = {
    FieldType.DATE: "DATE",
    FieldType.INSTANT: "TIMESTAMP WITH TIME ZONE",
    FieldType.INTEGER: "BIGINT",
    FieldType.NUMBER: "DOUBLE",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.YEAR: "BIGINT",
}
"""The DuckDB type of each field type; those not named are VARCHAR."""


@lru_cache(maxsize=65_536)
def e164(value: str, region: str) -> str | None:
    """Return a phone number in E.164, or None where it is no valid number.

    Args:
        region: ISO 3166 code that a number without `+` is taken to be of.

    >>> e164("020 7946 0018", "GB")
    '+442079460018'
    >>> e164("12", "GB") is None
    True

    Source: ITU-T E.164; libphonenumber's numbering plans.
    """
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
