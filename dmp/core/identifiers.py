"""Normal forms of identifiers, and the field types that contracts are written in."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

import phonenumbers

EMAIL_PATTERN = (
    r"^[^@\s,;<>\"\x00-\x1f=+-][^@\s,;<>\"\x00-\x1f]{0,63}"
    r"@[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
)
"""An address, lower-cased; none that a spreadsheet would take for a formula."""
UID2_PATTERN = r"^[A-Za-z0-9+/_-]{43}=?$"
"""A raw UID2 or EUID: 32 bytes in base64."""
RAMPID_PATTERN = (
    r"^(XY[0-9A-Za-z]{4}[0-9A-Za-z_-]{43}|Xi[0-9A-Za-z]{4}[0-9A-Za-z_-]{64})$"
)
"""A RampID of one person, maintained or derived; those of households begin with H or h.
The four characters after the first two are its encoding: who it was made for."""
ID5_PATTERN = r"^ID5-[0-9A-Za-z_-]{10,}$"
"""A decrypted ID5 ID; an encrypted one, `ID5*…`, is another with each page."""
AD_ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
"""An advertising or vendor id of a device, lower-cased."""
NO_AD_ID = "00000000-0000-0000-0000-000000000000"
"""What a device says whose owner does not want to be tracked."""
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
    EUID = "euid"
    RAMPID = "rampid"
    ID5 = "id5"
    AD_ID = "ad_id"
    IP = "ip"


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


@lru_cache(maxsize=65_536)
def ip_network(value: str) -> str | None:
    """Return the network that an address tells one connection by, or None.

    That is an IPv4 address itself, and the first 64 bits of an IPv6 address: the rest
    changes every day. Addresses inside a building or a machine are none.

    >>> ip_network("203.0.113.9"), ip_network("2001:db8:1:2:3:4:5:6")
    ('203.0.113.9', '2001:db8:1:2::')
    >>> ip_network("192.168.0.1") is None
    True

    Source: RFC 8981 (temporary addresses), RFC 1918 and RFC 4193 (private ones).
    """
    try:
        address = ip_address(value)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    address = mapped or address
    if isinstance(address, IPv6Address):
        is_local = address.is_site_local or (int(address) >> 121) == _UNIQUE_LOCAL
        network: IPv4Address | IPv6Address = IPv6Address(int(address) >> 64 << 64)
    else:
        is_local = any(int(address) >> bits == top for bits, top in _PRIVATE)
        network = address
    reserved = address.is_loopback or address.is_link_local or address.is_multicast
    return None if is_local or reserved or address.is_unspecified else str(network)


_UNIQUE_LOCAL = 0xFC >> 1
_PRIVATE = (
    (24, 10),
    (20, int(IPv4Address("172.16.0.0")) >> 20),
    (16, int(IPv4Address("192.168.0.0")) >> 16),
)
