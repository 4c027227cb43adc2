"""Which load a file is: one that was made, or one that says something anew.

The same bytes say nothing new as long as they are the last word: of the file at this
place, or, where no load came from this place, of the whole source. An export that goes
back to what it said last week is loaded again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dmp.core.config import fingerprint
from dmp.core.sql import Query, sql
from dmp.ingest.contracts import Contract
from dmp.storage.lake import Lake


@dataclass(frozen=True)
class Seen:
    """The load that a file is.

    Attributes:
        place: a digest of where the file lies; its path may name a person.
        is_known: whether it was made and nothing has been said since.
    """

    load_id: str
    place: str
    is_known: bool


def load_of(lake: Lake, contract: Contract, path: Path, digest: str) -> Seen:
    """Return the load of a file with these bytes, by what `ops.load` holds now."""
    place = fingerprint(str(path.resolve()))
    times, last, is_last = lake.row(_query(contract, place, digest))
    if times and is_last:
        return Seen(last, place, is_known=True)
    again = (times,) if times else ()
    name = fingerprint(digest, contract.version, *again)
    return Seen(f"{contract.source}-{name}", place, is_known=False)


def _query(contract: Contract, place: str, digest: str) -> Query:
    return sql(
        """
        with same as (
            select load_id, loaded_at from ops.load where source = $source
            and content_hash = $digest and contract_version = $version
        ), here as (
            select place, content_hash, loaded_at from ops.load
            where source = $source and place is not null
        )
        select (select count(*) from same),
            (select arg_max(load_id, loaded_at) from same),
            not exists (
                select 1 from here where content_hash <> $digest
                and loaded_at >= (select max(loaded_at) from same)
                and (place = $place or not exists (
                    select 1 from here as h where h.place = $place))
            )
        """,
        source=contract.source,
        digest=digest,
        version=contract.version,
        place=place,
    )
