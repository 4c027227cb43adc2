"""The country that phone numbers without a country code are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import phonenumbers

from dmp.core.identifiers import e164

FALLBACK = "GB"
_REGIONS = (
    "GB US DE FR ES IT NL PT PL SE AT CH BE IE DK NO FI AU NZ CA IN BR MX JP".split()
)


def region_of(numbers: Sequence[str]) -> str:
    """Return the country whose numbering reads most numbers that name none.

    Of equal ones that of the numbers which name theirs, then the fallback.

    >>> region_of(["0151 23456789", "+49 30 901820"]), region_of([])
    ('DE', 'GB')
    """
    hint = _named_by_most(numbers) or FALLBACK
    local = [n for n in numbers if not n.lstrip("( ").startswith(("+", "00"))]
    if not local:
        return hint
    read = {r: sum(e164(n, r) is not None for n in local) for r in (hint, *_REGIONS)}
    return max(read, key=lambda region: (read[region], region == hint))


def _named_by_most(numbers: Sequence[str]) -> str:
    regions = Counter(filter(None, map(_named, numbers)))
    return regions.most_common(1)[0][0] if regions else ""


def _named(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    found: str | None = phonenumbers.region_code_for_number(parsed)
    return found if found in phonenumbers.SUPPORTED_REGIONS else None
