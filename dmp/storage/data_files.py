"""Rows written as a data file before the commit, which only takes the file over.

Writing takes as long as the rows are many; nobody else need wait for it. Nor are the
rows copied twice, into a scratch table and from there into the lake.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from dmp.core.sql import Name, Query, quote_file, quote_text, sql
from dmp.storage.lake import CATALOG, Lake
from dmp.storage.write import Write, change


def stage_data_file(lake: Lake, name: str, query: Query, folder: Path) -> Name:
    """Write rows in their order to a file in `folder`; show them as `name`.

    The columns are of the types that the table has which is to take the file; of the
    table's others, and fields of its structs, the rows have none.
    """
    file = quote_file(_file(folder, name))
    lake.execute(Query(f"copy ({query.text}) to {file} (format parquet)", query.params))
    return lake.view(name, Query(f"from read_parquet({file})"))


def take_over(lake: Lake, table: str, staged: str, folder: Path) -> Write:
    """Make the file staged as `staged` one of the table's, and return what adds it.

    For the plan of a commit: under its lock nobody takes the file for a leftover. A
    commit that fails leaves it as one.
    """
    schema, _, name = table.partition(".")
    home = lake.root / "files" / schema / name
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = home / f"staged-{secrets.token_hex(16)}.parquet"
    shutil.move(_file(folder, staged), file)
    return change(
        table,
        sql(
            "call ducklake_add_data_files({catalog}, {name}, {file}, "
            "schema => {schema}, allow_missing => true)",
            catalog=Query(quote_text(CATALOG)),
            name=Query(quote_text(name)),
            file=Query(quote_text(str(file))),
            schema=Query(quote_text(schema)),
        ),
    )


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"
