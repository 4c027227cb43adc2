"""Real Postgres and Spark, each with the tables of a case, asked by a segment's SQL."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlglot import exp

from dmp.segments.files import Opened
from dmp.segments.sources import type_of

POSTGRES_TYPES = {
    "VARCHAR": "text",
    "DOUBLE": "double precision",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "JSON": "jsonb",
    "DECIMAL(10,2)": "numeric(10,2)",
}


def lacking(what: str) -> None:
    """Skip on a desk that lacks a server; on the build machine that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}: run scripts/install-system-packages servers")
    pytest.skip(f"{what}: run scripts/install-system-packages servers")


def tables_of(opened: Opened) -> dict[str, str]:
    """The name of each table in a warehouse, and the one that holds it in DuckDB."""
    population = opened.population
    names = {"profiles": population.profiles}
    names |= {"events": population.events} if population.events else {}
    names |= {"consent": population.consent} if population.consent else {}
    names |= {name: t.relation for name, t in population.related.items()}
    return names | dict(population.lists)


def columns_of(opened: Opened, table: str) -> list[tuple[str, str, str]]:
    """Each column's name there, its name in DuckDB, and its type."""
    described = opened.connection.execute(f'describe "{table}"').fetchall()
    renamed = {"extra": "properties"} if table == "event" else {}
    return [(renamed.get(name, name), name, kind) for name, kind, *_ in described]


def bin_folder() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        lacking("Postgres is not installed")
    return found[-1].parent


@contextmanager
def postgres() -> Iterator[Any]:
    """A cluster of its own, on loopback alone, gone afterwards.

    Its folder is outside pytest's, which the user `postgres` may not enter, nor is it
    where other tests of this process may have sent temporary files.
    """
    with TemporaryDirectory(dir="/tmp") as folder:
        yield from _cluster(Path(folder))


def _cluster(folder: Path) -> Iterator[Any]:
    psycopg = pytest.importorskip("psycopg", reason="pip install 'dmp[postgres]'")
    programs, data = bin_folder(), folder / "data"
    folder.chmod(0o777)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    init = ["initdb", "-D", str(data), "-U", "dmp", "-E", "UTF8", "--locale=C.UTF-8"]
    run(as_user, programs, [*init, "-A", "trust", "--no-sync"])
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    start = ["pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log")]
    run(as_user, programs, [*start, "-o", options, "start"])
    try:
        where = f"host=127.0.0.1 port={port} user=dmp dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            yield connection
    finally:
        run(as_user, programs, ["pg_ctl", "-D", str(data), "-m", "immediate", "stop"])


def run(as_user: list[str], programs: Path, words: list[str]) -> None:
    command = [*as_user, str(programs / words[0]), *words[1:]]
    subprocess.run(command, check=True, capture_output=True, cwd="/")


def in_postgres(connection: Any, opened: Opened, query: str) -> list[str]:
    load_postgres(connection, opened)
    return sorted(row[0] for row in connection.execute(query, prepare=False).fetchall())


def load_postgres(connection: Any, opened: Opened) -> None:
    """Put the tables of a case in the place of those before; structs are composites."""
    connection.execute("drop schema if exists public cascade; create schema public")
    for name, table in tables_of(opened).items():
        written, marks = [], []
        for column, _, kind in columns_of(opened, table):
            said, mark = postgres_type(kind), "%s"
            if is_struct(kind):
                fields = [(f, postgres_type(k)) for f, k in members(kind)]
                listed = ", ".join(f'"{f}" {k}' for f, k in fields)
                said = f'"{name}_{column}"'
                connection.execute(f"create type {said} as ({listed})")
                mark = f"row({', '.join(f'%s::{k}' for _, k in fields)})"
            written.append(f'"{column}" {said}'.replace("%", "%%"))
            marks.append(f"{mark}::{said}")
        connection.execute(f'create table "{name}" ({", ".join(written)})')
        rows = opened.connection.execute(f'select * from "{table}"').fetchall()
        with connection.cursor() as cursor:
            cursor.executemany(
                f'insert into "{name}" values ({", ".join(marks)})', map(flat, rows)
            )


def flat(row: tuple[Any, ...]) -> list[Any]:
    """The row with the fields of structs in their place."""
    found: list[Any] = []
    for value in row:
        found += value.values() if isinstance(value, dict) else [value]
    return found


def is_struct(kind: str) -> bool:
    return type_of(kind).this is exp.DataType.Type.STRUCT


def members(kind: str) -> list[tuple[str, str]]:
    """The fields of a struct, each with its type in DuckDB."""
    fields = type_of(kind).expressions
    return [(f.name, f.args["kind"].sql("duckdb")) for f in fields]


def postgres_type(kind: str) -> str:
    if kind.endswith("[]"):
        return f"{postgres_type(kind[:-2])}[]"
    return POSTGRES_TYPES.get(kind, kind)


@contextmanager
def spark(folder: Path) -> Iterator[Any]:
    """A session in this process; its files go to the folder."""
    if shutil.which("java") is None:
        lacking("Java is not installed")
    sql = pytest.importorskip("pyspark.sql", reason="pip install 'dmp[spark]'")
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.driver.memory": "1g",
    }
    builder = sql.SparkSession.builder.master("local[2]").appName("segments")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    try:
        yield session
    finally:
        session.stop()


def spark_type(kind: str) -> str:
    if kind == "JSON":
        return "STRING"
    return str(type_of(kind).sql("spark"))


def in_spark(session: Any, folder: Path, opened: Opened, query: str) -> list[str]:
    names = [name for name in tables_of(opened) if f"`{name}`" in query]
    load_spark(session, folder, opened, names)
    return sorted(row[0] for row in session.sql(query).collect())


def load_spark(
    session: Any, folder: Path, opened: Opened, names: Iterable[str]
) -> None:
    """Show the session some tables of a case, from files in the folder."""
    tables = tables_of(opened)
    for name, table in ((name, tables[name]) for name in names):
        path = folder / f"{table}.parquet"
        opened.connection.execute(f"copy \"{table}\" to '{path}' (format parquet)")
        listed = columns_of(opened, table)
        schema = ", ".join(f"`{c}` {spark_type(kind)}" for _, c, kind in listed)
        frame = session.read.schema(schema).parquet(str(path))
        columns = [
            f"parse_json(`{inner}`) as `{outer}`" if kind == "JSON" else f"`{inner}`"
            for outer, inner, kind in listed
        ]
        frame.selectExpr(*columns).createOrReplaceTempView(f"`{name}`")
