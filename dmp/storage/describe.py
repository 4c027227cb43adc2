"""The tables of the lake as a page for people: `docs/tables.md`."""

from __future__ import annotations

from collections.abc import Iterable

from dmp.storage.tables import TABLES, Column, TableSpec

_ZONES = {
    "ops": "What dmp keeps about its own work.",
    "raw": "Rows as they came that no table could take.",
    "core": "Records, events and purchases of all sources in one shape.",
    "identity": "Who is who: subjects, identifiers, edges, lasting profile ids.",
    "profile": "People, with what survived of each attribute.",
    "segment": "Segments, their funnels and their members over time.",
    "activation": "What was sent where, and what became of it.",
    "privacy": "What people allowed and refused.",
}

_HEAD = """\
# Tables of the lake

Written by `make docs` from `dmp/storage/tables.py`; edit that file, not this one.

Instants are `timestamptz`, shown in UTC. DuckLake enforces no keys and no allowed
values; the checks of `dmp/quality` do. Each column has a class of personal data:
*pseudonym* names a person without saying who it is, *quasi* may narrow down who it is
together with others, *ordinary* does neither. Direct identifiers are never in the lake.
"""


def tables_markdown(tables: Iterable[TableSpec] = TABLES) -> str:
    """Return the page: by zone each table with its key, holder, retention, columns."""
    zones: dict[str, list[TableSpec]] = {}
    for table in tables:
        zones.setdefault(table.schema, []).append(table)
    sections = [_zone(zone, members) for zone, members in zones.items()]
    return "\n".join([_HEAD, *sections])


def _zone(zone: str, tables: Iterable[TableSpec]) -> str:
    heading = f"## {zone}\n\n{_ZONES.get(zone, '')}".rstrip()
    return "\n".join([f"{heading}\n", *map(_table, tables)])


def _table(table: TableSpec) -> str:
    facts = [
        f"- Key: {', '.join(f'`{name}`' for name in table.key) or 'none'}",
        f"- Holder of rows about people: {table.holder or 'none, there are none'}",
        f"- Kept for: {_retention(table)}",
    ]
    rows = ["| column | type | what it holds | class |", "|---|---|---|---|"]
    rows += [_column(column) for column in table.columns]
    parts = [f"### {table.name}", table.doc, "\n".join(facts), "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _retention(table: TableSpec) -> str:
    if table.retention_days is not None:
        return f"{table.retention_days} days"
    return "as long as the profile" if table.holder else "ever"


def _column(column: Column) -> str:
    doc = column.doc.replace("|", "\\|")
    return f"| `{column.name}` | `{column.type}` | {doc} | {column.personal} |"
