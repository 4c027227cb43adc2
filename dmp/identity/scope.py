"""Which subjects a resolve run looks at: everybody, or what changed and is near it.

Near is every subject that could be compared with a changed one, that shares an
identifier with it, or that evidence for connects with any of those. No evidence for
crosses the edge of the scope, and clusters are made within such evidence alone; so
what a run makes of its scope is what it would make of it among everybody.
Source: docs/adr/0007-incremental.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from dmp.core.sql import Name, Query
from dmp.identity.basis import Basis
from dmp.identity.blocking import stage_blocking_keys
from dmp.identity.records import stage_linkage_records
from dmp.identity.seen import stage_changed
from dmp.privacy import Vault
from dmp.storage.lake import Lake

_MOST_CHANGED = 0.5
_IN_SCOPE = "in (select subject_id from scope)"
_CHANGED = "in (select subject_id from changed_subject)"


@dataclass(frozen=True)
class Scope:
    """What the scratch table `scope` holds: one row a subject looked at.

    Attributes:
        is_full: it is everybody.
        changed: subjects that are new, gone or not as the last run saw them.
    """

    is_full: bool
    subjects: int
    changed: int

    @property
    def untouched(self) -> Query:
        """A condition on `subject_id`: who is there and not looked at."""
        if self.is_full:
            return Query("false")
        return Query(f"subject_id not {_IN_SCOPE} and subject_id not {_CHANGED}")

    @property
    def edges(self) -> Query:
        """A condition on `identity.edge`: the rows that this run makes anew."""
        if self.is_full:
            return Query("true")
        return Query(
            f"(subject_id_l {_IN_SCOPE} and subject_id_r {_IN_SCOPE}) "
            f"or subject_id_l {_CHANGED} or subject_id_r {_CHANGED}"
        )


def stage_scope(lake: Lake, vault: Vault, basis: Basis) -> Scope:
    """Stage `scope`, the subjects to look at, from what changed since the last run.

    Reads the scratch `subject_digest`, `identifier_rule` and `valid_identifier`,
    `identity.seen_subject`, `identity.identifier`, `identity.blocked_value` and the
    vault. Beside it stages what `stage_everybody` does. Where half of all subjects
    changed, everybody is looked at.
    """
    stage_changed(lake)
    changed = _count(lake, "changed_subject")
    if changed > _MOST_CHANGED * _count(lake, "subject_digest"):
        return stage_everybody(lake)
    lake.stage("value_holder", _VALUE_HOLDER)
    _stage_comparable(lake, vault, basis)
    lake.stage("scope", _SCOPE)
    lake.stage("scoped_value", _SCOPED_VALUE)
    lake.view(
        "scoped_identifier",
        Query(
            "select i.* from valid_identifier as i "
            "join scoped_value using (namespace, type, encoding, token)"
        ),
    )
    return Scope(False, _count(lake, "scope"), changed)


def stage_everybody(lake: Lake) -> Scope:
    """Stage `scope` with everybody in `identity.subject`.

    With it `scoped_identifier`, the rows of `valid_identifier` of all values that
    somebody in the scope holds, and `value_holder`, the holders of values that may have
    become too frequent, or be so no longer; here none, since all are counted anew.
    """
    lake.stage("scope", "select distinct subject_id from identity.subject")
    lake.stage("value_holder", _NO_VALUE_HOLDER)
    lake.view("scoped_identifier", Query("from valid_identifier"))
    everybody = _count(lake, "scope")
    return Scope(True, everybody, everybody)


def _stage_comparable(lake: Lake, vault: Vault, basis: Basis) -> Name:
    """Stage `comparable`: who could be compared with a record that is new."""
    if basis.linkage is None:
        return lake.stage("comparable", "select 0::bigint as subject_id limit 0")
    _, settings = basis.linkage
    new = lake.stage(
        "changed_record", "select subject_id from changed_subject where has_new_record"
    )
    stage_linkage_records(lake, vault, settings, of=new)
    stage_blocking_keys(lake, settings, basis.key)
    return lake.stage("comparable", _COMPARABLE)


def _count(lake: Lake, table: str) -> int:
    return int(lake.value(f"select count(*) from {table}"))


_VALUE_HOLDER = """
with value as (
    select namespace, type, encoding, token from identity.identifier
    where subject_id in (select subject_id from changed_subject)
    union
    select namespace, type, encoding, token from identity.blocked_value
), holder as (
    select i.namespace, i.type, i.encoding, i.token, i.subject_id
    from valid_identifier as i
    join value using (namespace, type, encoding, token)
    join identity.subject using (subject_id)
    group by all
)
select h.*, r.max_subjects, count(*) over (
    partition by h.namespace, h.type, h.encoding, h.token
) as subjects, b.token is not null as was_blocked
from holder as h
join identifier_rule as r using (type)
left join identity.blocked_value as b using (namespace, type, encoding, token)
"""
_NO_VALUE_HOLDER = """
select '' as namespace, '' as type, '' as encoding, '' as token,
    0::bigint as subject_id, 0::bigint as max_subjects, 0::bigint as subjects,
    false as was_blocked limit 0
"""
_COMPARABLE = """
with key as (select distinct unnest(blocking_keys) as key from blocking_key)
select distinct subject_id
from (select subject_id, unnest(blocking_keys) as key from identity.seen_subject)
join key using (key)
"""
_SCOPE = """
with near as (
    select subject_id from changed_subject
    union
    select subject_id from comparable
    union
    select subject_id from value_holder
    where subjects <= max_subjects or not was_blocked
), connected as (
    select subject_id from near
    union
    select subject_id from identity.seen_subject where neighbourhood_id in (
        select neighbourhood_id from identity.seen_subject
        where subject_id in (select subject_id from near)
    )
)
select subject_id from connected join subject_digest using (subject_id)
"""
_SCOPED_VALUE = """
select distinct namespace, type, encoding, token from valid_identifier
where subject_id in (select subject_id from scope)
"""
