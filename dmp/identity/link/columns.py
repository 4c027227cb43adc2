"""What each column holds, found from its values; its name plays no part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import duckdb

from dmp.core.sql import quote_text
from dmp.identity.link.lexicon import (
    FAMILY_NAMES,
    GIVEN_NAMES,
    MONTHS,
    STREET_WORDS,
)


class Kind(StrEnum):
    """What a column says about a person."""

    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    FULL_NAME = "full_name"
    NAME = "name"
    INITIAL = "initial"
    GENERATION = "generation"
    DATE = "date"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    EMAIL = "email"
    PHONE = "phone"
    IDENTIFIER = "identifier"
    ADDRESS = "address"
    STREET = "street"
    HOUSE_NUMBER = "house_number"
    PLACE = "place"
    POSTCODE = "postcode"
    SEX = "sex"
    CATEGORY = "category"
    TEXT = "text"
    UNUSED = "unused"


@dataclass(frozen=True)
class Profile:
    """What the distinct values of a column look like; shares are of the filled cells.

    Attributes:
        filled: filled cells over records.
        n_values: distinct values.
        per_value: filled cells over distinct values.
        length, tokens: mean over the filled cells.
    """

    column: str
    filled: float
    n_values: int
    per_value: float
    shares: Mapping[str, float]
    length: float
    tokens: float

    def share(self, name: str) -> float:
        """Return a share by name, 0 where nothing is filled."""
        return self.shares.get(name, 0.0)


@dataclass(frozen=True)
class ColumnKind:
    """The kind of a column, why, and what else it could have been."""

    column: str
    kind: Kind
    why: str
    alternative: Kind | None = None


_DIGITS = "regexp_replace(v, '[^0-9]', '', 'g')"
_WORDS = r"regexp_split_to_array(regexp_replace(strip_accents(lower(v)), '[^\p{L}0-9]+', ' ', 'g'), ' ')"  # noqa: E501
_NAMES_OF_MONTHS = rf"({'|'.join(MONTHS)})[a-z]*"
_YEAR = r"((1\d|20)\d\d|\d\d)"
_NAMED_MONTH = (
    rf"(^|\D)\d{{1,2}}\D{{1,4}}{_NAMES_OF_MONTHS}\D{{1,4}}{_YEAR}$"
    rf"|^{_NAMES_OF_MONTHS}\D{{1,3}}\d{{1,2}}\D{{1,3}}{_YEAR}$"
)
_DATE = (
    r"regexp_matches(v, '^(1[5-9]|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$')"
    r" or regexp_matches(v, '^(1\d|20)\d\d([-/. ])[01]?\d[-/. ][0-3]?\d([ T].*)?$')"
    r" or regexp_matches(v, '^[0-3]?\d[-/. ][0-3]?\d[-/. ]((1\d|20)?\d\d)([ T].*)?$')"
    rf" or regexp_matches(strip_accents(lower(v)), '{_NAMED_MONTH}')"
)
_SHARES = {
    "email": r"regexp_matches(v, '[^@\s]+@[^@\s]+\.[^@\s]+')",
    "date": _DATE,
    "sex": "lower(v) in ('m', 'f', 'male', 'female', 'man', 'woman', 'w', 'x', 'u', "
    "'unknown', 'other', 'mann', 'frau', 'homme', 'femme', 'hombre', 'mujer', '0', "
    "'1', '2')",
    "year": r"regexp_matches(v, '^(1[89]|20)[0-9]{2}$')",
    "month": "try_cast(v as integer) between 1 and 12",
    "day": "try_cast(v as integer) between 1 and 31",
    "digits": r"regexp_matches(v, '^[0-9]+$')",
    "has_digit": "regexp_matches(v, '[0-9]')",
    "starts_digit": "regexp_matches(v, '^[0-9]')",
    "has_letter": r"regexp_matches(v, '\p{L}')",
    "code": r"regexp_matches(v, '^[\p{L}0-9 ./()+#-]+$') "
    "and regexp_matches(v, '[0-9]')",
    "phone": rf"length({_DIGITS}) between 7 and 15 and regexp_matches(v, '^[-+0-9 ()./x]+$') and (regexp_matches(v, '^([+(]|0)') or regexp_matches(v, '[0-9][-. ][0-9]+[-. ][0-9]+'))",  # noqa: E501
    "phone_mark": "regexp_matches(v, '^(\\+|\\(|0[1-9])')",
    "long_number": f"length({_DIGITS}) between 7 and 15 "
    "and regexp_matches(v, '^[-+0-9 ()./x]+$')",
    "numbered": r"regexp_matches(v, '\p{L}{4,}.*[ ,.]\d{1,4} ?[a-z]?$') "
    r"or regexp_matches(v, '^\d{1,4}[a-z]?,? .*\p{L}{4,}')",
    "ssn": r"regexp_matches(v, '^.{3}-.{2}-.{4}$')",
    "postcode": r"regexp_matches(upper(v), '^([A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[0-9]{4,5}|[0-9]{5}-[0-9]{4}|[0-9]{4} ?[A-Z]{2}|[0-9]{2}-[0-9]{3})$')",  # noqa: E501
    "one_letter": r"length(v) = 1 and regexp_matches(v, '\p{L}')",
    "comma": "contains(v, ',')",
    "many_words": "len(w) >= 2",
    "given": "list_has_any(w, given)",
    "given_first": "list_contains(given, w[1])",
    "family": "list_has_any(w, family)",
    "street": "list_has_any(w, street)",
    "long": "length(v) >= 40",
}


_SAMPLED_VALUES = 4_000
"""Distinct values of a column that its profile is made from, chosen by hash."""


def profiles(
    connection: duckdb.DuckDBPyConnection, n_records: int, columns: Iterable[str]
) -> list[Profile]:
    """Profile each column of the scratch table `raw_value`.

    Reads `raw_value(col, v, n)`: one row a distinct value of a column, with how many
    cells hold it; `col` numbers the columns from 0.
    """
    shares = ", ".join(
        f"sum(n) filter (where {condition}) / sum(n) as {name}"
        for name, condition in _SHARES.items()
    )
    rows = (
        connection.sql(
            "with sampled as (select * from raw_value "
            "qualify row_number() over (partition by col order by hash(v), v) "
            f"<= {_SAMPLED_VALUES}), "
            f"worded as (select *, {_WORDS} as w, {_list(STREET_WORDS)} as street, "
            f"{_list(GIVEN_NAMES)} as given, {_list(FAMILY_NAMES)} as family "
            "from sampled), "
            "total as (select col, sum(n) as filled, count(*) as n_values "
            "from raw_value group by col) "
            "select col, any_value(filled) as filled, "
            "any_value(n_values) as n_values, "
            f"{shares}, sum(n * length(v)) / sum(n) as length, "
            "sum(n * len(w)) / sum(n) as tokens "
            "from worded join total using (col) group by col"
        )
        .to_arrow_table()
        .to_pylist()
    )
    found = {row["col"]: row for row in rows}
    return [_profile(name, found.get(i), n_records) for i, name in enumerate(columns)]


def _list(words: Iterable[str]) -> str:
    return "[" + ", ".join(quote_text(word) for word in sorted(words)) + "]"


def _profile(name: str, row: dict[str, Any] | None, n_records: int) -> Profile:
    if row is None:
        return Profile(name, 0.0, 0, 0.0, {}, 0.0, 0.0)
    filled, n_values = float(row["filled"]), int(row["n_values"])
    shares = {share: float(row[share] or 0) for share in _SHARES}
    return Profile(
        name,
        filled / n_records,
        n_values,
        filled / n_values,
        shares,
        float(row["length"]),
        float(row["tokens"]),
    )


def kinds(found: Sequence[Profile]) -> list[ColumnKind]:
    """Decide the kind of each column by its values alone."""
    return [_decide(profile) for profile in found]


def _decide(profile: Profile) -> ColumnKind:
    for kind, why, holds in _RULES:
        if holds(profile):
            return ColumnKind(profile.column, kind, why)
    return ColumnKind(profile.column, Kind.TEXT, "holds words of no known kind")


def _is_date(p: Profile) -> bool:
    return p.share("date") >= 0.6


def _is_phone(p: Profile) -> bool:
    """Whether most are written as phones are, or all could be and some are."""
    could_be = p.share("long_number") >= 0.9 and p.share("phone") >= 0.25
    return (could_be or p.share("phone") >= 0.6) and p.share("ssn") < 0.5


def _is_code(p: Profile) -> bool:
    looks = p.share("code") >= 0.7 and p.share("has_digit") >= 0.8
    return looks and (p.tokens < 3 or p.share("has_letter") < 0.3)


def _is_common_code(p: Profile) -> bool:
    return _is_code(p) and p.per_value >= 50


def _is_category(p: Profile) -> bool:
    short = p.n_values <= 200 and p.length <= 4.5 and p.share("has_digit") < 0.3
    few = p.n_values <= 12 or (short and p.share("given") < 0.3)
    return few and p.per_value >= 5


_RULES: tuple[tuple[Kind, str, Callable[[Profile], bool]], ...] = (
    (Kind.UNUSED, "no value", lambda p: p.n_values == 0),
    (Kind.UNUSED, "the same value everywhere", lambda p: p.n_values == 1),
    (Kind.EMAIL, "most values have an @", lambda p: p.share("email") >= 0.5),
    (Kind.DATE, "most values are dates", _is_date),
    (Kind.YEAR, "years", lambda p: p.share("year") >= 0.95 and p.n_values > 12),
    (
        Kind.MONTH,
        "numbers from 1 to 12",
        lambda p: p.share("month") >= 0.98 and 12 <= p.n_values <= 24,
    ),
    (
        Kind.DAY,
        "numbers from 1 to 31",
        lambda p: p.share("day") >= 0.98 and 28 <= p.n_values <= 62,
    ),
    (
        Kind.UNUSED,
        "a code that no two records share",
        lambda p: _is_code(p) and p.per_value == 1 and p.n_values >= 50,
    ),
    (
        Kind.SEX,
        "a few words for the sexes",
        lambda p: p.share("sex") >= 0.8 and p.n_values <= 12,
    ),
    (
        Kind.INITIAL,
        "single letters",
        lambda p: p.share("one_letter") >= 0.7 and p.n_values > 6,
    ),
    (
        Kind.CATEGORY,
        "few distinct values",
        _is_category,
    ),
    (
        Kind.PHONE,
        "seven to fifteen digits, written as phones are",
        _is_phone,
    ),
    (
        Kind.ADDRESS,
        "house number and street together",
        lambda p: (
            p.share("has_digit") >= 0.5
            and p.share("has_letter") >= 0.8
            and (p.tokens >= 2.5 or p.share("numbered") >= 0.5)
            and p.share("email") < 0.1
        ),
    ),
    (
        Kind.POSTCODE,
        "short codes of one form, many records each",
        lambda p: (
            p.share("postcode") >= 0.7
            and p.length >= 3.9
            and p.length <= 8.5
            and (p.share("has_letter") >= 0.5 or p.share("starts_digit") >= 0.7)
        ),
    ),
    (
        Kind.HOUSE_NUMBER,
        "short numbers of varying length",
        lambda p: _is_code(p) and p.length <= 4.6 and p.share("starts_digit") >= 0.5,
    ),
    (Kind.CATEGORY, "codes, many records each", _is_common_code),
    (Kind.IDENTIFIER, "codes", _is_code),
    (
        Kind.STREET,
        "words that streets end on",
        lambda p: p.share("street") >= 0.3 and p.tokens >= 1.5,
    ),
    (
        Kind.FULL_NAME,
        "two or more words, a given name among them",
        lambda p: p.share("many_words") >= 0.6 and p.share("given") >= 0.3,
    ),
    (Kind.NAME, "given names", lambda p: p.share("given") >= 0.2),
    (Kind.NAME, "family names", lambda p: p.share("family") >= 0.1),
    (
        Kind.PLACE,
        "words, few of them distinct",
        lambda p: p.tokens < 2.5 and p.length < 20,
    ),
)
