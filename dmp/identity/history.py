"""The history of profile ids: who was assigned, merged, split and revived, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dmp.core.sql import Name, Query, sql
from dmp.identity.lasting_ids import profile_id_sql
from dmp.storage.lake import Lake
from dmp.storage.write import Write, append, change, replace

_KEPT_PROBABILITY = 0.01


def history_writes(
    lake: Lake,
    edges: Query,
    *,
    run_id: str,
    generation: int,
    model: str,
    now: datetime,
    actor: str,
    is_same_basis: bool,
) -> Iterator[Write]:
    """Yield the writes of assignments, ids, changes and edges of a resolve run.

    Reads the scratch tables `moved`, `merged`, `overlap`, `profile_of`, `new_cluster`
    and those of the evidence.

    Args:
        edges: a condition that chooses the rows of `identity.edge` to be replaced.
        is_same_basis: settings and model are those of the last run.
    """
    run = {"run_id": run_id, "now": now}
    yield change(
        "identity.assignment",
        sql(
            "update identity.assignment set valid_to = $now where valid_to is null "
            "and subject_id in (select subject_id from moved)",
            now=now,
        ),
    )
    yield append("identity.assignment", sql(_ASSIGNED, **run))
    by = {"model": model, "actor": actor, "is_same_basis": is_same_basis}
    lake.stage("changed", sql(_CHANGED, **by, **run))
    yield append("identity.change", Name("changed"))
    yield from _profile_writes(generation)
    lake.stage("new_edge", sql(_EDGE, run_id=run_id, kept=_KEPT_PROBABILITY))
    yield replace("identity.edge", Name("new_edge"), edges)


def _profile_writes(generation: int) -> Iterator[Write]:
    yield append(
        "identity.profile",
        sql(
            "select profile_key, {id} as profile_id, $generation as generation, "
            "null::bigint as alias_of from profile_of where action = 'founded'",
            id=profile_id_sql(Query("profile_key")),
            generation=generation,
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
with side as (
    select n.subject_id, n.cluster_id, a.profile_key
    from new_cluster as n
    left join identity.assignment as a
        on a.subject_id = n.subject_id and a.valid_to is null
), pair as (
    select e.weight, e.because, d.dropped_by, l.cluster_id as cluster_l,
        r.cluster_id as cluster_r, l.profile_key as key_l, r.profile_key as key_r
    from evidence as e
    left join dropped_edge as d using (subject_id_l, subject_id_r)
    join side as l on l.subject_id = e.subject_id_l
    join side as r on r.subject_id = e.subject_id_r
), joining as (
    select key, max_by(because, (weight, because)) as cause from (
        select unnest([key_l, key_r]) as key, weight, because from pair
        where cluster_l = cluster_r and key_l is distinct from key_r and weight > 0
    ) group by key
), parting as (
    select key_l as key, cluster, max_by(
        case when isinf(weight) then because else 'limit ' || dropped_by end,
        (isinf(weight), because)
    ) as cause from (
        select *, unnest([cluster_l, cluster_r]) as cluster from pair
        where key_l = key_r and cluster_l <> cluster_r
            and (weight = '-Infinity'::double or dropped_by is not null)
    ) group by all
), line as (
    select case action when 'founded' then 'assign' else 'revive' end as action,
        profile_key, null::bigint as other_profile_key, count(*) as subjects,
        null::varchar as cause
    from profile_of join new_cluster using (cluster_id)
    where action <> 'kept' group by all
    union all
    select 'merge', m.profile_key, m.into_key, count(*), any_value(j.cause)
    from merged as m join identity.assignment as a using (profile_key)
    left join joining as j on j.key = m.profile_key
    where a.valid_to is null group by all
    union all
    select 'split', o.profile_key, p.profile_key, o.subjects,
        coalesce(s.cause, if($is_same_basis, 'evidence', 'settings'))
    from overlap as o join profile_of as p using (cluster_id)
    left join parting as s on s.key = o.profile_key and s.cluster = o.cluster_id
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
        weight_all as match_weight,
        if(s.match_weight is null, null, weight_uncompared) as counted_weight,
        1 / (1 + 2 ** -weight_all) as match_probability
    from deterministic_edge
    left join scored_pair as s using (subject_id_l, subject_id_r)
    union all
    select subject_id_l, subject_id_r, 'probabilistic', 'linkage', match_weight,
        null, match_probability
    from scored_pair where match_probability >= $kept
    union all
    select subject_id_l, subject_id_r, 'decision',
        case when weight > 0 then 'must_link' else 'cannot_link' end, weight, null,
        case when weight > 0 then 1 else 0 end
    from decided_pair
)
select e.*, l.cluster_id = r.cluster_id as is_used, d.dropped_by, b.held_alone,
    $run_id as run_id
from edge as e
left join dropped_edge as d using (subject_id_l, subject_id_r)
left join bridge as b using (subject_id_l, subject_id_r)
join new_cluster as l on l.subject_id = e.subject_id_l
join new_cluster as r on r.subject_id = e.subject_id_r
"""
