"""What a segment is made of: bands of an attribute, beside everyone's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from dmp.core.errors import UnknownName
from dmp.core.sql import Query, quote_name, sql
from dmp.storage.lake import Lake

MOST_BANDS = 12
MISSING, OTHER = "(none)", "(other)"
_NUMBERS = ("BIGINT", "INTEGER", "DOUBLE")

_MAKEUP = """
with banded as (
    select profile_key, {band} as band from {rows}
), everyone as (
    select band, count(distinct profile_key) as people from banded group by band
), inside as (
    select band, count(distinct profile_key) as people
    from banded join member using (profile_key) group by band
), sized as (
    select e.band, coalesce(i.people, 0) as people, e.people as of_everyone,
        row_number() over (order by coalesce(i.people, 0) desc, e.people desc, e.band)
            as place
    from everyone as e left join inside as i using (band)
)
select case when place <= $most then band else $other end as value,
    sum(people)::bigint as people,
    sum(people) / greatest((select count(*) from member), 1) as share,
    sum(of_everyone) / greatest((select count(*) from person), 1) as share_of_everyone
from sized group by 1
order by value = $other, people desc, value
"""


Makeup: TypeAlias = list[tuple[str, int, float, float]]
"""Value, people, their share of the segment, and the share of it among everyone."""


def makeup(lake: Lake, attribute: str, types: Mapping[str, str]) -> Makeup:
    """Return `(value, people, share, share_of_everyone)`, the largest share first.

    Reads the scratch tables `member` and `person`. Numbers and instants are banded;
    at most twelve values are named, the rest is `(other)`. A list counts a person under
    each of its values, so its shares may add up to more than 1.

    Raises:
        UnknownName: no such attribute; the near ones are named.
    """
    if attribute not in types:
        raise UnknownName("attribute", attribute, list(types))
    type_ = types[attribute]
    rows = "person"
    if type_.endswith("[]"):
        name = quote_name(attribute)
        rows = (
            f"(select profile_key, unnest(case when len({name}) > 0 then {name} "
            f"else [null] end) as {name} from person)"
        )
    return lake.rows(
        sql(
            _MAKEUP,
            band=Query(banded(quote_name(attribute), type_.removesuffix("[]"))),
            rows=Query(rows),
            most=MOST_BANDS,
            other=OTHER,
        )
    )


def most_telling(makeups: Mapping[str, Makeup]) -> str | None:
    """Return the attribute whose make-up differs most from everyone's.

    None where none differs beyond chance. An attribute of more values than are named
    is not considered.
    """
    found = {name: _unlikeness(bands) for name, bands in makeups.items()}
    best = max(found, key=found.__getitem__, default=None)
    return best if best is not None and found[best] > 0 else None


def _unlikeness(bands: Makeup) -> float:
    """Return the squared contingency of shares, less what chance alone would give.

    Source: Bergsma 2013, A bias-correction for Cramer's V and Tschuprow's T.
    """
    n = sum(people for _, people, _, _ in bands)
    if n == 0 or any(value == OTHER for value, _, _, _ in bands):
        return 0.0
    squared = sum((here - all_) ** 2 / all_ for _, _, here, all_ in bands)
    return squared - (len(bands) - 1) / n


def banded(value: str, type_: str) -> str:
    """Return the expression that gives the band of a value, as text.

    Numbers fall into bands of one, two and five times a power of ten, instants and
    dates into months, lists into their values with commas, all else stays; a missing
    value is `(none)`.
    """
    if type_ in _NUMBERS:
        return f"coalesce({_number_band(value)}, '{MISSING}')"
    if type_.startswith(("TIMESTAMP", "DATE")):
        return f"coalesce(strftime({value}, '%Y-%m'), '{MISSING}')"
    if type_.endswith("[]"):
        return f"coalesce(nullif(array_to_string({value}, ', '), ''), '{MISSING}')"
    return f"coalesce({value}::varchar, '{MISSING}')"


def _number_band(value: str) -> str:
    """Return bands 0, [1, 2), [2, 5), [5, 10), …; calendar years by decades."""
    power = f"pow(10, floor(log10({value})))"
    step = f"{value} / {power}"
    low = f"({power} * case when {step} < 2 then 1 when {step} < 5 then 2 else 5 end)"
    high = f"({power} * case when {step} < 2 then 2 when {step} < 5 then 5 else 10 end)"
    return (
        f"case when {value} is null then null when {value} <= 0 then '0' "
        f"when {value} between 1900 and 2100 then "
        f"(floor({value} / 10) * 10)::bigint::varchar || 's' "
        f"else printf('%g - %g', {low}, {high}) end"
    )
