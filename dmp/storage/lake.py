"""The lake: DuckLake tables that many processes read and write at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
from duckdb.func import SPECIAL

from dmp.core.errors import GroundFailed, StorageError
from dmp.core.ground import KnownFile, on_ground
from dmp.core.sql import Name, Query, quote_text, sql
from dmp.storage.binding import without_pandas
from dmp.storage.extensions import connect_with_extensions
from dmp.storage.failures import failed, first_line, interrupted
from dmp.storage.lock import fair_lock
from dmp.storage.signatures import Sign

CATALOG = "lake"
_BUSY_TIMEOUT_MS = 30_000
_CREATE_TIMEOUT_S = 60.0
_SETTINGS = """
set timezone = 'UTC';
set preserve_insertion_order = true;
set enable_progress_bar = false;
set python_enable_replacements = false;
"""
"""The last: else a query could name a Python variable, and Ctrl-C be lost in it."""


Prepare = Callable[[duckdb.DuckDBPyConnection], None]


class Lake:
    """A connection to the lake, with a scratch database of its own beside it.

    Lake tables are addressed as `core.event`; scratch tables live in memory, are seen
    by this connection alone and vanish with it. Times are shown in UTC. Not for use by
    several threads at once: open one lake a thread.
    """

    def __init__(
        self,
        root: Path,
        *,
        read_only: bool = False,
        prepare: Prepare | None = None,
        sign: Sign | None = None,
    ) -> None:
        """Attach the lake in the folder `root`, made with mode 0700 if absent.

        Args:
            prepare: called with each connection before it is used: with the first, and
                with those opened after a failed commit.
            sign: tells who makes a commit; None leaves that out.

        Raises:
            StorageError: the folder cannot be used or DuckDB's extensions are missing.
        """
        self.root = root
        self.read_only = read_only
        self.sign = sign
        self._prepare = prepare
        self._catalog: KnownFile | None = None
        self._connection: duckdb.DuckDBPyConnection | None = self._connect()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection, opened again after a failed commit closed it."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    @property
    def lock_folder(self) -> Path:
        """Where the queue of writers stands."""
        return self.root / "lock"

    @property
    def _catalog_file(self) -> Path:
        return self.root / "catalog.sqlite"

    def sql(self, query: Query | str, /, **params: Any) -> duckdb.DuckDBPyRelation:
        """Return the rows of a query; `.df()`, `.arrow()`, `.fetchall()` read them.

        Raises:
            QueryFailed: keeps the SQL, never the values bound to it.
        """
        text, values = _text_and_values(query, params)
        try:
            if not values:
                return self.connection.sql(text)
            with without_pandas():
                return self.connection.sql(text, params=values)
        except duckdb.Error as error:
            raise failed(text, error) from error

    def execute(self, query: Query | str, /, **params: Any) -> None:
        """Run a statement whose result nobody wants.

        Raises:
            QueryFailed: keeps the SQL, never the values bound to it.
        """
        text, values = _text_and_values(query, params)
        try:
            with without_pandas():
                self.connection.execute(text, values or None)
        except duckdb.Error as error:
            raise failed(text, error) from error
        except RuntimeError as error:
            raise interrupted(error) from error

    def rows(self, query: Query | str, /, **params: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query, none left open."""
        self.execute(query, **params)
        return self.connection.fetchall()

    def row(self, query: Query | str, /, **params: Any) -> tuple[Any, ...]:
        """Return the first row of a query that always has one."""
        return self.rows(query, **params)[0]

    def value(self, query: Query | str, /, **params: Any) -> Any:
        """Return the first column of the first row, or None where there is no row."""
        rows = self.rows(query, **params)
        return rows[0][0] if rows else None

    def records(self, query: Query | str, /, **params: Any) -> list[dict[str, Any]]:
        """Return all rows of a query as dictionaries by column name."""
        self.execute(query, **params)
        names = [column[0] for column in self.connection.description or []]
        return [
            dict(zip(names, row, strict=True)) for row in self.connection.fetchall()
        ]

    def stage(self, name: str, query: Query | str, /, **params: Any) -> Name:
        """Replace the scratch table `name` by the rows of a query; return its name."""
        table = Name(name)
        text, values = _text_and_values(query, params)
        self.execute(Query(f"create or replace temp table {table} as {text}", values))
        return table

    def define(
        self,
        name: str,
        function: Callable[..., Any],
        parameters: Sequence[str],
        returns: str,
    ) -> None:
        """Make a pure Python function callable from SQL, on this connection only.

        Null in gives null out, and the function may give null of itself. Defining a
        name again changes nothing.
        """
        connection = self.connection
        if name not in self._defined:
            define_function(connection, name, function, parameters, returns)
            self._defined.add(name)

    def view(self, name: str, query: Query) -> Name:
        """Replace the scratch view `name` by a query that binds nothing."""
        table = Name(name)
        self.execute(f"create or replace temp view {table} as {query.text}")
        return table

    @contextmanager
    def scratch_catalog(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Make the in-memory scratch database the default one within the block.

        For libraries that create tables of their own, so that none enters the lake.
        """
        self.execute("use memory")
        try:
            yield self.connection
        finally:
            self.execute(f"use {CATALOG}")

    def exists(self, table: str) -> bool:
        """Say whether the lake holds `table`, written `schema.name`."""
        schema, _, name = table.partition(".")
        return bool(
            self.value(
                "select count(*) from duckdb_tables() where database_name = $catalog "
                "and schema_name = $schema and table_name = $name",
                catalog=CATALOG,
                schema=schema,
                name=name,
            )
        )

    def snapshot(self) -> int:
        """Return the number of the newest snapshot: 0 for a lake never written to."""
        return int(self.value(f"select id from {CATALOG}.current_snapshot()"))

    def check_ground(self) -> None:
        """Go on only where the catalog is still the one that was opened.

        A deleted catalog can be written to while it is open, and is gone afterwards.

        Raises:
            GroundFailed: it was deleted, replaced, or its disk is not mounted any more.
        """
        if self._catalog and not self._catalog.is_in_place:
            raise GroundFailed(
                f"the lake at {self.root} is not the one that was opened: its catalog "
                "was deleted or replaced, or its disk unmounted; bring it back, then "
                "open the workspace again"
            )

    def close(self) -> None:
        """Close the connection; scratch tables are gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._catalog is not None:
            self._catalog.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        self.check_ground()
        if not self.read_only:
            with on_ground(self.root):
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
                (self.root / "files").mkdir(mode=0o700, exist_ok=True)
                self._create_catalog()
        connection = self._attached(self._catalog_file)
        self._defined: set[str] = set()
        self._catalog = KnownFile(self._catalog_file)
        if self._prepare:
            self._prepare(connection)
        return connection

    def _create_catalog(self) -> None:
        """Make an absent catalog aside, then move it: nobody meets half of it."""
        catalog, aside = self._catalog_file, self.root / "new-catalog.sqlite"
        if catalog.exists():
            return
        with fair_lock(self.lock_folder, timeout_s=_CREATE_TIMEOUT_S):
            if not catalog.exists():
                for rest in self.root.glob(f"{aside.name}*"):
                    rest.unlink()
                self._attached(aside).close()
                aside.rename(catalog)

    def _attached(self, catalog: Path) -> duckdb.DuckDBPyConnection:
        with ExitStack() as undo:
            try:
                connection = undo.enter_context(connect_with_extensions())
                connection.execute(_SETTINGS)
                connection.execute(
                    _attach(catalog, self.root / "files", read_only=self.read_only)
                )
                connection.execute(f"use {CATALOG}")
            except duckdb.Error as error:
                raise StorageError(
                    f"the lake at {self.root} cannot be opened: {first_line(error)}"
                ) from error
            undo.pop_all()
        return connection


def _attach(catalog: Path, files: Path, *, read_only: bool) -> str:
    options = [
        f"data_path {quote_text(str(files))}",
        "meta_journal_mode 'WAL'",
        f"meta_busy_timeout {_BUSY_TIMEOUT_MS}",
        "data_inlining_row_limit 0",
        "override_data_path true",
    ]
    if read_only:
        options.append("read_only")
    source = quote_text(f"ducklake:sqlite:{catalog}")
    return f"attach {source} as {CATALOG} ({', '.join(options)})"


def define_function(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Any],
    parameters: Sequence[str],
    returns: str,
) -> None:
    """Make a pure Python function callable from SQL, as `Lake.define` does."""
    types: list[Any] = [duckdb.type(parameter) for parameter in parameters]
    connection.create_function(
        name,
        _passing_nulls(function),
        types,
        duckdb.type(returns),
        null_handling=SPECIAL,
    )


def _passing_nulls(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def called(*values: Any) -> Any:
        return None if None in values else function(*values)

    return called


def _text_and_values(
    query: Query | str, params: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    if isinstance(query, str):
        return query, params
    merged = sql("{q}", q=query, **params)
    return merged.text, dict(merged.params)
