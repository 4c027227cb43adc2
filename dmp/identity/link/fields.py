"""Fields: what the columns of a file hold, after normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.columns import ColumnKind, Kind, kinds, profiles
from dmp.identity.link.dependence import with_address
from dmp.identity.link.field import Codes, Field, numbered
from dmp.identity.link.files import RecordFile
from dmp.identity.link.normalise import (
    DateReading,
    date_sql,
    day_first_of,
    parts,
    parts_sql,
)
from dmp.identity.link.parallel import side_by_side
from dmp.identity.link.repeats import merge_repeats
from dmp.identity.link.wording import worded


@dataclass(frozen=True)
class Reading:
    """What the columns were read as.

    Attributes:
        kinds: of every column.
        fields: what is compared.
        unread: field -> cells that are filled but could not be read.
        merged: field -> the field that it repeats.
        dates: column -> how its days and months were told apart.
        joined: fields of a year, a month and a day that were read as one date.
    """

    kinds: tuple[ColumnKind, ...]
    fields: tuple[Field, ...]
    unread: dict[str, int]
    merged: dict[str, str]
    dates: dict[str, DateReading]
    joined: tuple[str, ...] = ()


def read_fields(
    connection: duckdb.DuckDBPyConnection,
    records: RecordFile,
    *,
    given: Mapping[str, Kind] | None = None,
    day_first: Mapping[str, Mapping[str, bool]] | None = None,
) -> Reading:
    """Find the kind of each column and bring its values to their normal forms.

    Args:
        given: column -> its kind; columns that are not among them are left out. None
            finds the kinds from the values.
        day_first: column -> source's name -> whether 03/04 is the third of April,
            where that is known.
    """
    encoded = dict(
        zip(
            records.columns,
            side_by_side(_encode, records.columns.values()),
            strict=True,
        )
    )
    if not encoded:
        return Reading((), (), {}, {}, {})
    _stage_values(connection, list(encoded.values()))
    found = _kinds(connection, len(records), encoded, given)
    fields: list[Field] = []
    unread: dict[str, int] = {}
    dates: dict[str, DateReading] = {}
    for number, column in enumerate(found):
        raw = encoded[column.column]
        if column.kind == Kind.UNUSED:
            continue
        if column.kind == Kind.DATE:
            known = (day_first or {}).get(column.column, {})
            field, dates[column.column] = _date_field(
                connection, column, raw, records, known
            )
            made = [field]
        else:
            made = _text_fields(connection, number, column, raw)
        for field in made:
            if _is_worth_comparing(field):
                fields.append(field)
            lost = int(((raw.codes >= 0) & (field.codes < 0)).sum())
            if lost and ":" not in field.name:
                unread[field.name] = lost
    whole, joined = _whole_dates(fields)
    kept, merged = merge_repeats(whole)
    return Reading(tuple(found), tuple(kept), unread, merged, dates, joined)


_LEAST_GENERATIONS = 1e-4


def _is_worth_comparing(field: Field) -> bool:
    """Whether a field tells records apart; few people write junior or senior."""
    least = _LEAST_GENERATIONS * len(field.codes)
    is_met = field.kind != Kind.GENERATION or (field.codes >= 0).sum() > least
    return len(field.values) > 1 and bool(is_met)


def _kinds(
    connection: duckdb.DuckDBPyConnection,
    n_records: int,
    encoded: Mapping[str, _Encoded],
    given: Mapping[str, Kind] | None,
) -> list[ColumnKind]:
    if given is None:
        known = profiles(connection, n_records, encoded)
        cells = {name: (part.codes, part.values) for name, part in encoded.items()}
        found = worded(kinds(known), {p.column: p for p in known}, cells)
        return with_address(found, {n: part.codes for n, part in encoded.items()})
    return [
        ColumnKind(name, given[name], "the model says so")
        if name in given
        else ColumnKind(name, Kind.UNUSED, "the model does not name it")
        for name in encoded
    ]


def _whole_dates(
    fields: Sequence[Field],
) -> tuple[list[Field], tuple[str, ...]]:
    """Make one date of a year, a month and a day that have columns of their own."""
    by_kind = {
        kind: [f for f in fields if f.kind == kind]
        for kind in (Kind.YEAR, Kind.MONTH, Kind.DAY)
    }
    if any(len(found) != 1 for found in by_kind.values()):
        return list(fields), ()
    year, month, day = (found[0] for found in by_kind.values())
    joined = (year.name, month.name, day.name)
    name = " + ".join(joined)
    cells = [
        f.values.take(pa.array(f.codes, mask=f.codes < 0)) for f in (year, month, day)
    ]
    whole = pc.binary_join_element_wise(*cells, "").dictionary_encode()
    codes = np.asarray(pc.fill_null(whole.indices, -1)).astype(np.int32)
    made = numbered(
        name, year.column, Kind.DATE, codes, pa.chunked_array([whole.dictionary])
    )
    return [f for f in fields if f not in (year, month, day)] + [made], joined


@dataclass(frozen=True)
class _Encoded:
    codes: Codes
    values: pa.Array
    counts: npt.NDArray[np.int64]


def _encode(column: pa.Array) -> _Encoded:
    encoded = column.dictionary_encode()
    codes = np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int32)
    counts = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary))
    return _Encoded(codes, encoded.dictionary, counts)


def _stage_values(
    connection: duckdb.DuckDBPyConnection, encoded: Sequence[_Encoded]
) -> None:
    tables = [
        pa.table(
            {
                "col": np.full(len(part.values), number, dtype=np.int32),
                "code": np.arange(len(part.values), dtype=np.int32),
                "v": part.values.cast(pa.string()),
                "n": part.counts,
            }
        )
        for number, part in enumerate(encoded)
    ]
    connection.register("raw_arrow", pa.concat_tables(tables))
    connection.execute("create or replace temp table raw_value as from raw_arrow")
    connection.unregister("raw_arrow")


def _text_fields(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    column: ColumnKind,
    raw: _Encoded,
) -> list[Field]:
    made = parts(column.column, column.kind)
    table = connection.sql(parts_sql(made, column.kind, number)).to_arrow_table()

    def of_part(place: int) -> Field:
        part, normal = made[place], table.column(f"p{place}")
        return numbered(part.name, column.column, part.kind, raw.codes, normal)

    return side_by_side(of_part, range(len(made)))


def _date_field(
    connection: duckdb.DuckDBPyConnection,
    column: ColumnKind,
    raw: _Encoded,
    records: RecordFile,
    known: Mapping[str, bool],
) -> tuple[Field, DateReading]:
    """Read dates; the order of day and month may differ from source to source."""
    source = records.source
    filled = raw.codes >= 0
    key = source.astype(np.int64) * (len(raw.values) + 1) + raw.codes
    unique, inverse, counts = np.unique(
        key[filled], return_inverse=True, return_counts=True
    )
    value = raw.values.take(pa.array(unique % (len(raw.values) + 1)))
    sources = (unique // (len(raw.values) + 1)).astype(np.int32)
    rows = {"code": np.arange(len(unique)), "source": sources, "v": value, "n": counts}
    connection.register("date_value", pa.table(rows))
    reading = day_first_of(connection, records.source_names, known)
    normal = connection.sql(
        f"select {date_sql(reading)} as d from date_value order by code"
    ).to_arrow_table()
    connection.unregister("date_value")
    codes = np.full(len(source), -1, dtype=np.int32)
    codes[filled] = inverse.astype(np.int32)
    made = numbered(column.column, column.column, Kind.DATE, codes, normal.column("d"))
    return made, reading
