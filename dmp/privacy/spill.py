"""What DuckDB spills to disk while clear values are in memory: encrypted, then gone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from dmp.core.errors import PrivacyError
from dmp.core.sql import quote_text
from dmp.storage.extensions import extension_file
from dmp.storage.temporary import temporary_folder

_LOG = logging.getLogger(__name__)
_EXTENSION = "httpfs"


@contextmanager
def encrypted_spill(
    connection: duckdb.DuckDBPyConnection, parent: Path | None = None
) -> Iterator[Path | None]:
    """Let the connection spill into a private folder only, encrypted under its own key.

    Gives the folder, of mode 0700 in `parent` (else the system's temporary folder);
    it is removed at exit, and the connection can't spill any more: close it then. What
    a killed process left in `parent` is removed by the next. The encryption needs
    DuckDB's extension httpfs, which brings OpenSSL. Without it gives None, and nothing
    is spilled: a query that outgrows the memory limit fails.

    Raises:
        PrivacyError: the connection has spilled elsewhere before; use a new one.
    Source: DuckDB 1.4 release notes, temporary file encryption.
    """
    with temporary_folder("dmp-spill-", parent) as folder:
        encrypted = _load_cipher(connection)
        _spill_to(connection, str(folder) if encrypted else "")
        try:
            yield folder if encrypted else None
        finally:
            with suppress(duckdb.Error):
                connection.execute("set temp_directory = ''")


def _spill_to(connection: duckdb.DuckDBPyConnection, folder: str) -> None:
    try:
        connection.execute(f"set temp_directory = {quote_text(folder)}")
        connection.execute("set temp_file_encryption = true")
    except duckdb.Error as error:
        raise PrivacyError(
            "the connection already spills elsewhere, in clear; use a new connection"
        ) from error


def _load_cipher(connection: duckdb.DuckDBPyConnection) -> bool:
    """Load the extension from its wheel or where it is installed; never download."""
    file = extension_file(_EXTENSION)
    try:
        connection.execute(f"load {quote_text(str(file)) if file else _EXTENSION}")
    except duckdb.Error:
        _LOG.warning("spill disabled extension=%s absent", _EXTENSION)
        return False
    return True
