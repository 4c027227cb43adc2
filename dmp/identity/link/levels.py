"""Levels of agreement between two different values of a field, as SQL over a and b.

For given names `full_a` and `full_b` hold the names that short forms stand for.
Level 0, the same value, is told from the numbers of the values and never reaches SQL.
The last level of a kind is all else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dmp.identity.link.columns import Kind

EXACT = "the same"
ELSE = "different"
SWAPS = ("given and family name swapped", "one name in the other's place")


@dataclass(frozen=True)
class Level:
    """A level: what it means and when it holds, over a, b and the kind's terms."""

    label: str
    sql: str


_SHORTEST = "least(length(a), length(b))"
_ONE_EDIT = (
    "(abs(length(a) - length(b)) <= 1 and (levenshtein(a, b) <= 1 "
    "or (length(a) = length(b) and levenshtein(a, b) = 2 "
    "and damerau_levenshtein(a, b) = 1)))"
)
_TERMS = {
    "jw": "jaro_winkler_similarity(a, b)",
    "shared_words": "case when contains(a, ' ') or contains(b, ' ') then "
    "len(list_intersect(string_split(a, ' '), string_split(b, ' '))) / "
    "least(len(list_distinct(string_split(a, ' '))), "
    "len(list_distinct(string_split(b, ' ')))) else 0 end",
    "name_a": "split_part(a, '@', 1)",
    "name_b": "split_part(b, '@', 1)",
    "letters_a": "translate(split_part(a, '@', 1), '0123456789', '')",
    "letters_b": "translate(split_part(b, '@', 1), '0123456789', '')",
    "latin_a": "regexp_matches(a, '[a-z]')",
    "latin_b": "regexp_matches(b, '[a-z]')",
    "lettered": r"regexp_matches(a, '\p{L}') and regexp_matches(b, '\p{L}')",
    "jw_names": "jaro_winkler_similarity(split_part(a, '@', 1), split_part(b, '@', 1))",
}
"""What several levels of a kind ask for, computed once a pair."""
_SAME_WORDS = (
    "(replace(a, ' ', '') = replace(b, ' ', '') or (length(a) = length(b) and "
    "shared_words > 0 and list_sort(string_split(a, ' ')) = "
    "list_sort(string_split(b, ' '))))"
)


_GIVEN = (
    Level("a short form of the other", "full_a = full_b"),
    Level("one word of several the same", f"{_SAME_WORDS} or shared_words >= 1"),
    Level("one letter different", f"({_ONE_EDIT} and {_SHORTEST} >= 3)"),
    Level("very close spelling", f"(jw >= 0.92 and {_SHORTEST} > 1)"),
    Level("initial of the other", f"({_SHORTEST} = 1 and a[1] = b[1])"),
    Level("close spelling", "jw >= 0.83"),
    Level("loose spelling", "jw >= 0.7"),
)
_FAMILY = tuple(level for level in _GIVEN if "short form" not in level.label)
_WRITTEN = (
    Level("the same words in another order", _SAME_WORDS),
    Level("one letter different", f"({_ONE_EDIT} and {_SHORTEST} >= 4)"),
    Level("very close spelling", "jw >= 0.92"),
    Level("all words of one in the other", "shared_words >= 1"),
    Level("close spelling", "jw >= 0.83"),
    Level("half the words shared", "shared_words >= 0.5"),
)
_DATE = (
    Level(
        "day and month swapped",
        "(a[1:4] = b[1:4] and a[5:6] = b[7:8] and a[7:8] = b[5:6])",
    ),
    Level("one digit different", _ONE_EDIT),
    Level(
        "two of day, month, year the same",
        "((a[1:4] = b[1:4])::int + (a[5:6] = b[5:6])::int "
        "+ (a[7:8] = b[7:8])::int >= 2)",
    ),
    Level("two digits different", "levenshtein(a, b) <= 2"),
    Level("same year", "a[1:4] = b[1:4]"),
    Level(
        "within ten years, same day or month", "(a[1:3] = b[1:3] and a[5:8] = b[5:8])"
    ),
)
_NO_LETTERS = "regexp_replace({0}, '[^0-9]', '', 'g')"
_EMAIL = (
    Level("same name before the @", "name_a = name_b"),
    Level(
        "like but for the digits before the @",
        "(abs(length(letters_a) - length(letters_b)) <= 2 "
        "and levenshtein(letters_a, letters_b) <= 2 "
        f"and {_NO_LETTERS.format('name_a')} <> {_NO_LETTERS.format('name_b')})",
    ),
    Level("one letter different", _ONE_EDIT),
    Level(
        "very close spelling",
        "(jw >= 0.95 or (abs(length(a) - length(b)) <= 3 and levenshtein(a, b) <= 3))",
    ),
    Level("close spelling before the @", "jw_names >= 0.9"),
    Level("same after the @", "split_part(a, '@', 2) = split_part(b, '@', 2)"),
    Level("loose spelling before the @", "jw_names >= 0.75"),
)
LIKE_NAMES = (2, 5, 7)
"""Levels of e-mail addresses that people of the same name reach by chance."""
_CODE = (
    Level("one sign different", f"({_ONE_EDIT} and {_SHORTEST} >= 4)"),
    Level(
        "one ends or begins with the other",
        f"({_SHORTEST} >= 4 and (starts_with(a, b) or starts_with(b, a) "
        "or suffix(a, b) or suffix(b, a)))",
    ),
    Level("two signs different", f"({_SHORTEST} >= 6 and levenshtein(a, b) <= 2)"),
)
_NUMBER = (
    Level("one sign different", f"({_ONE_EDIT} and {_SHORTEST} >= 2)"),
    Level("one begins with the other", "(starts_with(a, b) or starts_with(b, a))"),
)
_YEAR = (
    Level("one year apart", "abs(try_cast(a as integer) - try_cast(b as integer)) = 1"),
    Level("one digit different, or two swapped", _ONE_EDIT),
    Level(
        "within five years", "abs(try_cast(a as integer) - try_cast(b as integer)) <= 5"
    ),
)
_SHORT_CODE = (Level("one sign different", f"({_ONE_EDIT} and {_SHORTEST} >= 3)"),)

LEVELS: dict[Kind, tuple[Level, ...]] = {
    Kind.GIVEN_NAME: _GIVEN,
    Kind.FAMILY_NAME: _FAMILY,
    Kind.INITIAL: (),
    Kind.GENERATION: (),
    Kind.DATE: _DATE,
    Kind.EMAIL: _EMAIL,
    Kind.PHONE: _CODE,
    Kind.IDENTIFIER: _CODE,
    Kind.HOUSE_NUMBER: _NUMBER,
    Kind.POSTCODE: _SHORT_CODE,
    Kind.STREET: _WRITTEN,
    Kind.PLACE: _WRITTEN,
    Kind.TEXT: _WRITTEN,
    Kind.SEX: (),
    Kind.YEAR: _YEAR,
    Kind.MONTH: (),
    Kind.DAY: (),
    Kind.CATEGORY: _SHORT_CODE,
}
"""Levels between the same and all else, best first, by kind of field."""


def labels(kind: Kind) -> tuple[str, ...]:
    """Return what each level of a kind means, from the same to all else."""
    return (EXACT, *(level.label for level in LEVELS[kind]), ELSE)


_WORDED = (Kind.GIVEN_NAME, Kind.FAMILY_NAME, Kind.STREET, Kind.PLACE, Kind.TEXT)
_OTHER_SCRIPT = "when latin_a <> latin_b and lettered then -1 "


def level_sql(kind: Kind) -> str:
    """Return the query of levels, from 1, over `value_pair(place, a, b)`.

    Gives `place` and `level` in any order; a and b are two different values. Words of
    two scripts are not compared: their level is -1, as if one were missing.
    """
    cases = _OTHER_SCRIPT if kind in _WORDED else ""
    cases += " ".join(
        f"when {level.sql} then {number}"
        for number, level in enumerate(LEVELS[kind], start=1)
    )
    terms = ", ".join(
        f"{sql} as {name}"
        for name, sql in _TERMS.items()
        if re.search(rf"\b{name}\b", cases)
    )
    return (
        f"with pair as materialized (select *{', ' if terms else ''}{terms} "
        f"from value_pair) select place, (case {cases} else {len(LEVELS[kind]) + 1} "
        "end)::tinyint as level from pair"
    )
