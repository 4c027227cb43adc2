"""The words of a contract that a reader must know: zones, regions, formats, names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, Field

EPOCHS = ("epoch_ms", "epoch_s")
_READ = r"%(-?[djmyHIMS]|[abcfghnpuwxzABGTUVWXYZ%])"
_PART = re.compile(rf"{_READ}|%.?|[^%]", re.DOTALL)
"""One part of a strptime format: what DuckDB reads, what it does not, or a letter."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not a time zone; right would be Europe/London") from error
    return name


def _region(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("no region with phone numbers; right would be GB")
    return code


def _delimiter(sign: str) -> str:
    if sign in '"\n\r\0':
        raise ValueError("cannot stand between cells; right would be , or ;")
    return sign


Zone = Annotated[str, AfterValidator(_zone)]
Region = Annotated[str, AfterValidator(_region)]
Delimiter = Annotated[
    str, Field(min_length=1, max_length=1), AfterValidator(_delimiter)
]
FieldName = Annotated[str, Field(pattern=r"^[^\W\d]\w{0,62}$")]
"""The name of a field: a letter, then letters, digits and `_`."""


def unknown_format(formats: Iterable[str]) -> str:
    """Return the first of the strptime formats that cannot be read; empty for none.

    >>> unknown_format(["%d/%m/%Y", "epoch_ms"]), unknown_format(["%Y-%Q"])
    ('', '%Y-%Q')

    Source: DuckDB 1.5, `strptime` and its list of format specifiers.
    """
    for written in formats:
        if written in EPOCHS:
            continue
        parts = [found.group() for found in _PART.finditer(written)]
        if not any(_is_field(part) for part in parts) or any(map(_is_unread, parts)):
            return written or "an empty format"
    return ""


def _is_field(part: str) -> bool:
    return part.startswith("%") and part != "%%"


def _is_unread(part: str) -> bool:
    return part.startswith("%") and not re.fullmatch(_READ, part)


def twins(names: Collection[str]) -> list[str]:
    """Return the names that differ from an earlier one by upper and lower case alone.

    >>> twins(["tier", "age", "Tier"])
    ['Tier']
    """
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.lower(), name)
    return sorted(set(names) - set(first.values()))
