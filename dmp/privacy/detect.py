"""Personal data in free text: found, and masked in SQL and in Python alike.

The patterns keep to what RE2 and Python's `re` both understand, and are told apart
from ordinary numbers by their shape: prices, ids, dates and UUIDs are left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dmp.core.sql import Query, quote_text, sql

_STOP = r" \t\n\r\f@<>()\[\]{},;:\"/?&=|"
_LABEL = rf"[^{_STOP}.%!']{{1,63}}"
_LAST_LABEL = rf"(?:xn--[A-Za-z0-9-]{{1,59}}|[^{_STOP}.%!'0-9_-]{{2,63}})"
_EMAIL = rf"[^{_STOP}]{{1,96}}(?:@|%40)(?:{_LABEL}\.){{1,8}}{_LAST_LABEL}"

_IBAN = r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"

_CARD = "|".join(
    rf"\b{shape}\b"
    for shape in (
        r"4[0-9]{12}(?:[0-9]{3})?",
        r"(?:5[0-9]|2[2-7]|35)[0-9]{14}",
        r"3[47][0-9]{13}",
        r"3[068][0-9]{12}",
        r"6[0-9]{15,18}",
        r"[2-6][0-9]{3}(?:[ -][0-9]{4}){3}",
        r"3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5}",
    )
)

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_HEX = r"[0-9A-Fa-f]{1,4}"
_IP = (
    rf"\b(?:{_OCTET}\.){{3}}{_OCTET}\b"
    rf"|\b(?:{_HEX}:){{7}}{_HEX}\b"
    rf"|\b(?:{_HEX}:){{1,6}}(?::{_HEX}){{1,6}}\b"
)

_PHONES = (
    r"(?:\+|%2[Bb])[1-9](?:[ ().-]{0,2}[0-9]){7,14}",
    r"00[1-9](?:[ .-]?[0-9]){9,13}",
    r"(?:1[ .-]?)?(?:\([2-9][0-9]{2}\)[ -]?|[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}",
    r"0[1-9][0-9]{8,9}",
    r"0[1-9](?:[ .-][0-9]{2}){4}",
    r"\(?0[1-9][0-9]{0,3}\)?[ /-][0-9]{5,8}",
    r"\(?0[1-9][0-9]{1,3}\)?[ -][0-9]{3,4}[ -][0-9]{3,4}",
)
_PHONE = rf"(^|[^\w.+@/=-])(?:{'|'.join(_PHONES)})($|[^\w@/=-])"


_SUSPICIOUS = r"[@:]|%40|([0-9][^0-9a-zA-Z]{0,2}){4}|[A-Z]{2}[0-9]{2} ?[A-Z0-9]"
"""What every e-mail, card, IBAN, phone number or address of a machine holds."""


@dataclass(frozen=True)
class _Detector:
    """A kind of personal data.

    Attributes:
        pattern: its shape, in the words common to RE2 and Python.
        check: of the candidates that have the shape, which are real: by the digits of
            a card, by the remainder of an IBAN; empty where the shape is enough.
        around: True where the pattern has a group before and one after, to be kept.
    """

    kind: str
    pattern: str
    check: str = ""
    around: bool = False

    @property
    def mask(self) -> str:
        return f"[{self.kind}]"


_DETECTORS = (
    _Detector("email", _EMAIL),
    _Detector("iban", _IBAN, check="mod97"),
    _Detector("card", _CARD, check="luhn"),
    _Detector("ip", _IP),
    _Detector("phone", _PHONE, around=True),
)


def mask(text: str) -> str:
    """Return `text` with `[email]`, `[iban]`, `[card]`, `[ip]`, `[phone]` for values.

    >>> mask("Jane, jane.doe@example.com, 4111 1111 1111 1111, 12.50 on 2026-05-01")
    'Jane, [email], [card], 12.50 on 2026-05-01'
    """
    for detector in _DETECTORS:
        text = _masked(detector, text)
    return text


def kinds(text: str) -> frozenset[str]:
    """Return the kinds of personal data in `text`; none for most texts.

    >>> kinds("call +44 7700 900123")
    frozenset({'phone'})
    """
    found = set()
    for detector in _DETECTORS:
        masked = _masked(detector, text)
        if masked != text:
            found.add(detector.kind)
        text = masked
    return frozenset(found)


def mask_sql(value: Query) -> Query:
    """Return an expression that masks a text column as `mask` does; null for null.

    Only texts that could hold something are looked at closely: most hold nothing. A
    text that a column repeats is looked at once where DuckDB knows that it is the same,
    as in Parquet; of a search inside a text, `regexp_matches`, it does not make use.
    """
    masked = value
    for detector in _DETECTORS:
        masked = _masked_sql(detector, masked)
    return sql(
        "(case when regexp_full_match({value}, {suspicious}) then {masked} "
        "else {value} end)",
        value=value,
        suspicious=Query(quote_text(f"(?s).*(?:{_SUSPICIOUS}).*")),
        masked=masked,
    )


def _masked(detector: _Detector, text: str) -> str:
    pattern = re.compile(detector.pattern, re.ASCII)
    if detector.check:
        for candidate in pattern.findall(text):
            if _CHECKS[detector.check](candidate):
                text = text.replace(candidate, detector.mask)
        return text
    if not detector.around:
        return pattern.sub(detector.mask, text)
    return _twice_masked(detector, pattern, text)


def _twice_masked(detector: _Detector, pattern: re.Pattern[str], text: str) -> str:
    """Mask twice: two values with one space between them share it as their border."""
    replacement = rf"\g<1>{detector.mask}\g<2>"
    return pattern.sub(replacement, pattern.sub(replacement, text))


def _masked_sql(detector: _Detector, value: Query) -> Query:
    pattern = Query(quote_text(detector.pattern))
    if detector.check:
        return sql(
            "list_transform([{value}], lambda t: list_reduce(list_prepend(t, "
            "list_filter(regexp_extract_all(t, {pattern}), lambda c: {check})), "
            "lambda a, b: replace(a, b, {mask})))[1]",
            value=value,
            pattern=pattern,
            check=Query(_CHECKS_SQL[detector.check]),
            mask=Query(quote_text(detector.mask)),
        )
    replacement = rf"\1{detector.mask}\2" if detector.around else detector.mask
    for _ in range(2 if detector.around else 1):
        value = sql(
            "regexp_replace({value}, {pattern}, {mask}, 'g')",
            value=value,
            pattern=pattern,
            mask=Query(quote_text(replacement)),
        )
    return value


def _luhn(candidate: str) -> bool:
    """Say whether the digits add up. Source: ISO/IEC 7812-1, annex B."""
    digits = [int(c) for c in candidate if c.isdigit()][::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _mod97(candidate: str) -> bool:
    """Say whether the check digits are right. Source: ISO 13616-1, ISO/IEC 7064."""
    compact = candidate.replace(" ", "")
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


_CHECKS = {"luhn": _luhn, "mod97": _mod97}

_REVERSED_DIGITS = "reverse(regexp_replace(c, '[^0-9]', '', 'g'))"
_LUHN_SQL = f"""
list_sum(list_transform(string_split({_REVERSED_DIGITS}, ''), lambda d, i:
    case when i % 2 = 1 then d::int
    else (2 * d::int) // 10 + (2 * d::int) % 10 end)) % 10 = 0"""
_MOVED = "replace(c, ' ', '')[5:] || replace(c, ' ', '')[:4]"
_MOD97_SQL = f"""
list_reduce(list_transform(string_split({_MOVED}, ''), lambda d:
    case when d between '0' and '9' then ascii(d) - 48 else ascii(d) - 55 end),
    lambda r, d: (r * if(d > 9, 100, 10) + d) % 97) % 97 = 1"""
_CHECKS_SQL = {"luhn": _LUHN_SQL, "mod97": _MOD97_SQL}
