"""The one write path: stage outside, take the fair lock, commit, let go.

A transaction begun before another process's commit cannot commit, so nothing is begun
before the lock is held, and only staged rows are copied while it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dmp.core.errors import CommitFailed, QueryFailed
from dmp.core.sql import Name, Query, quote_name, sql
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock

_LOG = logging.getLogger(__name__)
LOCK_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Write:
    """One change of one table, from rows staged in scratch.

    Attributes:
        table: the lake table, `schema.name`.
        statements: what to run inside the transaction.
    """

    table: str
    statements: tuple[Query, ...]


@dataclass(frozen=True)
class Commit:
    """What a commit did.

    Attributes:
        snapshot: the lake's newest snapshot after it.
        is_new: False where everything was already there; nothing was written then.
        waited_s: seconds until the lock was held.
        held_s: seconds for which it was held.
    """

    snapshot: int
    is_new: bool = True
    waited_s: float = 0.0
    held_s: float = field(default=0.0, compare=False)


def append(table: str, staged: Name | Query) -> Write:
    """Add the staged rows; columns are matched by name, absent ones become null."""
    return Write(table, (_insert(table, staged),))


def replace(table: str, staged: Name | Query, where: Query | None = None) -> Write:
    """Put the staged rows in the place of all rows, or of those `where` chooses."""
    condition = where or Query("true")
    delete = sql("delete from {t} where {w}", t=Name.of(table), w=condition)
    return Write(table, (delete, _insert(table, staged)))


def upsert(table: str, staged: Name, key: Sequence[str]) -> Write:
    """Put each staged row in the place of the row with the same key, or add it."""
    matches = " and ".join(f"t.{quote_name(k)} = s.{quote_name(k)}" for k in key)
    delete = sql(
        "delete from {t} as t where exists (select 1 from {s} as s where {m})",
        t=Name.of(table),
        s=staged,
        m=Query(matches),
    )
    return Write(table, (delete, _insert(table, staged)))


def change(table: str, statement: Query) -> Write:
    """Run a statement of the caller's own on the table."""
    return Write(table, (statement,))


def commit(
    lake: Lake,
    writes: Sequence[Write],
    *,
    message: str,
    load_id: str | None = None,
    on_record: bool = True,
    timeout_s: float = LOCK_TIMEOUT_S,
) -> Commit:
    """Make all writes in one transaction, or none of them.

    With a `load_id` that `ops.load` already holds, nothing is written: a load is
    committed once, whoever tries it again. `message` is kept with the snapshot.

    Args:
        on_record: whether it is a change that belongs on record in the audit log, and
            not one that follows from another or keeps the lake in order.

    Raises:
        LakeBusy: the lock did not come in time; nothing was written.
        CommitFailed: nothing was written; the connection was closed (its scratch
            tables are gone) and opens anew on the next use.
    """

    def plan() -> Sequence[Write]:
        return () if load_id is not None and is_loaded(lake, load_id) else writes

    return commit_planned(
        lake, plan, message=message, on_record=on_record, timeout_s=timeout_s
    )


def commit_planned(
    lake: Lake,
    plan: Callable[[], Sequence[Write]],
    *,
    message: str,
    on_record: bool = True,
    timeout_s: float = LOCK_TIMEOUT_S,
) -> Commit:
    """Ask `plan` for the writes once the lock is held, and make them as `commit` does.

    For writes that depend on what is in the lake: nobody can change it between the
    asking and the writing. A plan without writes makes no snapshot.

    Raises:
        LakeBusy: the lock did not come in time; nothing was written.
        GroundFailed: the catalog is not there any more; nothing was written.
        CommitFailed: nothing was written; see `commit`.
    """
    begun = time.monotonic()
    lake.check_ground()
    with fair_lock(lake.lock_folder, timeout_s=timeout_s):
        held = time.monotonic()
        lake.check_ground()
        writes = plan()
        if writes:
            _transact(lake, writes, message, on_record=on_record)
        snapshot = lake.snapshot()
    done = time.monotonic()
    if writes:
        _LOG.info(
            "committed %s snapshot=%d held_s=%.3f", message, snapshot, done - held
        )
    return Commit(snapshot, bool(writes), waited_s=held - begun, held_s=done - held)


def is_loaded(lake: Lake, load_id: str) -> bool:
    """Say whether a load has been committed."""
    return bool(
        lake.value("select count(*) from ops.load where load_id = $id", id=load_id)
    )


def differs(
    lake: Lake, table: str, staged: Name | Query, where: Query | None = None
) -> bool:
    """Say whether the staged rows differ from those that `where` chooses in `table`.

    Compares the staged columns only; order does not matter, multiplicity does.
    """
    columns = lake.sql(sql("select * from {s} limit 0", s=_from(staged))).columns
    names = [Name(column) for column in columns]
    query = sql(
        """
        with old as (select {names} from {t} where {w}),
        new as (select {names} from {s})
        select exists (
            (from old except all from new) union all (from new except all from old)
        )
        """,
        names=names,
        t=Name.of(table),
        w=where or Query("true"),
        s=_from(staged),
    )
    return bool(lake.value(query))


def _from(staged: Name | Query) -> Query:
    return sql("({q})", q=staged) if isinstance(staged, Query) else Query(str(staged))


def _insert(table: str, staged: Name | Query) -> Query:
    return sql("insert into {t} by name from {s}", t=Name.of(table), s=_from(staged))


def _transact(
    lake: Lake, writes: Sequence[Write], message: str, *, on_record: bool
) -> None:
    signature = lake.sign(on_record) if lake.sign else None
    try:
        lake.execute("begin transaction")
        for write in writes:
            for statement in write.statements:
                lake.execute(statement)
        lake.execute(
            "call lake.set_commit_message($author, $message, extra_info => $extra)",
            author=signature.author if signature else "dmp",
            message=message,
            extra=signature.extra if signature else None,
        )
        lake.execute("commit")
    except QueryFailed as error:
        lake.close()
        raise CommitFailed(f"nothing of {message!r} was written: {error}") from error
