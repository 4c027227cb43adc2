"""Sources to load: their contracts, and files of any size made by DuckDB alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dmp.core.sql import quote_text

ONE_IN_REFUSED = 10_000
_PICK = "create macro pick(i, k, n) as (hash(i, k) % n)::bigint"
_DAY = "date '2025-01-01' + pick(i, 1, 500)::int"
_AT = "timestamp '2025-01-01' + to_seconds(pick(i, 2, 40000000))"
_WORDS = "['north', 'south', 'east', 'west', 'centre', 'coast', 'hills', 'islands']"


@dataclass(frozen=True)
class Source:
    """A source of made-up rows.

    Attributes:
        rows_sql: a select over `range(n) r(i)`, one text or number a column; one row in
            10,000 is at fault.
        clear_columns: how many direct identifiers go to the vault.
    """

    name: str
    format: str
    rows_sql: str
    contract: dict[str, Any]
    clear_columns: int = 0

    def write(self, path: Path, n_rows: int) -> None:
        """Make the file of `n_rows` rows."""
        options = "format csv, header" if self.format == "csv" else "format json"
        with duckdb.connect() as connection:
            connection.execute("set preserve_insertion_order = false")
            connection.execute("set memory_limit = '1GB'")
            connection.execute(_PICK)
            connection.execute(
                f"copy ({self.rows_sql} from range({n_rows}) r(i)) "
                f"to {quote_text(str(path))} ({options})"
            )


def _document(source: str, format_: str, **parts: Any) -> dict[str, Any]:
    return {
        "source": source,
        "owner": "benchmark",
        "connector": {"type": "file", "format": format_, "path": f"landing/{source}.*"},
        **parts,
    }


def _faulty(good: str) -> str:
    return f"if(i % {ONE_IN_REFUSED} = 7, 'none', ({good})::varchar)"


def records() -> Source:
    """Return accounts of 40 ordinary columns: text, numbers, dates, flags."""
    cells = {
        "account": "printf('A%09d', i)",
        "updated": _AT,
        **{f"area_{k}": f"{_WORDS}[1 + pick(i, {k + 10}, 8)]" for k in range(16)},
        "visits_0": _faulty("pick(i, 40, 1000)"),
        **{f"visits_{k}": f"pick(i, {k + 40}, 1000)" for k in range(1, 8)},
        **{f"spent_{k}": f"(pick(i, {k + 60}, 100000)) / 100" for k in range(8)},
        **{f"day_{k}": f"{_DAY} + {k}" for k in range(4)},
        **{f"is_{k}": f"pick(i, {k + 80}, 2) = 0" for k in range(4)},
    }
    types = {"area": "text", "visits": "integer", "spent": "number", "day": "date"}
    fields = {
        name: {
            "from": name,
            "type": types.get(name.partition("_")[0], "boolean"),
            "purpose": "analytics",
        }
        for name in list(cells)[2:]
    }
    return Source(
        "accounts",
        "csv",
        _select(cells),
        _document(
            "accounts",
            "csv",
            subject=[{"from": "account", "kind": "record"}],
            recorded_at={"from": "updated"},
            fields=fields,
        ),
    )


def events() -> Source:
    """Return events of visitors, thirty a visitor, with ten ordinary properties."""
    properties = """{
        'product': printf('product-%d', pick(i, 3, 900)), 'path': '/shop/' ||
        pick(i, 4, 90), 'category': _WORDS[1 + pick(i, 5, 8)],
        'price': pick(i, 6, 20000) / 100, 'quantity': _QUANTITY,
        'currency': 'GBP', 'plan': ['free', 'plus', 'pro'][1 + pick(i, 7, 3)],
        'campaign': _WORDS[1 + pick(i, 8, 8)], 'medium': 'email',
        'position': pick(i, 9, 50)}"""
    quantity = _faulty("1 + pick(i, 13, 5)")
    properties = properties.replace("_WORDS", _WORDS).replace("_QUANTITY", quantity)
    stamp = "strftime({}, '%Y-%m-%dT%H:%M:%S.000Z')"
    cells = {
        "messageId": "uuid()::varchar",
        "type": "'track'",
        "event": "['Product Viewed', 'Product Added'][1 + pick(i, 12, 2)]",
        "anonymousId": "md5((pick(i, 11, (1 + i // 30)))::varchar)",
        "timestamp": stamp.format(_AT),
        "receivedAt": stamp.format(f"{_AT} + interval 2 second"),
        "properties": properties,
        "context": "{'library': {'name': 'web', 'version': '4.1'}, "
        "'locale': 'en-GB', 'screen': {'width': 1280, 'height': 900}}",
    }
    types = {"price": "number", "quantity": "integer", "position": "integer"}
    names = (
        "product path category price quantity currency plan campaign medium position"
    )
    types["path"] = "path"
    event = {
        "message_id": "messageId",
        "platform": "web",
        "occurred_at": {"from": "timestamp"},
        "received_at": {"from": "receivedAt"},
        "names": {
            "product_viewed": {"event": "Product Viewed"},
            "product_added": {"event": "Product Added"},
        },
        "properties": {
            name: {
                "from": f"properties.{name}",
                "type": types.get(name, "text"),
                "purpose": "analytics",
            }
            for name in names.split()
        },
    }
    return Source(
        "visits",
        "jsonl",
        _select(cells),
        _document(
            "visits",
            "jsonl",
            subject=[{"from": "anonymousId", "kind": "device"}],
            event=event,
        ),
    )


def people() -> Source:
    """Return customers: five direct identifiers, two of them to be joined by."""
    cells = {
        "customer": "printf('C%09d', i)",
        "updated": _AT,
        "first_name": "['Ada', 'Bela', 'Chi', 'Dina', 'Eli'][1 + pick(i, 3, 5)]",
        "last_name": "printf('Family%d', pick(i, 4, 50000))",
        "email": _faulty("printf('person.%d@mail.example', i)"),
        "phone": "printf('+44740%07d', i % 10000000)",
        "born": "date '1950-01-01' + pick(i, 5, 20000)::int",
        "tier": "['none', 'silver', 'gold'][1 + pick(i, 6, 3)]",
    }
    direct = {"class": "direct", "purpose": "identity"}
    fields: dict[str, dict[str, Any]] = {
        "first_name": {"from": "first_name", "type": "name", **direct},
        "last_name": {"from": "last_name", "type": "name", **direct},
        "email": {"from": "email", "type": "email", **direct},
        "phone": {"from": "phone", "type": "phone", **direct},
        "birth_date": {"from": "born", "type": "date", **direct},
        "tier": {"from": "tier", "purpose": "analytics"},
    }
    for name in ("email", "phone"):
        fields[name] = {**fields[name], "identifier": {"type": name}}
    return Source(
        "customers",
        "csv",
        _select(cells),
        _document(
            "customers",
            "csv",
            subject=[{"from": "customer", "kind": "record"}],
            recorded_at={"from": "updated"},
            fields=fields,
        ),
        clear_columns=5,
    )


def _select(cells: dict[str, str]) -> str:
    return "select " + ", ".join(f'{sql} as "{name}"' for name, sql in cells.items())
