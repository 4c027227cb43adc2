"""Replay: refused rows tried again, after their contract was mended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from dmp.core.config import fingerprint
from dmp.core.errors import KeyMissing
from dmp.core.sql import sql
from dmp.ingest.batch import loading
from dmp.ingest.connectors import StagedRows
from dmp.ingest.contracts import Contract
from dmp.ingest.json_rows import stage_bodies
from dmp.ingest.load import Input, LoadReport, Stores, load
from dmp.storage.write import is_loaded

_LOG = logging.getLogger(__name__)


def replay(
    stores: Stores, contract: Contract, *, now: datetime
) -> Iterator[LoadReport]:
    """Try the refused rows of a source again, after its contract was mended.

    Yields what became of those of each load once it is committed.
    Rows that are accepted now are marked in `raw.refused` with the load that took
    them; the others stay as they are. Idempotent. Rows that could not be taken apart at
    all, and those whose day key was destroyed, are left alone.
    """
    with loading(stores.lake, contract.source):
        yield from _replayed(stores, contract, now)


def _replayed(
    stores: Stores, contract: Contract, now: datetime
) -> Iterator[LoadReport]:
    loads = stores.lake.rows(
        "select distinct load_id, file_name from raw.refused where source = $source "
        "and replayed_by is null and action = 'refused' and field <> '' order by 1",
        source=contract.source,
    )
    for of, file_name in loads:
        load_id = f"{contract.source}-{fingerprint(of, contract.version, 'replay')}"
        if is_loaded(stores.lake, load_id):
            yield LoadReport(contract.source, file_name, load_id, is_new=False)
        elif _stage_bodies(stores, contract.source, of):
            has_columns = contract.connector.format != "jsonl"
            rows = StagedRows((), is_json=True, had_columns=has_columns)
            again = Input(rows, load_id, file_name, digest=of, replay_of=of)
            with stores.folder() as folder:
                report = load(stores, contract, again, folder, now=now)
            yield report


def _stage_bodies(stores: Stores, source: str, of: str) -> bool:
    """Stage the refused rows of a load; say whether their bodies could be read."""
    lake = stores.lake
    try:
        bodies = stores.bodies.read(source, of)
    except KeyMissing:
        _LOG.warning("bodies gone load_id=%s", of)
        return False
    lake.connection.register("body_arrow", bodies)
    stage_bodies(
        lake,
        sql(
            "select line, body from body_arrow where json_valid(body) and line in ("
            "select line from raw.refused where load_id = $of "
            "and replayed_by is null and action = 'refused' and field <> '')",
            of=of,
        ),
    )
    lake.connection.unregister("body_arrow")
    return True
