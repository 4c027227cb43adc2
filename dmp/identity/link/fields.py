"""Fields: columns after normalisation, as numbers into sorted lists of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dmp.identity.link.columns import ColumnKind, Kind, kinds, profiles
from dmp.identity.link.dependence import with_address
from dmp.identity.link.files import RecordFile
from dmp.identity.link.normalise import (
    DateReading,
    date_sql,
    day_first_of,
    parts,
    parts_sql,
)
from dmp.identity.link.parallel import side_by_side
from dmp.identity.link.wording import worded

Codes = npt.NDArray[np.int32]
_REPEATS = 0.8
"""Share of equal values at which two fields of one kind are the same field twice."""
_NAME_REPEATS = 0.5
"""The same for names: hardly anybody has the same name twice by chance."""


@dataclass(frozen=True, eq=False)
class Field:
    """One thing known of each record.

    Attributes:
        name: the column's name, with the part taken from it after a colon.
        codes: for each record the place of its value in `values`, -1 where missing.
        values: the distinct normal forms, sorted.
    """

    name: str
    column: str
    kind: Kind
    codes: Codes
    values: pa.Array


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
            if len(field.values) > 1:
                fields.append(field)
            lost = int(((raw.codes >= 0) & (field.codes < 0)).sum())
            if lost and ":" not in field.name:
                unread[field.name] = lost
    whole, joined = _whole_dates(fields)
    kept, merged = merge_repeats(whole)
    return Reading(tuple(found), tuple(kept), unread, merged, dates, joined)


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
    made = _field(
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

    def numbered(place: int) -> Field:
        part, normal = made[place], table.column(f"p{place}")
        return _field(part.name, column.column, part.kind, raw.codes, normal)

    return side_by_side(numbered, range(len(made)))


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
    made = _field(column.column, column.column, Kind.DATE, codes, normal.column("d"))
    return made, reading


def _field(
    name: str, column: str, kind: Kind, codes: Codes, normal: pa.ChunkedArray
) -> Field:
    """Number the normal forms in sorted order and translate the codes of the raw."""
    encoded = normal.combine_chunks().dictionary_encode()
    order = np.asarray(pc.sort_indices(encoded.dictionary))
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = -1
    forms = rank[np.asarray(pc.fill_null(encoded.indices, -1))]
    translated = np.where(codes >= 0, forms[codes], -1).astype(np.int32)
    return Field(name, column, kind, translated, encoded.dictionary.take(order))


def merge_repeats(fields: Sequence[Field]) -> tuple[list[Field], dict[str, str]]:
    """Merge fields of one kind that mostly hold the same values; one fills the other.

    Returns the fields left and, for each one merged, the name of what it repeats.
    """
    kept: list[Field] = []
    merged: dict[str, str] = {}
    for field in fields:
        twin = next((i for i, other in enumerate(kept) if _repeats(other, field)), None)
        if twin is None:
            kept.append(field)
        else:
            merged[field.name] = kept[twin].name
            kept[twin] = _filled_by(kept[twin], field)
    return kept, merged


def _repeats(one: Field, other: Field) -> bool:
    if one.kind != other.kind:
        return False
    both = np.flatnonzero((one.codes >= 0) & (other.codes >= 0))[:200_000]
    if len(both) < 2:
        return False
    left = one.values.take(pa.array(one.codes[both]))
    right = other.values.take(pa.array(other.codes[both]))
    is_name = one.kind in (Kind.GIVEN_NAME, Kind.FAMILY_NAME)
    least = _NAME_REPEATS if is_name else _REPEATS
    return bool(pc.mean(pc.equal(left, right)).as_py() >= least)


def _filled_by(one: Field, other: Field) -> Field:
    values = pa.concat_arrays([one.values, other.values])
    codes = np.where(
        one.codes >= 0,
        one.codes,
        np.where(other.codes >= 0, other.codes + len(one.values), -1),
    )
    made = _field(one.name, one.column, one.kind, codes, pa.chunked_array([values]))
    return _used_only(made)


def _used_only(field: Field) -> Field:
    """Drop the values that no record holds."""
    counts = np.bincount(field.codes[field.codes >= 0], minlength=len(field.values))
    used = np.flatnonzero(counts)
    place = np.full(len(field.values) + 1, -1, dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    return replace(
        field, codes=place[field.codes], values=field.values.take(pa.array(used))
    )
