"""The columns of staged rows: how full, how varied, and which readings fit them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dmp.core.config import parse
from dmp.core.identifiers import FieldType
from dmp.core.sql import Name, Query, quote_name, sql
from dmp.ingest.connectors import StagedRows, raw_column
from dmp.ingest.contracts import Contract, FieldSpec
from dmp.ingest.csv_rows import RAW_ROW
from dmp.ingest.field_names import shown_columns, shown_key
from dmp.ingest.infer.dialect import Dialect
from dmp.ingest.infer.words import Meaning, meanings_of
from dmp.ingest.readings import reading
from dmp.storage.lake import Lake

LOOK_ROW = Name("infer_row")
MOST_PLACES = 400
_SAMPLE = 1000
_TRIED = (
    FieldType.INTEGER,
    FieldType.NUMBER,
    FieldType.BOOLEAN,
    FieldType.DATE,
    FieldType.INSTANT,
    FieldType.OUTWARD_POSTCODE,
)


@dataclass(frozen=True)
class Column:
    """One place of the rows and what its values are like.

    Attributes:
        filled: rows that have a value; distinct counts different values among them.
        values: up to 1,000 different values, for looking at; never shown to anybody.
        readable: how many of the filled values each type reads.
    """

    place: str
    rows: int
    filled: int
    distinct: int
    mean_length: float
    values: tuple[str, ...] = field(repr=False)
    readable: Mapping[FieldType, int] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[Meaning, ...]:
        """What the name of the place may mean, the likeliest first."""
        return meanings_of(self.place)

    @property
    def is_full(self) -> bool:
        """Whether every row has a value, but for one in fifty."""
        return self.rows > 0 and self.filled >= 0.98 * self.rows

    @property
    def is_unique(self) -> bool:
        """Whether no two rows share a value, but for one in fifty."""
        return self.filled > 0 and self.distinct >= 0.98 * self.filled

    @property
    def is_key(self) -> bool:
        """Whether every row has a value of its own, without exception."""
        return self.rows > 0 and self.rows == self.filled == self.distinct

    def reads(self, type_: FieldType, share: float = 0.95) -> bool:
        """Say whether a type reads at least this share of the values."""
        return self.filled > 0 and self.readable.get(type_, 0) >= share * self.filled


def places_of(lake: Lake, rows: StagedRows) -> tuple[list[str], list[str]]:
    """Return the places of staged rows that hold single values, and those left out.

    Left out are lists, keys that a contract cannot name, and names that may be values
    themselves: of these only the shape is given.
    """
    if rows.is_json:
        shape = lake.value(f"select json_group_structure(body::json) from {RAW_ROW}")
        found = list(_leaves(json.loads(shape or "{}")))
    else:
        found = list(_columns(lake, rows.columns))
    good = [place for place, is_single in found if is_single and _is_name(place)]
    skipped = [place for place, _ in found if place not in set(good)]
    left = sorted({shown_key(place) for place in skipped + good[MOST_PLACES:]})
    return good[:MOST_PLACES], left


def _is_name(place: str) -> bool:
    return shown_key(place) == place or shown_columns([place]) == [place]


def _columns(lake: Lake, columns: Sequence[str]) -> Iterator[tuple[str, bool]]:
    types = dict(
        lake.rows(
            "select column_name, data_type from duckdb_columns() "
            "where table_name = 'raw_row' and database_name = 'temp'"
        )
    )
    for column in columns:
        kind = types.get(column, "VARCHAR")
        if kind.startswith("STRUCT") and not kind.endswith("]"):
            shape = lake.value(
                f"select json_group_structure(to_json({quote_name(column)})) "
                f"from {RAW_ROW}"
            )
            for inner, is_single in _leaves(json.loads(shape or "{}")):
                yield f"{column}.{inner}", is_single
        else:
            yield column, kind != "BLOB" and not kind.startswith(("MAP", "STRUCT"))


def _leaves(shape: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the paths of a structure, and whether each holds a single value."""
    if not isinstance(shape, dict):
        if path:
            yield path, isinstance(shape, str)
        return
    for name, inner in shape.items():
        inside = f"{path}.{name}" if path else name
        if not name or "." in name or '"' in name:
            yield inside, False
        else:
            yield from _leaves(inner, inside)


def stage_look(lake: Lake, rows: StagedRows, places: Sequence[str]) -> Name:
    """Stage `infer_part`: `line` and one column of trimmed text for each place."""
    cells = ", ".join(
        f"nullif(trim({raw_column(place)}), '') as {raw_column(place)}"
        for place in places
    )
    return lake.stage(
        "infer_part",
        sql(
            "select line, {cells} from ({values})",
            cells=Query(cells),
            values=rows.values(places),
        ),
    )


def look_at(lake: Lake, place: str) -> Column:
    """Return what the values at a place of `infer_row` are like."""
    cell = raw_column(place)
    rows, filled, distinct, length = lake.row(
        f"select count(*), count({cell}), count(distinct {cell}), "
        f"coalesce(avg(len({cell})), 0) from {LOOK_ROW}"
    )
    values = lake.rows(
        f"select v from (select distinct {cell} as v from {LOOK_ROW}) "
        f"where v is not null order by hash(v), v limit {_SAMPLE}"
    )
    return Column(
        place=place,
        rows=rows,
        filled=filled,
        distinct=distinct,
        mean_length=length,
        values=tuple(value for (value,) in values),
        readable=_readable(lake, place) if filled else {},
    )


def _readable(lake: Lake, place: str) -> dict[FieldType, int]:
    specs = [spec_of(place, type=type_) for type_ in _TRIED]
    return dict(zip(_TRIED, readable_by(lake, specs), strict=True))


def spec_of(place: str, **options: Any) -> FieldSpec:
    """Return a field as a contract would declare it."""
    document = {"from": place, "purpose": "analytics", **options}
    return parse(FieldSpec, document, place)


def readable_by(lake: Lake, specs: Sequence[FieldSpec]) -> list[int]:
    """Return for each field how many values of `infer_row` it reads."""
    if not specs:
        return []
    counts = ", ".join(f"count({reading(spec, _PROVISIONAL)})" for spec in specs)
    return [int(count) for count in lake.row(f"select {counts} from {LOOK_ROW}")]


def provisional(dialect: Dialect) -> Contract:
    """Return the contract by which a file is staged before its own is known."""
    connector = {
        "format": dialect.format,
        "path": "-",
        "delimiter": dialect.delimiter,
    }
    document = {
        "source": "inferred",
        "owner": "inferred",
        "connector": connector,
        "subject": [{"from": "-", "kind": "record"}],
    }
    return parse(Contract, document, "the inferred contract")


_PROVISIONAL = provisional(Dialect("csv"))
