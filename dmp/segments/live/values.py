"""How a stored Python value reads as text, number, boolean, date: row 9 of the rules.

Each reading is None exactly when the value is missing or cannot be read that way; they
are the readings of `dmp.segments.readings`, of values instead of columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from math import inf, isinf
from typing import Any

from dmp.segments.calendars import resolve, utc
from dmp.segments.readings import WHITE_SPACE
from dmp.segments.rule import Property

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
    r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?",
    re.ASCII,
)
_BOOLEANS = {"true": True, "false": False}


def is_missing(value: Any) -> bool:
    """Say whether nothing is stored: None or NaN."""
    return value is None or value != value


def is_blank(value: Any) -> bool:
    """Say whether a value is missing, empty text, or only white space."""
    blank = isinstance(value, str) and not value.strip(WHITE_SPACE)
    return blank or is_missing(value)


def as_text(value: Any) -> str | None:
    """Return the text; numbers in their shortest JSON form, booleans true/false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return shortest(value)
    if isinstance(value, datetime):
        written = utc(value).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return written.rstrip("0").rstrip(".") + "Z"
    return value.isoformat() if isinstance(value, date) else None


def as_number(value: Any) -> float | None:
    """Return the IEEE double; NaN counts as missing, a boolean is no number."""
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, str):
        bare = value.strip(WHITE_SPACE)
        return float(bare) if _NUMBER.fullmatch(bare) else None
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return inf if value > 0 else -inf
    return None


def as_boolean(value: Any) -> bool | None:
    """Return the boolean; text true/false reads as one, a number does not."""
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(value) if isinstance(value, str) else None


def as_dated(value: Any, zone: tzinfo) -> date | datetime | None:
    """Return the date or the instant (UTC) that a value is, or writes as text."""
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, date):
        return value
    return _dated_text(value, zone) if isinstance(value, str) else None


def _dated_text(written: str, zone: tzinfo) -> date | datetime | None:
    try:
        if _DATE.fullmatch(written):
            return date.fromisoformat(written)
        if _INSTANT.fullmatch(written) is None:
            return None
        found = datetime.fromisoformat(written)
    except ValueError:  # the form of a date, but no day of the calendar
        return None
    return resolve(found, zone) if found.tzinfo is None else utc(found)


def shortest(double: float) -> str | None:
    """Return a double's shortest JSON form; infinity and NaN have none.

    >>> shortest(5.0), shortest(1e21), shortest(0.000001), shortest(1.5e-7)
    ('5', '1e+21', '0.000001', '1.5e-7')

    Source: RFC 8785, section 3.2.2.3.
    """
    if double == 0:
        return "0"
    if double != double or isinf(double):
        return None
    sign = "-" if double < 0 else ""
    mantissa, _, power = f"{abs(double)!r}".partition("e")
    whole, _, rest = mantissa.partition(".")
    point = len(whole) + int(power or 0)
    digits = whole + rest
    kept = digits.lstrip("0")
    return sign + _placed(kept.rstrip("0"), point - (len(digits) - len(kept)))


def _placed(digits: str, point: int) -> str:
    """Return digits with the decimal point after the first `point` of them."""
    n = len(digits)
    if n <= point <= 21:
        return digits + "0" * (point - n)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if n > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"


def lower(text: str) -> str:
    """Return the text in lower case by the table that SQL uses.

    One code point at a time, without context: a final sigma is as any other, and
    the dotted capital I becomes i alone.
    """
    if text.isascii():
        return text.lower()
    return "".join("i" if c == "\u0130" else c.lower() for c in text)


Find = Callable[[Mapping[str, Any]], Any]


def finder(wanted: Property) -> Find:
    """Return what leads a row to a property: the exact top-level key goes first."""
    exact, *nested = wanted.candidates()
    if len(exact) > 1:
        return lambda row: _inner(row, exact)
    name = exact[0]
    if not nested:
        return lambda row: row.get(name)
    return lambda row: row[name] if name in row else _inner(row, nested[0])


def _inner(value: Any, parts: tuple[str, ...]) -> Any:
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def roots(wanted: Property) -> set[str]:
    """Return the top-level keys that reading a property may look at."""
    return {parts[0] for parts in wanted.candidates()}
