"""Values brought to one form for each kind, as SQL over the distinct values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from dmp.core.sql import quote_text
from dmp.identity.link.columns import Kind
from dmp.identity.link.lexicon import MONTHS, STREET_SHORT_FORMS, TITLES

_PLACEHOLDERS = (
    *"null none nan n/a n.a. unknown unk missing blank empty nil undefined".split(),
    *("-", "--", ".", "?", "not known", "not available", "not provided", "no data"),
)
_KNOWN = (
    "case when lower(v) in ("
    + ", ".join(quote_text(word) for word in _PLACEHOLDERS)
    + ") then null else v end"
)
_APOSTROPHES = "[''\u2019`.]"
_PLAIN = rf"nullif(trim(regexp_replace(regexp_replace(strip_accents(lower({{0}})), '{_APOSTROPHES}', '', 'g'), '[^\p{{{{L}}}}\p{{{{M}}}}\p{{{{N}}}}]+', ' ', 'g')), '')"  # noqa: E501
_CODE = r"nullif(regexp_replace(strip_accents(upper({0})), '[^\p{{L}}\p{{N}}]', '', 'g'), '')"  # noqa: E501
_TITLE = rf"\b({'|'.join(sorted(TITLES))})\b"
_NAME = f"nullif(trim(regexp_replace({_PLAIN}, {quote_text(_TITLE + r'[ ]*')}, '', 'g')), '')"  # noqa: E501
_GENERATIONS = {
    "junior": "jr|jnr|junior",
    "senior": "sr|snr|senior",
    "i": "i|1st",
    "ii": "ii|2nd",
    "iii": "iii|3rd",
    "iv": "iv|4th",
}
_ENDING = r"\s({0})\.?\s*(,|$)"
_GENERATION = (
    "case "
    + " ".join(
        f"when regexp_matches(lower(v), '{_ENDING.format(forms)}') then '{name}'"
        for name, forms in _GENERATIONS.items()
    )
    + " end"
)
_WITHOUT_GENERATION = (
    "regexp_replace({0}, '"
    + _ENDING.format("|".join(f for n, f in _GENERATIONS.items() if n != "i"))
    + r"', '\2', 'i')"
)
_TURNED = "case when contains({0}, ',') then split_part({0}, ',', 2) || ' ' || split_part({0}, ',', 1) else {0} end"  # noqa: E501
_EMAIL = r"nullif(regexp_extract(lower({0}), '([^\s<>\",;]+@[^\s<>\",;]+)', 1), '')"
_PHONE = r"nullif(right(regexp_replace({0}, '[^0-9]', '', 'g'), 9), '')"
_SEX = (
    "case when lower({0}) in ('m', 'male', 'man', 'mann', 'homme', 'hombre', '1') "
    "then 'm' when lower({0}) in ('f', 'female', 'woman', 'w', 'frau', 'femme', "
    "'mujer', '2') then 'f' when lower({0}) in ('u', 'unknown', 'x', '0') then null "
    "else lower({0}) end"
)
_HOUSE = r"nullif(regexp_extract({0}, '(?:^|\s)#?([0-9]+[a-z]?)\b', 1), '')"


def _street() -> str:
    words = " ".join(
        f"when {quote_text(long)} then {quote_text(short)}"
        for long, short in sorted(STREET_SHORT_FORMS.items())
    )
    split = f"string_split({_PLAIN}, ' ')"
    return (
        f"nullif(array_to_string(list_transform({split}, "
        f"lambda w: case w {words} else w end), ' '), '')"
    )


NORMAL_FORMS: dict[Kind, str] = {
    Kind.GIVEN_NAME: _NAME,
    Kind.FAMILY_NAME: _NAME,
    Kind.INITIAL: _PLAIN,
    Kind.EMAIL: _EMAIL,
    Kind.PHONE: _PHONE,
    Kind.IDENTIFIER: _CODE,
    Kind.HOUSE_NUMBER: r"nullif(ltrim(regexp_replace(lower({0}), '[^a-z0-9/]', '', 'g'), '0'), '')",  # noqa: E501
    Kind.POSTCODE: r"regexp_replace(" + _CODE + r", '^([0-9]{{5}})[0-9]{{4}}$', '\1')",
    Kind.STREET: _street(),
    Kind.PLACE: _PLAIN,
    Kind.SEX: _SEX,
    Kind.CATEGORY: _PLAIN,
    Kind.TEXT: _PLAIN,
    Kind.YEAR: _CODE,
    Kind.MONTH: "lpad(try_cast({0} as integer)::varchar, 2, '0')",
    Kind.DAY: "lpad(try_cast({0} as integer)::varchar, 2, '0')",
}
"""Normal form of a value by kind; `{0}` is the raw text."""


@dataclass(frozen=True)
class Part:
    """A field made from a column: its kind and the SQL of its value.

    Over `v`, the raw text, and `t`, its normal form.
    """

    name: str
    kind: Kind
    sql: str = "t"


def parts(column: str, kind: Kind) -> list[Part]:
    """Return the fields that a column of a kind gives; dates are read elsewhere."""
    if kind == Kind.FULL_NAME:
        return [
            Part(f"{column}: given", Kind.GIVEN_NAME, _word(1)),
            Part(f"{column}: family", Kind.FAMILY_NAME, _word(-1)),
            Part(f"{column}: generation", Kind.GENERATION, _GENERATION),
        ]
    if kind in (Kind.GIVEN_NAME, Kind.FAMILY_NAME):
        generation = Part(f"{column}: generation", Kind.GENERATION, _GENERATION)
        return [Part(column, kind), generation]
    if kind == Kind.ADDRESS:
        street = r"nullif(trim(regexp_replace(t, '(^|\s)#?[0-9]+[a-z]?\b', '')), '')"
        return [
            Part(f"{column}: number", Kind.HOUSE_NUMBER, _HOUSE.format("t")),
            Part(f"{column}: street", Kind.STREET, street),
        ]
    return [Part(column, kind)]


def parts_sql(made: Sequence[Part], kind: Kind, column: int) -> str:
    """Return the query of a column's fields over scratch `raw_value(col, code, v)`.

    It is done in steps: nested into one expression it takes DuckDB fifty times as long.
    Gives `code` in order, and `p0`, `p1`, … by part.
    """
    cells = ", ".join(f"{part.sql} as p{i}" for i, part in enumerate(made))
    return f"""
    with known as materialized (
        select code, {_KNOWN} as v from raw_value where col = {column}),
    form as materialized (select code, v, {_form(kind)} as t from known)
    select code, {cells} from form order by code
    """


def _form(kind: Kind) -> str:
    if kind == Kind.FULL_NAME:
        return _NAME.format(_TURNED.format(_WITHOUT_GENERATION.format("v")))
    if kind in (Kind.GIVEN_NAME, Kind.FAMILY_NAME):
        return _NAME.format(_WITHOUT_GENERATION.format("v"))
    return NORMAL_FORMS[Kind.STREET if kind == Kind.ADDRESS else kind].format("v")


def _word(place: int) -> str:
    return f"nullif(string_split(t, ' ')[{place}], '')"


_YEAR_FIRST = r"^(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})(?:[ T].*)?$"
_NUMBERS = r"^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?:[ T].*)?$"
_MONTH_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))


@dataclass(frozen=True)
class DateReading:
    """How the dates of a column are read.

    Attributes:
        day_first: source number -> whether 03/04 is the third of April.
        ambiguous: cells whose day and month could be either.
    """

    day_first: dict[int, bool]
    ambiguous: int


def day_first_of(
    connection: duckdb.DuckDBPyConnection,
    source_names: Sequence[str],
    known: Mapping[str, bool],
) -> DateReading:
    """Decide by the numbers above twelve of scratch `date_value(source, v, n)`.

    A source without any such number follows the majority of all sources.

    Args:
        known: source's name -> what was decided before.
    """
    rows = connection.sql(
        rf"""
        with part as (select source, n,
            try_cast(regexp_extract(v, '{_NUMBERS}', 1) as integer) as first,
            try_cast(regexp_extract(v, '{_NUMBERS}', 2) as integer) as second
            from date_value where regexp_matches(v, '{_NUMBERS}'))
        select source, sum(n) filter (where first > 12 and second <= 12),
            sum(n) filter (where second > 12 and first <= 12),
            sum(n) filter (where first <= 12 and second <= 12)
        from part group by source order by source
        """
    ).fetchall()
    for_day = sum(row[1] or 0 for row in rows)
    for_month = sum(row[2] or 0 for row in rows)
    overall = for_day > for_month
    chosen = {
        source: known[source_names[source]]
        if source_names[source] in known
        else (day or 0) > (month or 0)
        if day or month
        else overall
        for source, day, month, _ in rows
    }
    return DateReading(chosen, int(sum(row[3] or 0 for row in rows)))


def date_sql(reading: DateReading) -> str:
    """Return the SQL of a date as YYYYMMDD over `v` and `source`.

    What is no date but has the shape of one keeps its characters, in the order year,
    month, day, so that a mistyped digit stays one digit's difference.
    """
    first = [source for source, value in reading.day_first.items() if value]
    is_day_first = f"source in ({', '.join(map(str, first))})" if first else "false"
    return f"""
    case
    when regexp_matches(v, '{_YEAR_FIRST}') then {_padded(_YEAR_FIRST, 1, 2, 3)}
    when regexp_matches(v, '{_NUMBERS}') then
        case when ({is_day_first} or {_number(1)} > 12) and {_number(2)} <= 12
        then {_padded(_NUMBERS, 3, 2, 1)} else {_padded(_NUMBERS, 3, 1, 2)} end
    when {_named_month()} is not null then {_named_month()}
    when regexp_matches(v, '^.{{1,2}}[-/.].{{1,2}}[-/.].{{4}}$') then
        case when {is_day_first} then {_loose(3, 2, 1)} else {_loose(3, 1, 2)} end
    when regexp_matches(v, '^.{{4}}[-/.]?.{{2}}[-/.]?.{{2}}$') then
        regexp_replace(v, '[-/.]', '', 'g')
    end
    """


def _number(place: int) -> str:
    return f"try_cast(regexp_extract(v, '{_NUMBERS}', {place}) as integer)"


def _padded(pattern: str, year: int, month: int, day: int) -> str:
    y, m, d = (f"regexp_extract(v, '{pattern}', {g})" for g in (year, month, day))
    century = f"case when {y} > '25' then '19' else '20' end"
    full = f"case when length({y}) = 2 then {century} || {y} else {y} end"
    return f"{full} || lpad({m}, 2, '0') || lpad({d}, 2, '0')"


def _loose(year: int, month: int, day: int) -> str:
    shape = r"^(.{1,2})[-/.](.{1,2})[-/.](.{4})$"
    y, m, d = (f"regexp_extract(v, '{shape}', {g})" for g in (year, month, day))
    return f"{y} || lpad({m}, 2, '0') || lpad({d}, 2, '0')"


def _named_month() -> str:
    text = "strip_accents(lower(v))"
    found = f"regexp_extract({text}, '\\b({_MONTH_NAMES})', 1)"
    numbers = " ".join(f"when '{name}' then '{n:02}'" for name, n in MONTHS.items())
    year = r"regexp_extract(v, '(\d{4}|\d{2})\D*$', 1)"
    day = r"regexp_extract(v, '(?:^|\D)(\d{1,2})(?:\D)', 1)"
    full = f"case when length({year}) = 2 then case when {year} > '25' then '19' else '20' end || {year} else {year} end"  # noqa: E501
    return (
        f"case when {found} <> '' and {day} <> '' then {full} "
        f"|| (case {found} {numbers} end) || lpad({day}, 2, '0') end"
    )
