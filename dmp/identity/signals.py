"""Deterministic evidence: identifiers that subjects share."""

from __future__ import annotations

from dmp.core.sql import Name, Query, join, sql
from dmp.identity.settings import IdentitySettings
from dmp.storage.lake import Lake


def stage_rules(lake: Lake, settings: IdentitySettings) -> Name:
    """Stage `identifier_rule`: one row for each identifier type that joins."""
    rows = [
        sql(
            f"select $t{n} as type, $w{n}::double as weight_bits, "
            f"$m{n}::bigint as max_subjects, $d{n}::boolean as joins_device, "
            f"$c{n}::boolean as is_compared",
            **{
                f"t{n}": type_,
                f"w{n}": rule.weight_bits,
                f"m{n}": rule.max_subjects,
                f"d{n}": rule.joins == "device",
                f"c{n}": rule.is_compared,
            },
        )
        for n, (type_, rule) in enumerate(sorted(settings.identifiers.items()))
    ]
    return lake.stage("identifier_rule", join(rows or [_NO_RULE], " union all "))


_NO_RULE = Query(
    "select '' as type, 0::double as weight_bits, 0::bigint as max_subjects, "
    "false as joins_device, false as is_compared limit 0"
)


def stage_deterministic_edges(lake: Lake) -> Name:
    """Stage `deterministic_edge`: one row for each pair of subjects that share.

    Reads the scratch `scoped_identifier`, `value_holder` and `identifier_rule`, and
    `identity.subject`.
    Columns: `subject_id_l, subject_id_r` (l < r), `type` (the types shared, joined by
    `+`), `weight_all` and `weight_uncompared` (bits; the second without the types that
    the linkage model compares too). Values above `max_subjects` are left out and
    staged as `blocked_value`, as `identity.blocked_value` has them.
    """
    lake.stage("shared_value", _SHARED)
    lake.stage("blocked_value", _BLOCKED)
    lake.stage("value_pair", Query(_PAIRS))
    return lake.stage("deterministic_edge", _EDGES)


_SHARED = """
with holder as (
    select i.namespace, i.type, i.encoding, i.token, i.subject_id, s.kind,
        sum(i.observations) as observations, max(i.last_seen_at) as last_seen_at
    from scoped_identifier as i join identity.subject as s using (subject_id)
    where i.type in (select type from identifier_rule)
    group by all
)
select h.*, r.weight_bits, r.max_subjects, r.joins_device, r.is_compared,
    count(*) over (
        partition by h.namespace, h.type, h.encoding, h.token
    ) as subjects
from holder as h join identifier_rule as r using (type)
qualify subjects > 1
"""

_BLOCKED = """
select namespace, type, encoding, token, subjects from shared_value
where subjects > max_subjects
union
select namespace, type, encoding, token, subjects from value_holder
where subjects > max_subjects
"""

_PAIRS = """
select least(a.subject_id, b.subject_id) as subject_id_l,
    greatest(a.subject_id, b.subject_id) as subject_id_r,
    a.type, a.is_compared, a.weight_bits
from shared_value as a join shared_value as b
    using (namespace, type, encoding, token)
where a.subject_id < b.subject_id and not a.joins_device
    and a.subjects <= a.max_subjects
union all
select least(d.subject_id, u.subject_id), greatest(d.subject_id, u.subject_id),
    d.type, d.is_compared,
    d.weight_bits * u.observations / sum(u.observations) over (
        partition by d.namespace, d.type, d.encoding, d.token, d.subject_id
    )
from shared_value as d join shared_value as u using (namespace, type, encoding, token)
where d.joins_device and d.kind = 'device' and u.kind <> 'device'
    and d.subjects <= d.max_subjects
"""

_EDGES = """
with by_type as (
    select subject_id_l, subject_id_r, type, is_compared, max(weight_bits) as weight
    from value_pair group by all
)
select subject_id_l, subject_id_r, string_agg(type, '+' order by type) as type,
    sum(weight) as weight_all,
    coalesce(sum(weight) filter (not is_compared), 0) as weight_uncompared
from by_type group by all
order by subject_id_l, subject_id_r
"""
