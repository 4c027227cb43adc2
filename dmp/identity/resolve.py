"""A resolve run: from evidence to lasting profiles, in one commit."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from dmp.core.config import fingerprint
from dmp.core.sql import Query, sql
from dmp.identity.evidence import stage_evidence
from dmp.identity.graph import Edges, Limits, Partition, cluster, components
from dmp.identity.history import history_writes
from dmp.identity.lasting_ids import stage_profile_ids
from dmp.identity.linkage import LinkageModel
from dmp.identity.settings import IdentitySettings
from dmp.privacy import Vault
from dmp.storage.lake import Lake
from dmp.storage.lock import fair_lock
from dmp.storage.write import append, commit

_LOG = logging.getLogger(__name__)
_LOCK_TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Resolution:
    """What a resolve run saw and gave.

    `is_new` is False where nothing had changed since the last run: nothing was
    computed or written, and the counts are that run's.
    """

    run_id: str
    is_new: bool
    generation: int
    model: str
    subjects: int
    profiles: int
    deterministic_edges: int
    scored_pairs: int
    blocked_values: int
    refused_joins: int
    largest_clusters: tuple[int, ...]
    founded: int
    merged: int
    revived: int


def resolve(
    lake: Lake,
    vault: Vault,
    settings: IdentitySettings,
    model: LinkageModel | None,
    *,
    run_id: str,
    now: datetime,
    actor: str,
) -> Resolution:
    """Join subjects into profiles and give each profile its lasting id.

    Reads `identity.identifier`, `identity.subject`, `identity.decision`, `core.record`
    and, where there is a model, the vault. Writes `identity.assignment`,
    `identity.profile`, `identity.edge`, `identity.change` and `identity.resolution`.
    With the inputs, settings and model of the last run nothing is written. One process
    at a time resolves.

    Args:
        model: the trained linkage model; None joins by shared identifiers alone.

    Raises:
        UsageError: the blocking rules would make too many pairs; nothing was written.
    """
    with fair_lock(lake.root / "resolve-lock", timeout_s=_LOCK_TIMEOUT_S):
        digest = _input_fingerprint(lake, settings, model)
        last = _last_resolution(lake)
        if last and last["input_fingerprint"] == digest:
            return Resolution(**{**json.loads(last["report"]), "is_new": False})
        generation = int(last["generation"]) + 1 if last else 1
        stage_evidence(lake, vault, settings, model)
        clustering = _stage_clusters(lake, settings)
        stage_profile_ids(lake, generation=generation)
        _stage_assignment(lake)
        report = _report(lake, clustering, model, run_id, generation)
        _commit(lake, report, digest, now=now, actor=actor)
    _LOG.info("resolved run_id=%s profiles=%d", run_id, report.profiles)
    return report


def _commit(
    lake: Lake, report: Resolution, digest: str, *, now: datetime, actor: str
) -> None:
    writes = history_writes(
        lake,
        run_id=report.run_id,
        generation=report.generation,
        model=report.model,
        now=now,
        actor=actor,
    )
    row = append("identity.resolution", _resolution_row(report, digest, now))
    commit(lake, [*writes, row], message=f"resolve {report.run_id}")


def _input_fingerprint(
    lake: Lake, settings: IdentitySettings, model: LinkageModel | None
) -> str:
    """Digest what a run depends on: the rows by order-free sums of their hashes."""
    seen = lake.row(
        """
        select
            (select (count(*), bit_xor(hash(subject_id, type, token, load_id)))::varchar
                from identity.identifier),
            (select (count(*), bit_xor(hash(subject_id, content_token)))::varchar
                from core.record),
            (select (count(*), bit_xor(hash(subject_id)))::varchar
                from identity.subject),
            (select (count(*), bit_xor(hash(subject_id_l, subject_id_r, decision,
                decided_at)))::varchar from identity.decision)
        """
    )
    chosen = settings.model_dump(mode="json")
    return fingerprint(list(seen), chosen, model.name if model else None)


def _last_resolution(lake: Lake) -> dict[str, Any] | None:
    rows = lake.records(
        "select generation, input_fingerprint, report from identity.resolution "
        "order by generation desc limit 1"
    )
    return rows[0] if rows else None


def _stage_clusters(lake: Lake, settings: IdentitySettings) -> Partition:
    """Stage `new_cluster`: one row of subject, cluster and component a subject."""
    nodes = lake.sql(
        "select subject_id, is_comparable from node order by node"
    ).fetchnumpy()
    subjects = np.asarray(nodes["subject_id"], dtype=np.int64)
    found = lake.sql("select * from evidence").fetchnumpy()
    edges = Edges(
        np.asarray(found["left_node"], dtype=np.int64),
        np.asarray(found["right_node"], dtype=np.int64),
        np.asarray(found["weight"], dtype=np.float64),
        np.asarray(found["is_compared"], dtype=np.bool_),
    )
    limits = Limits(settings.uncompared_penalty_bits, settings.max_cluster_subjects)
    comparable = np.asarray(nodes["is_comparable"], dtype=np.bool_)
    clustering = cluster(len(subjects), edges, comparable, limits)
    inner = clustering.label[edges.left] == clustering.label[edges.right]
    joined = inner & np.asarray(found["is_deterministic"], dtype=np.bool_)
    component = components(len(subjects), edges.left[joined], edges.right[joined])
    table = pa.table(
        {
            "subject_id": subjects,
            "cluster_id": subjects[clustering.label],
            "component_id": subjects[component],
        }
    )
    lake.connection.register("cluster_arrow", table)
    lake.stage("new_cluster", "select * from cluster_arrow")
    lake.connection.unregister("cluster_arrow")
    return clustering


def _stage_assignment(lake: Lake) -> None:
    lake.stage(
        "new_assignment",
        "select subject_id, component_id, profile_key "
        "from new_cluster join profile_of using (cluster_id)",
    )
    lake.stage(
        "moved",
        "select n.* from new_assignment as n left join identity.assignment as a "
        "on a.subject_id = n.subject_id and a.valid_to is null "
        "where (a.profile_key, a.component_id) is distinct from "
        "(n.profile_key, n.component_id)",
    )


def _report(
    lake: Lake,
    clustering: Partition,
    model: LinkageModel | None,
    run_id: str,
    generation: int,
) -> Resolution:
    def count(what: str) -> int:
        return int(lake.value(f"select count(*) from {what}"))

    sizes = lake.rows(
        "select count(*) as n from new_cluster group by cluster_id order by n desc "
        "limit 5"
    )
    return Resolution(
        run_id=run_id,
        is_new=True,
        generation=generation,
        model=model.name if model else "none",
        subjects=count("new_cluster"),
        profiles=count("profile_of"),
        deterministic_edges=count("deterministic_edge"),
        scored_pairs=count("scored_pair"),
        blocked_values=count("blocked_value"),
        refused_joins=len(clustering.refused),
        largest_clusters=tuple(size for (size,) in sizes),
        founded=count("profile_of where action = 'founded'"),
        merged=count("merged"),
        revived=count("profile_of where action = 'revived'"),
    )


def _resolution_row(report: Resolution, digest: str, now: datetime) -> Query:
    return sql(
        "select $run_id as run_id, $generation as generation, "
        "$now::timestamptz as resolved_at, $model as model, "
        "$digest as input_fingerprint, $subjects as subjects, "
        "$profiles as profiles, $report::json as report",
        run_id=report.run_id,
        generation=report.generation,
        now=now,
        model=report.model,
        digest=digest,
        subjects=report.subjects,
        profiles=report.profiles,
        report=json.dumps(asdict(report)),
    )
