"""What a workspace holds, so that two of them can be compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from boxes import Box

from dmp.core.sql import Name, Query, sql
from dmp.flows.ingest import contracts
from dmp.flows.workspace import Workspace
from dmp.storage.lake import Lake
from dmp.storage.tables import TABLES, TableSpec
from dmp.storage.versions import newest_versions_sql

RUN_DEPENDENT = {
    "applied_at",
    "changed_at",
    "computed_at",
    "first_seen_at",
    "last_seen_at",
    "loaded_at",
    "place",
    "refused_at",
    "replaced_at",
    "report",
    "resolved_at",
    "run_id",
    "snapshot",
    "synced_at",
    "valid_from",
}
"""Columns that hold when, where or in which run something was done, not what."""
ENDS = {"valid_to", "left_at"}
"""Columns of which only counts whether they are null."""


@dataclass(frozen=True)
class Contents:
    """All that a workspace holds, but for instants and ids of runs.

    Attributes:
        tables: rows and a digest of each table of the lake.
        vault: a digest of the newest direct identifiers, decrypted.
        bodies: refused bodies that can be read, by load.
        exports: a digest of each file at a destination; of manifests, without the
            snapshot.
        models: the files of linkage models.
        litter: files in the clear that only a crash leaves behind.
        unrecorded: loads, resolve runs and syncs that the audit log does not name.
    """

    tables: dict[str, tuple[int, str]]
    vault: str
    bodies: dict[str, int]
    exports: dict[str, str]
    models: tuple[str, ...]
    litter: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()


def contents(box: Box) -> Contents:
    """Read a workspace; it has to be whole: the audit log verifies."""
    with box.open() as workspace:
        report = workspace.audit.verify()
        assert report.ok, report.faults
        found = Contents(
            tables={spec.name: digest(workspace.lake, spec) for spec in TABLES},
            vault=_vault(workspace),
            bodies=_bodies(workspace),
            exports=_exports(workspace.paths.data / "exports"),
            models=_names(workspace.paths.models),
            unrecorded=unrecorded(workspace),
        )
    return replace(found, litter=_litter(box.home / "data"))


def difference(found: Contents, whole: Contents) -> str:
    """Name the parts that differ from those of an unbroken run, with both values."""
    parts = []
    for part, wanted in vars(whole).items():
        has = vars(found)[part]
        if isinstance(wanted, dict):
            names = sorted(n for n in {*wanted, *has} if wanted.get(n) != has.get(n))
            parts += [f"{part} {n}: {has.get(n)} not {wanted.get(n)}" for n in names]
        elif has != wanted:
            parts.append(f"{part}: {has} not {wanted}")
    return "; ".join(parts)


def digest(lake: Lake, spec: TableSpec) -> tuple[int, str]:
    """Count the rows of a table and digest them, in whatever order they are."""
    values = [
        sql("{c} is null", c=Name(name)) if name in ENDS else Query(str(Name(name)))
        for name in spec.column_names
        if name not in RUN_DEPENDENT
    ]
    query = sql(
        "with hashed as (select md5(({values})::varchar) as h from {t}) "
        "select count(*), coalesce(md5(string_agg(h order by h)), '') from hashed",
        values=Query("row(" + ", ".join(value.text for value in values) + ")"),
        t=Name.of(spec.name),
    )
    rows, text = lake.row(query)
    return int(rows), text


def rows_by_load(lake: Lake) -> dict[str, dict[str, int]]:
    """Count the rows of each load in each table that names loads."""
    return {
        spec.name: dict(
            lake.rows(
                sql(
                    "select load_id, count(*) from {t} group by 1", t=Name.of(spec.name)
                )
            )
        )
        for spec in TABLES
        if "load_id" in spec.column_names
    }


def unrecorded(workspace: Workspace) -> tuple[str, ...]:
    """Name what the lake holds and the audit log does not tell of."""
    log = (workspace.paths.audit / "log.jsonl").read_text()
    ids = workspace.lake.rows(
        "select load_id from ops.load union all select run_id from identity.resolution "
        "union all select sync_id from activation.sync"
    )
    return tuple(sorted(name for (name,) in ids if name not in log))


def _vault(workspace: Workspace) -> str:
    fields = sorted(
        {
            name
            for contract in contracts(workspace).values()
            for name in contract.direct_fields
        }
    )
    versions = workspace.lake.sql(
        sql(
            "select subject_id, load_id from ({newest}) order by all",
            newest=newest_versions_sql(),
        )
    ).to_arrow_table()
    rows = workspace.vault.read(versions, fields).to_pylist()
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _bodies(workspace: Workspace) -> dict[str, int]:
    folder = workspace.stores.bodies.folder
    return {
        path.stem: workspace.stores.bodies.read(
            path.parent.parent.name, path.stem
        ).num_rows
        for path in sorted(folder.glob("*/*/*.parquet"))
    }


def _exports(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data: Any = path.read_bytes()
            if path.suffix == ".json":
                data = json.dumps({**json.loads(data), "snapshot": 0}).encode()
            found[str(path.relative_to(folder))] = hashlib.sha256(data).hexdigest()
    return found


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(str(p.relative_to(folder)) for p in folder.rglob("*")))


def orphans(lake: Lake) -> list[str]:
    """Name the lake's files that no snapshot knows: those of commits cut short."""
    rows = lake.rows(
        "call ducklake_delete_orphaned_files('lake', dry_run => true, "
        "cleanup_all => true)"
    )
    return sorted(Path(path).name for (path,) in rows)


def _litter(data: Path) -> tuple[str, ...]:
    """Name copies in the clear that outlived their process."""
    found = [*data.glob("tmp/*"), *data.rglob("*.partial")]
    return tuple(sorted(str(path.relative_to(data)) for path in found))
