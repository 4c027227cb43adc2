"""Lasting profile ids: which id each new cluster keeps, revives or is given.

A merge keeps the oldest id and makes the others its aliases. A split leaves the id
with the part that holds most of its own subjects: those that no alias held before it;
each other part first revives the id that its subjects last had on their own, so that
a merge undone gives every id back. Ties: the older id, then the smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass

from dmp.core.sql import Name, Query, sql
from dmp.storage.lake import Lake

_HELD = """
with retired as (
    select profile_key, max(valid_to) as valid_to from identity.assignment
    where profile_key in (
        select profile_key from identity.profile where alias_of is not null
    )
    group by all
    having count(*) filter (valid_to is null) = 0
), held as (
    select subject_id, profile_key, valid_to from identity.assignment
    where valid_to is null
    union all
    select subject_id, profile_key, valid_to
    from identity.assignment join retired using (profile_key, valid_to)
)
select c.cluster_id, h.profile_key, h.valid_to is null as is_live,
    row_number() over (
        partition by h.subject_id order by h.valid_to nulls last, p.generation desc,
            h.profile_key desc
    ) = 1 as is_own
from held as h
join identity.profile as p using (profile_key)
join new_cluster as c using (subject_id)
"""

_OVERLAP = """
select profile_key, cluster_id, count(*) as subjects, count(*) filter (is_own) as own
from held where is_live = {is_live} group by all
"""

_HOME = """
select profile_key, cluster_id from overlap
qualify row_number() over (
    partition by profile_key order by own desc, subjects desc, cluster_id
) = 1
"""

_CHOSEN = """
select h.cluster_id, h.profile_key, p.generation
from home as h join identity.profile as p using (profile_key)
qualify row_number() over (
    partition by h.cluster_id order by p.generation, h.profile_key
) = 1
"""

_REVIVABLE = """
select o.profile_key, o.cluster_id
from retired_overlap as o join identity.profile as p using (profile_key)
where o.cluster_id not in (select cluster_id from kept)
order by o.own desc, o.subjects desc, p.generation, o.profile_key, o.cluster_id
"""

_FOUNDED = """
select cluster_id, {key} as profile_key
from (select distinct cluster_id from new_cluster)
where cluster_id not in (select cluster_id from kept)
    and cluster_id not in (select cluster_id from revived)
"""


@dataclass(frozen=True)
class Assignment:
    """The scratch tables that hold the outcome.

    `profile_of`: `cluster_id, profile_key, action`, one row a cluster, action kept,
    revived or founded. `merged`: `profile_key, into_key`, one row for each id that
    becomes an alias now.
    """

    profile_of: Name
    merged: Name


def stage_profile_ids(lake: Lake, *, generation: int) -> Assignment:
    """Choose the profile of each cluster of the scratch table `new_cluster`.

    Reads `new_cluster` (`subject_id, cluster_id`, one row a subject),
    `identity.assignment` and `identity.profile`; writes nothing in the lake. The
    outcome does not depend on the order of rows.
    """
    lake.stage("held", _HELD)
    lake.stage("overlap", sql(_OVERLAP, is_live=Query("true")))
    lake.stage("home", _HOME)
    lake.stage("kept", _CHOSEN)
    lake.stage("retired_overlap", sql(_OVERLAP, is_live=Query("false")))
    _stage_revived(lake)
    lake.stage("founded", sql(_FOUNDED, key=_new_key(generation)))
    profile_of = lake.stage(
        "profile_of",
        "select cluster_id, profile_key, 'kept' as action from kept union all "
        "select cluster_id, profile_key, 'revived' from revived union all "
        "select cluster_id, profile_key, 'founded' from founded",
    )
    merged = lake.stage(
        "merged",
        "select h.profile_key, k.profile_key as into_key "
        "from home as h join kept as k using (cluster_id) "
        "where h.profile_key <> k.profile_key",
    )
    return Assignment(profile_of, merged)


def _stage_revived(lake: Lake) -> None:
    """Stage `revived`: retired ids back on clusters without one, one to one.

    The best fit is taken first: the most subjects of the id's own, then the most in
    all.
    """
    clusters: dict[int, int] = {}
    taken: set[int] = set()
    for profile_key, cluster_id in lake.rows(_REVIVABLE):
        if cluster_id not in clusters and profile_key not in taken:
            clusters[cluster_id] = profile_key
            taken.add(profile_key)
    lake.stage(
        "revived",
        "select unnest($clusters::bigint[]) as cluster_id, "
        "unnest($profiles::bigint[]) as profile_key",
        clusters=list(clusters),
        profiles=list(clusters.values()),
    )


def profile_id_sql(key: Query) -> Query:
    """Return the expression for the public name of a profile: `p` and 15 hex digits."""
    return Query(f"printf('p%015x', {key.text})", key.params)


def _new_key(generation: int) -> Query:
    """Return the key of a new profile: 60 bits of a digest of founder and generation.

    The founder is the cluster's smallest subject, itself a keyed pseudonym, so the key
    is the same wherever the same run is made and tells nothing.
    """
    return sql(
        "('0x' || left(md5(cluster_id::varchar || ':' || $generation::varchar), 15))"
        "::bigint",
        generation=generation,
    )
