"""The fifty segments by hand: in DuckDB over the lake, in ClickHouse on its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dmp.core.sql import Query, sql
from dmp.segments.judging import Judged
from dmp.storage.lake import Lake

_HERE = Path(__file__).parent
_FILES = {
    "assignment": "identity/assignment",
    "event": "core/event",
    "consent": "privacy/consent",
    "transaction": "core/transaction",
    "person": "profile/profile",
    "profile": "identity/profile",
}


def by_hand(lake: Lake) -> None:
    """Make the scratch table `by_hand`: `profile_key`, and a truth for each segment."""
    lake.execute(Query((_HERE / "by_hand.sql").read_text(encoding="utf-8")))


class ClickHouse:
    """ClickHouse inside the process, which reads the lake's Parquet files itself."""

    def __init__(self, files: Path) -> None:
        """Open it; `files` is the folder with the Parquet files of the lake."""
        from chdb.session import Session

        self._session: Any = Session()
        folders = {name: files / part / "*.parquet" for name, part in _FILES.items()}
        text = (_HERE / "clickhouse.sql").read_text(encoding="utf-8")
        self._query = text.format_map(folders)

    def run(self) -> None:
        """Make the table `by_clickhouse`, as `by_hand` does its own."""
        self._session.query("DROP TABLE IF EXISTS by_clickhouse")
        self._session.query(self._query)

    def give(self, lake: Lake, folder: Path) -> None:
        """Copy the table to the scratch database of the lake's connection."""
        path = folder / "by_clickhouse.parquet"
        self._session.query(
            f"SELECT * FROM by_clickhouse INTO OUTFILE '{path}' TRUNCATE FORMAT Parquet"
        )
        rows = sql("select * from read_parquet($path)", path=str(path))
        lake.stage("by_clickhouse", rows)


def differing(
    lake: Lake, reference: str, names: Sequence[str], found: dict[str, Judged]
) -> list[str]:
    """Return the segments of which a reference has other members."""
    wrong = []
    for name in names:
        theirs = f"select profile_key from {reference} where {name}"
        ours = found[name].members
        query = sql(
            "select count(*) from (({a}) except ({b}) union all (({b}) except ({a})))",
            a=ours,
            b=Query(theirs),
        )
        if lake.value(query):
            wrong.append(name)
    return wrong
