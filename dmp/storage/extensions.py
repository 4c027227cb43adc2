"""DuckDB's extensions as they are installed: files, versions, whether they load."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata, resources
from pathlib import Path

import duckdb

from dmp.core.sql import quote_text

EXTENSIONS = ("ducklake", "sqlite_scanner", "httpfs")


@dataclass(frozen=True)
class Extension:
    """One extension beside the DuckDB that runs.

    Attributes:
        package: the distribution that brings it.
        version: of that distribution; empty where DuckDB's own installation is used,
            or none.
        wanted: the version that fits, DuckDB's own.
        fault: why it does not load; empty where it does.
    """

    name: str
    package: str
    version: str
    wanted: str
    fault: str

    @property
    def fits(self) -> bool:
        """Whether it is of DuckDB's own version, as what DuckDB installs always is."""
        return self.version in {"", self.wanted}


def inspect_extensions() -> list[Extension]:
    """Return how each extension is; loads them into a database in memory.

    Nothing is downloaded.
    """
    return [_inspected(name) for name in EXTENSIONS]


def extension_file(name: str) -> Path | None:
    """Return the file of an extension for this DuckDB from its wheel, if there."""
    try:
        package = importlib.import_module(f"duckdb_extension_{name}")
    except ImportError:
        return None
    folder = Path(str(resources.files(package))) / "extensions"
    file = folder / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    return file if file.exists() else None


def connect_with_extensions() -> duckdb.DuckDBPyConnection:
    """Return a database in memory with DuckLake and the SQLite scanner loaded.

    They come from their wheels, without the network; where a wheel is absent, DuckDB's
    own `INSTALL` is tried. To verify a signature DuckDB reads a file of some 30 MB: it
    does so once a process. A later connection takes the verified file as it is, and is
    then closed to whatever is not signed, for good.

    Raises:
        duckdb.Error: an extension is missing, altered, or of another version.
    """
    files = {name: extension_file(name) for name in ("sqlite_scanner", "ducklake")}
    for file in filter(None, files.values()):
        _verify(file, file.stat().st_mtime_ns)
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    try:
        for file in filter(None, files.values()):
            connection.execute(f"load {quote_text(str(file))}")
        connection.execute("set allow_unsigned_extensions = false")
        for name in (name for name, file in files.items() if file is None):
            connection.execute(f"install {name}; load {name}")
    except duckdb.Error:
        connection.close()
        raise
    return connection


@cache
def _verify(file: Path, _changed_ns: int) -> None:
    """Have DuckDB verify the signature of a file, once for each state of it."""
    with duckdb.connect() as connection:
        connection.execute(f"load {quote_text(str(file))}")


def _inspected(name: str) -> Extension:
    package = f"duckdb-extension-{name.replace('_', '-')}"
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        version = ""
    return Extension(name, package, version, duckdb.__version__, _fault(name))


def _fault(name: str) -> str:
    file = extension_file(name)
    try:
        with duckdb.connect() as connection:
            connection.execute(f"load {quote_text(str(file)) if file else name}")
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return ""
