"""A resolve run: from evidence to lasting profiles, in one commit."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from dmp.core.config import fingerprint
from dmp.core.sql import Name, Query, sql
from dmp.identity.graph import Clustering, Edges, Limits, cluster, components
from dmp.identity.lasting_ids import profile_id_sql, stage_profile_ids
from dmp.identity.linkage import LinkageModel, check_pair_ceiling, stage_scored_pairs
from dmp.identity.records import stage_linkage_records
from dmp.identity.settings import IdentitySettings
from dmp.identity.signals import stage_deterministic_edges, stage_rules
from dmp.privacy import Vault
from dmp.storage.lake import Lake
from dmp.storage.write import Write, append, change, commit, replace

_LOG = logging.getLogger(__name__)
_WEIGHT_LIMIT_BITS = 40.0
_KEPT_PROBABILITY = 0.01


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
    With the inputs, settings and model of the last run nothing is written.

    Args:
        model: the trained linkage model; None joins by shared identifiers alone.

    Raises:
        UsageError: the blocking rules would make too many pairs; nothing was written.
    """
    digest = _input_fingerprint(lake, settings, model)
    last = _last_resolution(lake)
    if last and last["input_fingerprint"] == digest:
        return Resolution(**{**json.loads(last["report"]), "is_new": False})
    generation = int(last["generation"]) + 1 if last else 1
    _stage_evidence(lake, vault, settings, model)
    clustering = _stage_clusters(lake, settings)
    stage_profile_ids(lake, generation=generation)
    _stage_assignment(lake)
    report = _report(lake, clustering, model, run_id, generation)
    writes = _writes(lake, report, digest, now, actor)
    commit(lake, list(writes), message=f"resolve {run_id}")
    _LOG.info("resolved run_id=%s profiles=%d", run_id, report.profiles)
    return report


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


def _stage_evidence(
    lake: Lake, vault: Vault, settings: IdentitySettings, model: LinkageModel | None
) -> None:
    stage_rules(lake, settings)
    stage_deterministic_edges(lake)
    if model and settings.linkage:
        stage_linkage_records(lake, vault, settings.linkage)
        check_pair_ceiling(lake, settings.linkage)
        stage_scored_pairs(lake, model, settings.linkage)
    else:
        lake.stage("linkage_record", "select 0::bigint as subject_id limit 0")
        lake.stage("scored_pair", _NO_SCORES)
    lake.stage("decided_pair", _DECIDED)
    lake.stage(
        "node",
        "select subject_id, row_number() over (order by subject_id) - 1 as node, "
        "subject_id in (select subject_id from linkage_record) as is_comparable "
        "from (select distinct subject_id from identity.subject) order by subject_id",
    )
    lake.stage("evidence", sql(_EVIDENCE, limit=_WEIGHT_LIMIT_BITS))


_NO_SCORES = (
    "select 0::bigint as subject_id_l, 0::bigint as subject_id_r, "
    "0::double as match_weight, 0::double as match_probability limit 0"
)
_DECIDED = """
select subject_id_l, subject_id_r,
    case arg_max(decision, decided_at) when 'must_link' then 'Infinity'::double
        when 'cannot_link' then '-Infinity'::double end as weight
from identity.decision group by all having weight is not null
"""
_EVIDENCE = """
with pair as (
    select subject_id_l, subject_id_r,
        coalesce(
            d.weight,
            greatest(least(s.match_weight, $limit), -$limit) + coalesce(
                e.weight_uncompared, 0
            ),
            e.weight_all
        ) as weight,
        s.match_weight is not null as is_compared,
        e.weight_all is not null as is_deterministic
    from deterministic_edge as e
    full join scored_pair as s using (subject_id_l, subject_id_r)
    full join decided_pair as d using (subject_id_l, subject_id_r)
)
select p.*, l.node as left_node, r.node as right_node
from pair as p
join node as l on l.subject_id = p.subject_id_l
join node as r on r.subject_id = p.subject_id_r
order by left_node, right_node
"""


def _stage_clusters(lake: Lake, settings: IdentitySettings) -> Clustering:
    """Stage `new_cluster`: `subject_id, cluster_id, component_id`, one row a subject."""
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
    clustering: Clustering,
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


def _writes(
    lake: Lake, report: Resolution, digest: str, now: datetime, actor: str
) -> Iterator[Write]:
    run = {"run_id": report.run_id, "now": now}
    yield change(
        "identity.assignment",
        sql(
            "update identity.assignment set valid_to = $now where valid_to is null "
            "and subject_id in (select subject_id from moved)",
            now=now,
        ),
    )
    yield append("identity.assignment", sql(_ASSIGNED, **run))
    lake.stage("changed", sql(_CHANGED, model=report.model, actor=actor, **run))
    yield append("identity.change", Name("changed"))
    yield from _profile_writes(report)
    lake.stage("new_edge", sql(_EDGE, run_id=report.run_id, kept=_KEPT_PROBABILITY))
    yield replace("identity.edge", Name("new_edge"))
    yield append(
        "identity.resolution",
        sql(
            "select $run_id as run_id, $generation as generation, "
            "$now::timestamptz as resolved_at, $model as model, "
            "$digest as input_fingerprint, $subjects as subjects, "
            "$profiles as profiles, $report::json as report",
            generation=report.generation,
            model=report.model,
            digest=digest,
            subjects=report.subjects,
            profiles=report.profiles,
            report=json.dumps(asdict(report)),
            **run,
        ),
    )


def _profile_writes(report: Resolution) -> Iterator[Write]:
    yield append(
        "identity.profile",
        sql(
            "select profile_key, {id} as profile_id, $generation as generation, "
            "null::bigint as alias_of from profile_of where action = 'founded'",
            id=profile_id_sql(Query("profile_key")),
            generation=report.generation,
        ),
    )
    yield change(
        "identity.profile",
        Query(
            "update identity.profile set alias_of = null where profile_key in "
            "(select profile_key from profile_of where action = 'revived')"
        ),
    )
    yield change(
        "identity.profile",
        Query(
            "update identity.profile set alias_of = m.into_key from merged as m "
            "where m.profile_key = identity.profile.profile_key"
        ),
    )


_ASSIGNED = """
select subject_id, component_id, profile_key, $run_id as run_id,
    $now::timestamptz as valid_from, null::timestamptz as valid_to
from moved
"""
_CHANGED = """
with line as (
    select case action when 'founded' then 'assign' else 'revive' end as action,
        profile_key, null::bigint as other_profile_key, count(*) as subjects
    from profile_of join new_cluster using (cluster_id)
    where action <> 'kept' group by all
    union all
    select 'merge', m.profile_key, m.into_key, count(*)
    from merged as m join identity.assignment as a using (profile_key)
    where a.valid_to is null group by all
    union all
    select 'split', o.profile_key, p.profile_key, o.subjects
    from overlap as o join profile_of as p using (cluster_id)
    where p.profile_key <> o.profile_key
        and o.profile_key not in (select profile_key from merged)
)
select $run_id as run_id, $now::timestamptz as changed_at, *,
    $model as model, $actor as actor
from line
"""
_EDGE = """
with edge as (
    select subject_id_l, subject_id_r, 'deterministic' as kind, type,
        weight_all as match_weight, 1 / (1 + 2 ** -weight_all) as match_probability
    from deterministic_edge
    union all
    select subject_id_l, subject_id_r, 'probabilistic', 'linkage', match_weight,
        match_probability
    from scored_pair where match_probability >= $kept
    union all
    select subject_id_l, subject_id_r, 'decision',
        case when weight > 0 then 'must_link' else 'cannot_link' end, weight,
        case when weight > 0 then 1 else 0 end
    from decided_pair
)
select e.*, l.cluster_id = r.cluster_id as is_used, $run_id as run_id
from edge as e
join new_cluster as l on l.subject_id = e.subject_id_l
join new_cluster as r on r.subject_id = e.subject_id_r
"""
