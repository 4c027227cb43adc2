"""Instants that never run backwards, whatever the machine's clock does."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from dmp.core.sql import Name, sql
from dmp.storage.lake import Lake

_LOG = logging.getLogger(__name__)
_TICK = timedelta(microseconds=1)


def not_before(lake: Lake, now: datetime, *columns: str) -> datetime:
    """Return `now`, or the instant just after the newest one that the lake holds.

    What is newer decides what holds: a load, a run or a decision made after the clock
    was set back would lose to those before it. A step back is logged.

    Args:
        columns: where such instants are, each `schema.table.column`.
    """
    newest = [held for column in columns if (held := _newest(lake, column))]
    if not newest or now >= max(newest):
        return now
    _LOG.warning("clock stepped back by %s", max(newest) - now)
    return max(newest) + _TICK


def _newest(lake: Lake, column: str) -> datetime | None:
    table, _, name = column.rpartition(".")
    query = sql("select max({c}) from {t}", c=Name(name), t=Name.of(table))
    found: datetime | None = lake.value(query)
    return found
