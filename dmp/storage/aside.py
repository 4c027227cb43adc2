"""Rows staged in an encrypted file of columns, so that memory need not hold them.

A scratch table beyond the memory limit is spilled page by page, all columns of it. A
file is smaller, and of it only those columns are read that are asked for.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from dmp.core.sql import Name, Query, quote_file, quote_text
from dmp.storage.lake import Lake
from dmp.storage.thrift import two_threads

_KEY_BYTES = 32


def encrypts_spill(lake: Lake) -> bool:
    """Say whether what the connection puts on disk is encrypted."""
    return bool(lake.value("select current_setting('temp_file_encryption')"))


def stage_aside(lake: Lake, name: str, query: Query, folder: Path) -> Name:
    """Stage rows in a file in `folder`; show them as `name`, numbered by `rowid`.

    The numbers go from 0, in the order of the query. The file is encrypted under a key
    that only this connection knows, and stays until the folder is removed.

    Raises:
        QueryFailed: also where the connection has no cipher: see `encrypts_spill`.
    """
    file, key = quote_file(folder / f"{name}.parquet"), _new_key(lake)
    columns = lake.rows(Query(f"describe {query.text}", query.params))
    with two_threads(lake, len(columns)):
        lake.execute(
            Query(
                f"copy ({query.text}) to {file} "
                f"(format parquet, compression uncompressed, "
                f"encryption_config {{footer_key: {key}}})",
                query.params,
            )
        )
    return lake.view(
        name,
        Query(
            "select file_row_number as rowid, * exclude (file_row_number) "
            f"from read_parquet({file}, file_row_number = true, "
            f"encryption_config = {{footer_key: {key}}})"
        ),
    )


def _new_key(lake: Lake) -> str:
    """Make a key known to the connection; return the quoted name of it."""
    name = quote_text(f"aside_{secrets.token_hex(8)}")
    key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    lake.connection.execute(f"pragma add_parquet_key({name}, {quote_text(key)})")
    return name
