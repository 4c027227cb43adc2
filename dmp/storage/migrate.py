"""Bring a lake to the layout declared in `tables`, adding only what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dmp.core.clock import Clock, now
from dmp.core.sql import Name, Query, quote_name, sql
from dmp.storage.lake import CATALOG, Lake
from dmp.storage.tables import TABLES, TableSpec
from dmp.storage.write import Write, change, commit_planned

LAYOUT = 1
_DESCRIPTION = "first layout"


def migrate(lake: Lake, *, clock: Clock = now) -> bool:
    """Create absent schemas, tables and columns; return whether anything changed.

    A second run changes nothing and makes no snapshot. Safe while others read, write
    or migrate: it is one commit, and what is missing is asked under its lock.
    """

    def plan() -> Sequence[Write]:
        changes = [*_schemas(lake), *_tables(lake)]
        if changes and not _has_layout(lake):
            changes.append(_record(clock))
        return changes

    if not plan():
        return False
    return commit_planned(
        lake, plan, message=f"migrate to layout {LAYOUT}", on_record=False
    ).is_new


def ensure_fields(
    lake: Lake, table: str, column: str, fields: Mapping[str, str]
) -> bool:
    """Add the typed fields that a struct column lacks; return whether any was added.

    Safe while others do the same: what is missing is asked under the commit lock.

    Args:
        fields: field name to DuckDB type; a field that exists keeps its type.
    """

    def plan() -> Sequence[Write]:
        present = struct_fields(lake, table, column)
        return [
            _add_column(table, Name(column, name), type_)
            for name, type_ in fields.items()
            if name not in present
        ]

    if not plan():
        return False
    return commit_planned(
        lake, plan, message=f"add fields to {table}.{column}", on_record=False
    ).is_new


def struct_fields(lake: Lake, table: str, column: str) -> dict[str, str]:
    """Return the typed fields of a struct column, name to DuckDB type, in order."""
    relation = lake.sql(
        sql("select {c} from {t} limit 0", c=Name(column), t=Name.of(table))
    )
    return {
        name: str(type_) for name, type_ in relation.types[0].children if name != "_"
    }


def create_table_sql(spec: TableSpec) -> Query:
    """Return the statement that creates a table as declared."""
    columns = ", ".join(f"{quote_name(c.name)} {c.type}" for c in spec.columns)
    return sql(
        "create table {t} ({columns})", t=Name.of(spec.name), columns=Query(columns)
    )


def _schemas(lake: Lake) -> list[Write]:
    present = {
        row[0]
        for row in lake.rows(
            "select schema_name from duckdb_schemas() where database_name = $catalog",
            catalog=CATALOG,
        )
    }
    wanted = dict.fromkeys(spec.schema for spec in TABLES)
    return [
        change(name, sql("create schema {s}", s=Name(name)))
        for name in wanted
        if name not in present
    ]


def _tables(lake: Lake) -> list[Write]:
    present: dict[str, set[str]] = {}
    for table, column in lake.rows(
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where database_name = $catalog",
        catalog=CATALOG,
    ):
        present.setdefault(table, set()).add(column)
    writes: list[Write] = []
    for spec in TABLES:
        if spec.name not in present:
            writes.append(change(spec.name, create_table_sql(spec)))
        else:
            writes.extend(_columns(spec, present[spec.name]))
    return writes


def _columns(spec: TableSpec, present: set[str]) -> list[Write]:
    return [
        _add_column(spec.name, Name(column.name), column.type)
        for column in spec.columns
        if column.name not in present
    ]


def _add_column(table: str, column: Name, type_: str) -> Write:
    statement = sql(
        "alter table {t} add column {c} {type}",
        t=Name.of(table),
        c=column,
        type=Query(type_),
    )
    return change(table, statement)


def _has_layout(lake: Lake) -> bool:
    return lake.exists("ops.migration") and bool(
        lake.value("select count(*) from ops.migration where version = $v", v=LAYOUT)
    )


def _record(clock: Clock) -> Write:
    return change(
        "ops.migration",
        sql(
            "insert into ops.migration by name select $v as version, "
            "$at as applied_at, $d as description",
            v=LAYOUT,
            at=clock(),
            d=_DESCRIPTION,
        ),
    )
