"""Batch ingestion: a file becomes one load, all of it or none."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dmp.core.config import fingerprint
from dmp.core.errors import UsageError
from dmp.core.identifiers import e164
from dmp.core.sql import Name, Query, quote_text, sql
from dmp.ingest import landing as land
from dmp.ingest.connectors import StagedRows, content_hash, stage_file
from dmp.ingest.contracts import Contract
from dmp.ingest.field_names import shown_file
from dmp.ingest.landing import Landing, PseudonymKeys
from dmp.ingest.mapping import mapped_row_sql
from dmp.privacy import Bodies, Vault
from dmp.storage.lake import Lake
from dmp.storage.migrate import ensure_fields
from dmp.storage.write import Write, append, change, commit, is_loaded

_LOG = logging.getLogger(__name__)
Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the next one."""


@dataclass(frozen=True)
class Stores:
    """What a load writes to."""

    lake: Lake
    vault: Vault
    bodies: Bodies
    keys: PseudonymKeys


@dataclass(frozen=True)
class LoadReport:
    """What became of one input.

    `rows_read = rows_accepted + rows_unchanged + rows_refused`. `faults` are the first
    few, in words; all of them are in `raw.refused`.
    """

    source: str
    file_name: str
    load_id: str
    is_new: bool
    rows_read: int = 0
    rows_accepted: int = 0
    rows_unchanged: int = 0
    rows_refused: int = 0
    events: int = 0
    transactions: int = 0
    versions: int = 0
    fields_undeclared: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Input:
    """Rows staged for a load, and how the load is named."""

    rows: StagedRows
    load_id: str
    file_name: str
    digest: str


def files_of(contract: Contract, home: Path) -> list[Path]:
    """Return the files of a source that are there, by name.

    Raises:
        UsageError: none is there.
    """
    pattern = Path(contract.connector.path)
    root = Path(pattern.anchor) if pattern.is_absolute() else home
    relative = pattern.relative_to(pattern.anchor) if pattern.is_absolute() else pattern
    found = sorted(path for path in root.glob(str(relative)) if path.is_file())
    if not found:
        raise UsageError(
            f"no file of {contract.source} at {root / relative}; put one there or name "
            f"it: dmp ingest {contract.source} FILE"
        )
    return found


def load_files(
    stores: Stores,
    contract: Contract,
    files: Sequence[Path],
    *,
    now: datetime,
    progress: Progress | None = None,
) -> list[LoadReport]:
    """Load files one after the other; each is committed on its own."""
    reports = []
    for done, path in enumerate(files):
        if progress:
            progress(done, len(files), shown_file(path))
        reports.append(load_file(stores, contract, path, now=now))
    if progress:
        progress(len(files), len(files), "")
    return reports


def load_file(
    stores: Stores, contract: Contract, path: Path, *, now: datetime
) -> LoadReport:
    """Load one file into the lake and the vault.

    The same bytes under the same contract are the same load: the second time nothing
    is read or written. A changed file gives what changed. Refused rows go to
    `raw.refused`, their bodies encrypted under the key of the day.

    Raises:
        UsageError: the file cannot be read as the contract says.
        ConfigInvalid: the contract reads columns that the file does not have.
        CommitFailed, LakeBusy: nothing of the load is in the lake.
    """
    digest = content_hash(path)
    load_id = f"{contract.source}-{fingerprint(digest, contract.version)}"
    if is_loaded(stores.lake, load_id):
        return LoadReport(contract.source, shown_file(path), load_id, is_new=False)
    with tempfile.TemporaryDirectory(prefix="dmp-load-") as scratch:
        rows = stage_file(stores.lake, contract, path, Path(scratch))
        source = _Input(rows, load_id, shown_file(path), digest)
        return _load(stores, contract, source, now=now)


def preview_file(
    stores: Stores, contract: Contract, path: Path, *, now: datetime
) -> LoadReport:
    """Say what loading a file would do; nothing is written."""
    digest = content_hash(path)
    load_id = f"{contract.source}-{fingerprint(digest, contract.version)}"
    with tempfile.TemporaryDirectory(prefix="dmp-load-") as scratch:
        rows = stage_file(stores.lake, contract, path, Path(scratch))
        source = _Input(rows, load_id, shown_file(path), digest)
        landing = _stage(stores, contract, source, now)
        return _report(landing, source, is_new=False)


def replay(stores: Stores, contract: Contract, *, now: datetime) -> list[LoadReport]:
    """Try the refused rows of a source again, after its contract was mended.

    Rows that are accepted now are marked in `raw.refused` with the load that took
    them; the others stay as they are. Idempotent. Rows whose day key was destroyed
    cannot be read again and are left alone.
    """
    loads = stores.lake.rows(
        "select distinct load_id, file_name from raw.refused where source = $source "
        "and replayed_by is null and action = 'refused' order by load_id",
        source=contract.source,
    )
    return [
        _replay_load(stores, contract, load_id, file_name, now=now)
        for load_id, file_name in loads
    ]


def _replay_load(
    stores: Stores, contract: Contract, of: str, file_name: str, *, now: datetime
) -> LoadReport:
    lake = stores.lake
    load_id = f"{contract.source}-{fingerprint(of, contract.version, 'replay')}"
    if is_loaded(lake, load_id):
        return LoadReport(contract.source, file_name, load_id, is_new=False)
    bodies = stores.bodies.read(contract.source, of)
    lake.connection.register("body_arrow", bodies)
    lake.stage(
        "raw_row",
        sql(
            "select line, body from body_arrow where json_valid(body) and line in ("
            "select line from raw.refused where load_id = $of and replayed_by is null)",
            of=of,
        ),
    )
    lake.connection.unregister("body_arrow")
    lake.stage(
        "rejected_row", "select 0::bigint as line, '' as body, '' as reason limit 0"
    )
    source = _Input(StagedRows((), is_json=True), load_id, file_name, of)
    return _load(stores, contract, source, now=now, replay_of=of)


def _load(
    stores: Stores,
    contract: Contract,
    source: _Input,
    *,
    now: datetime,
    replay_of: str | None = None,
) -> LoadReport:
    landing = _stage(stores, contract, source, now)
    report = _report(landing, source, is_new=True)
    _write_vault(stores, landing)
    if replay_of is None:
        _write_bodies(stores, landing, source.rows)
    _ensure_columns(landing)
    writes = [*_writes(landing, report, source, replay_of)]
    done = commit(
        stores.lake,
        writes,
        message=f"load {source.load_id}",
        load_id=source.load_id,
    )
    if not done.is_new:
        return LoadReport(contract.source, source.file_name, source.load_id, False)
    _LOG.info("loaded load_id=%s rows=%d", source.load_id, report.rows_read)
    return report


def _stage(
    stores: Stores, contract: Contract, source: _Input, now: datetime
) -> Landing:
    lake = stores.lake
    lake.define("e164", e164, ["VARCHAR", "VARCHAR"], "VARCHAR")
    values = source.rows.values(contract.places())
    loaded_at = f"timestamptz {quote_text(now.isoformat())}"
    lake.stage("mapped_row", mapped_row_sql(contract, values, loaded_at))
    landing = Landing(lake, contract, stores.keys, source.load_id, now)
    land.stage_accepted(landing)
    land.stage_subjects(landing)
    land.stage_versions(landing)
    land.stage_records(landing)
    land.stage_identifiers(landing)
    land.stage_events(landing)
    land.stage_transactions(landing)
    land.stage_consent(landing)
    land.stage_refused(landing, source.file_name)
    return landing


def _report(landing: Landing, source: _Input, *, is_new: bool) -> LoadReport:
    lake, contract = landing.lake, landing.contract
    count = {
        name: landing.count(Name(name))
        for name in ("new_event", "new_transaction", "new_version", "accepted_row")
    }
    refused = int(
        lake.value(
            "select count(distinct line) from new_refused where action = 'refused'"
        )
    )
    news = count["new_version"]
    if contract.event:
        news = count["new_event"]
    elif contract.transaction:
        news = count["new_transaction"]
    return LoadReport(
        source=contract.source,
        file_name=source.file_name,
        load_id=source.load_id,
        is_new=is_new,
        rows_read=count["accepted_row"] + refused,
        rows_accepted=news,
        rows_unchanged=count["accepted_row"] - news,
        rows_refused=refused,
        events=count["new_event"],
        transactions=count["new_transaction"],
        versions=count["new_version"],
        fields_undeclared=tuple(source.rows.undeclared(lake, contract.places())),
        faults=_first_faults(lake, source.file_name),
    )


def _first_faults(lake: Lake, file_name: str) -> tuple[str, ...]:
    rows = lake.rows(
        "select line, field, reason, expected, masked_value from new_refused "
        "order by line, field limit 10"
    )
    return tuple(
        f"{file_name} line {line}: {field or 'row'}: {reason}"
        + (f" ({masked})" if masked else "")
        + f"; right would be {right}"
        for line, field, reason, right, masked in rows
    )


def _write_vault(stores: Stores, landing: Landing) -> None:
    if landing.contract.direct_fields:
        values = land.clear_values(landing)
        if values.num_rows:
            stores.vault.write(landing.load_id, values)


def _write_bodies(stores: Stores, landing: Landing, rows: StagedRows) -> None:
    query = sql(
        "select line, body from ({bodies}) where line in (select line from new_refused)"
        " union all select line, body from rejected_row order by line",
        bodies=rows.bodies(),
    )
    bodies = landing.lake.sql(query).to_arrow_table()
    if bodies.num_rows:
        day = landing.loaded_at.date()
        source = landing.contract.source
        stores.bodies.write(source, day, landing.load_id, bodies)


def _ensure_columns(landing: Landing) -> None:
    contract = landing.contract
    attributes = {n: spec.duckdb_type for n, spec in contract.attributes.items()}
    ensure_fields(landing.lake, "core.record", "attributes", attributes)
    if contract.event:
        properties = {
            name: spec.duckdb_type for name, spec in contract.event.properties.items()
        }
        ensure_fields(landing.lake, "core.event", "properties", properties)


_TARGETS = {
    "identity.subject": "new_subject",
    "core.record": "new_record",
    "identity.identifier": "new_identifier",
    "core.event": "new_event",
    "core.transaction": "new_transaction",
    "privacy.consent": "new_consent",
}


def _writes(
    landing: Landing, report: LoadReport, source: _Input, replay_of: str | None
) -> Iterator[Write]:
    for table, staged in _TARGETS.items():
        if landing.count(Name(staged)):
            yield append(table, Name(staged))
    if replay_of is not None:
        yield _mark_replayed(landing, replay_of)
    elif landing.count(Name("new_refused")):
        yield append("raw.refused", Name("new_refused"))
    yield append("ops.load", _load_row(landing, report, source))


def _mark_replayed(landing: Landing, of: str) -> Write:
    return change(
        "raw.refused",
        sql(
            "update raw.refused set replayed_by = $load_id where load_id = $of "
            "and line in (select line from accepted_row)",
            load_id=landing.load_id,
            of=of,
        ),
    )


def _load_row(landing: Landing, report: LoadReport, source: _Input) -> Query:
    return sql(
        """
        select $load_id as load_id, $source as source, $file_name as file_name,
            $content_hash as content_hash, $contract_version as contract_version,
            $loaded_at::timestamptz as loaded_at, $rows_read as rows_read,
            $rows_accepted as rows_accepted, $rows_unchanged as rows_unchanged,
            $rows_refused as rows_refused, $fields_undeclared as fields_undeclared
        """,
        load_id=report.load_id,
        source=report.source,
        file_name=report.file_name,
        content_hash=source.digest,
        contract_version=landing.contract.version,
        loaded_at=landing.loaded_at,
        rows_read=report.rows_read,
        rows_accepted=report.rows_accepted,
        rows_unchanged=report.rows_unchanged,
        rows_refused=report.rows_refused,
        fields_undeclared=list(report.fields_undeclared),
    )
