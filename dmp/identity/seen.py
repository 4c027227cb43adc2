"""What a resolve run saw of each subject, kept so that the next looks at changes alone.

A subject counts as changed when its identifiers (those that have not expired), its
record or the decisions about it are others than before, when it is new, and when it is
gone. That a load repeats what is known changes nothing, but for how often a user was
seen with a device.
"""

from __future__ import annotations

from collections.abc import Iterator

from dmp.core.sql import Name, Query, sql
from dmp.identity.decisions import IN_FORCE
from dmp.storage.lake import Lake
from dmp.storage.versions import newest_versions_sql
from dmp.storage.write import Write, replace

_DIGEST = """
with subject as (
    select subject_id, min(kind) as kind from identity.subject group by subject_id
), held as (
    select i.subject_id, hash(i.namespace, i.type, i.encoding, i.token) as identifier,
        sum(if(r.joins_device and s.kind <> 'device', i.observations, 0)) as uses,
        min(if(r.limit_days is null, null, i.first_seen_at)) as first_seen_at
    from valid_identifier as i
    join identifier_rule as r using (type)
    join subject as s using (subject_id)
    group by all
), signal as (
    select subject_id, count(*) as n, bit_xor(
        if(first_seen_at is null, hash(identifier, uses),
            hash(identifier, uses, first_seen_at))
    ) as digest
    from held group by subject_id
), decided as (
    select subject_id, bit_xor(pair) as digest
    from (
        select unnest([subject_id_l, subject_id_r]) as subject_id, hash(
            subject_id_l, subject_id_r, decision, decision_id, decided_at
        ) as pair
        from decision_in_force
    )
    group by subject_id
), version as (
    select subject_id, hash(content_token, load_id) as digest from ({newest})
)
select subject_id, hash(subject.kind, signal.n, signal.digest, decided.digest)
    as signal_digest, version.digest as record_digest
from subject
left join signal using (subject_id)
left join decided using (subject_id)
left join version using (subject_id)
"""
_CHANGED = """
select subject_id,
    now.record_digest is not null
        and now.record_digest is distinct from old.record_digest as has_new_record
from subject_digest as now full join identity.seen_subject as old using (subject_id)
where (now.signal_digest, now.record_digest)
    is distinct from (old.signal_digest, old.record_digest)
"""
_SEEN = """
select d.subject_id, d.signal_digest, d.record_digest, c.neighbourhood_id,
    coalesce(b.blocking_keys, []) as blocking_keys
from subject_digest as d
join new_cluster as c using (subject_id)
left join blocking_key as b using (subject_id)
order by d.subject_id
"""


def stage_digests(lake: Lake) -> Name:
    """Stage `subject_digest`: one row a subject, with what a run depends on.

    Reads `identity.subject`, `identity.decision`, `core.record` and the scratch
    `valid_identifier` and `identifier_rule`. Columns as in `identity.seen_subject`.
    Stages `decision_in_force` too, one row a decision and pair of subjects.
    """
    lake.stage("decision_in_force", IN_FORCE)
    return lake.stage("subject_digest", sql(_DIGEST, newest=newest_versions_sql()))


def stage_changed(lake: Lake) -> Name:
    """Stage `changed_subject`: one row a subject that is not as the last run saw it.

    `has_new_record` marks those whose record has to be compared again.
    """
    return lake.stage("changed_subject", _CHANGED)


def digest_of_all(lake: Lake) -> str:
    """Return one digest of the scratch `subject_digest`, whatever the order of rows."""
    return str(
        lake.value(
            "select (count(*), bit_xor(hash(subject_id, signal_digest, record_digest)))"
            "::varchar from subject_digest"
        )
    )


def seen_writes(lake: Lake, outside: Query) -> Iterator[Write]:
    """Yield the writes by which the next run knows what this one saw.

    Args:
        outside: a condition on `subject_id` of `identity.seen_subject`: the rows that
            this run did not look at, which stay.
    """
    lake.stage("seen", _SEEN)
    yield replace("identity.seen_subject", Name("seen"), sql("not ({o})", o=outside))
    yield replace("identity.blocked_value", Name("blocked_value"))
