"""Phone numbers read in SQL where a region's numbering plan alone decides.

Most numbers of a source are written plainly, with `+` and the code of its region or
with the region's own prefix. Whether such a number is valid, libphonenumber tells by
patterns, which DuckDB can match as well; every other text is left to libphonenumber.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from phonenumbers import PhoneMetadata, region_code_for_country_code

from dmp.core.sql import quote_text

_PLAIN = r"\+?[0-9]+([ -][0-9]+)*"
_BEYOND_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]")
_KINDS = (
    "mobile",
    "fixed_line",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


def phone_sql(text: str, region: str) -> str:
    """Return the expression of a text's number in E.164, equal to `e164(text, region)`.

    Args:
        text: an expression of trimmed text.
        region: ISO 3166 code that a number without `+` is taken to be of.
    """
    careful = f"e164({text}, {quote_text(region)})"
    plan = PhoneMetadata.metadata_for_region(region)
    if plan is None or not _is_plain(plan, region):
        return careful
    digits = f"replace(replace({text}, ' ', ''), '-', '')"
    cases = " ".join(
        f"when {condition} then {number}"
        for condition, number in _plainly_valid(plan, digits)
    )
    return (
        f"(case when regexp_full_match({text}, {quote_text(_PLAIN)}) "
        f"then case {cases} else {careful} end else {careful} end)"
    )


def _plainly_valid(plan: PhoneMetadata, digits: str) -> Iterator[tuple[str, str]]:
    """Yield under which condition digits are valid, and the number in E.164 then."""
    code = f"+{plan.country_code}"
    after_code = f"substr({digits}, {len(code) + 1})"
    prefix = plan.national_prefix_for_parsing
    unlike_prefix = f" and not {_begins(after_code, prefix)}" if prefix else ""
    yield (
        f"starts_with({digits}, {quote_text(code)}) "
        f"and {_is_valid(plan, after_code)}{unlike_prefix}",
        digits,
    )
    own = plan.national_prefix or ""
    if _is_taken_off(own, prefix or "") and not code[1:].startswith(own):
        national = f"substr({digits}, {len(own) + 1})"
        yield (
            f"starts_with({digits}, {quote_text(own)}) "
            f"and {_is_valid(plan, national)} "
            f"and not {_matches(digits, _kinds(plan)[0].pattern)} "
            f"and not {_begins(digits, plan.international_prefix or '')}",
            f"{quote_text(code)} || {national}",
        )


def _is_taken_off(own: str, prefix: str) -> bool:
    """Say whether of digits that begin with `own` just that is taken off."""
    ways = prefix.split("|")
    others = [way for way in ways if way != own]
    return (
        own in ways
        and own.isdigit()
        and all(way.isdigit() and way[0] != own[0] for way in others)
    )


def _is_plain(plan: PhoneMetadata, region: str) -> bool:
    """Say whether the plan decides alone, by patterns that RE2 understands."""
    patterns = [kind.pattern for kind in _kinds(plan)]
    patterns += [
        plan.national_prefix_for_parsing or "",
        plan.international_prefix or "",
    ]
    return (
        region_code_for_country_code(plan.country_code or 0) == region
        and plan.general_desc is not None
        and not plan.leading_digits
        and bool(plan.international_prefix)
        and not any(_BEYOND_RE2.search(pattern) for pattern in patterns)
    )


@dataclass(frozen=True)
class _Kind:
    """Numbers of one kind: their form without code and prefix, their lengths."""

    pattern: str
    lengths: tuple[int, ...]


def _kinds(plan: PhoneMetadata) -> list[_Kind]:
    """Return what all numbers of a plan are like, then each kind that there is."""
    descs = [plan.general_desc, *(getattr(plan, name) for name in _KINDS)]
    return [
        _Kind(desc.national_number_pattern, tuple(desc.possible_length))
        for desc in descs
        if desc and desc.national_number_pattern
    ]


def _is_valid(plan: PhoneMetadata, national: str) -> str:
    """Return whether digits are of the plan's form and of one of its kinds."""
    general, *kinds = _kinds(plan)
    by_length: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for kind in kinds:
        by_length[kind.lengths or general.lengths].append(kind.pattern)
    of_a_kind = " or ".join(
        f"({_has_length(national, lengths)} and {_matches(national, *patterns)})"
        for lengths, patterns in by_length.items()
    )
    return (
        f"{_has_length(national, general.lengths)} "
        f"and {_matches(national, general.pattern)} and ({of_a_kind or 'false'})"
    )


def _has_length(digits: str, lengths: tuple[int, ...]) -> str:
    return f"list_contains([{', '.join(map(str, lengths))}], strlen({digits}))"


def _matches(digits: str, *patterns: str) -> str:
    pattern = "|".join(f"(?:{pattern})" for pattern in patterns)
    return f"regexp_full_match({digits}, {quote_text(pattern)})"


def _begins(digits: str, pattern: str) -> str:
    return f"regexp_matches({digits}, {quote_text(f'^(?:{pattern})')})"
