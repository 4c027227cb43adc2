"""Deterministic evidence: identifiers that subjects share."""

from __future__ import annotations

from datetime import datetime, timedelta

from dmp.core.errors import UsageError
from dmp.core.sql import Name, Query, join, sql
from dmp.identity.settings import IdentifierRule, IdentitySettings
from dmp.privacy.consent import newest_decisions
from dmp.storage.lake import Lake


def stage_rules(lake: Lake, settings: IdentitySettings, now: datetime | None) -> Name:
    """Stage `identifier_rule`: one row for each identifier type that joins.

    Stages `source_trust` too, one row a type and source that counts in part, and shows
    `valid_identifier`: the rows of `identity.identifier` that are evidence at `now`,
    by their types' rules and the consent of those who showed them.

    Args:
        now: the instant by which identifiers expire and decisions were made; None
            expires none and takes all decisions.
    """
    rules = sorted(settings.identifiers.items())
    rows = [_rule(n, type_, rule, now) for n, (type_, rule) in enumerate(rules)]
    staged = lake.stage("identifier_rule", join(rows or [_NO_RULE], " union all "))
    trust = [
        (type_, source, part)
        for type_, rule in rules
        for source, part in sorted(rule.trust.items())
    ]
    lake.stage(
        "source_trust",
        "select unnest($types::varchar[]) as type, unnest($sources::varchar[]) as "
        "source, unnest($parts::double[]) as trust",
        types=[type_ for type_, _, _ in trust],
        sources=[source for _, source, _ in trust],
        parts=[part for _, _, part in trust],
    )
    newest = newest_decisions(Query("select purpose from identifier_rule"), now)
    granted = "select purpose, subject_id from ({q}) where status = 'granted'"
    lake.stage("permitted_subject", sql(granted, q=newest))
    lake.view("valid_identifier", Query(_VALID))
    return staged


def _rule(n: int, type_: str, rule: IdentifierRule, now: datetime | None) -> Query:
    expires = now is not None and rule.valid_days is not None
    since = now - timedelta(days=rule.valid_days or 0) if now and expires else None
    values = {
        "t": ("varchar", "type", type_),
        "w": ("double", "weight_bits", rule.weight_bits),
        "m": ("bigint", "max_subjects", rule.max_subjects),
        "d": ("boolean", "joins_device", rule.joins == "device"),
        "c": ("boolean", "is_compared", rule.is_compared),
        "v": ("timestamptz", "valid_since", since),
        "p": ("bigint", "max_per_profile", rule.max_per_profile),
        "l": ("double", "limit_days", rule.limit_days),
        "o": ("bigint", "priority", rule.priority),
        "u": ("varchar", "purpose", rule.purpose),
    }
    cells = (f"${k}{n}::{kind} as {name}" for k, (kind, name, _) in values.items())
    return Query(
        f"select {', '.join(cells)}",
        {f"{k}{n}": value for k, (_, _, value) in values.items()},
    )


_NO_RULE = Query(
    "select '' as type, 0::double as weight_bits, 0::bigint as max_subjects, "
    "false as joins_device, false as is_compared, null::timestamptz as valid_since, "
    "null::bigint as max_per_profile, null::double as limit_days, "
    "0::bigint as priority, null::varchar as purpose limit 0"
)
_VALID = """
select i.* from identity.identifier as i
join identifier_rule as r using (type)
left join permitted_subject as p
    on p.purpose = r.purpose and p.subject_id = i.subject_id
where (r.valid_since is null or i.last_seen_at >= r.valid_since)
    and (r.purpose is null or p.subject_id is not null)
"""


def stage_deterministic_edges(lake: Lake, settings: IdentitySettings) -> Name:
    """Stage `deterministic_edge`: one row for each pair of subjects that share.

    Reads the scratch `scoped_identifier`, `value_holder`, `identifier_rule` and
    `source_trust`, and `identity.subject`.
    Columns: `subject_id_l, subject_id_r` (l < r), `type` (the types shared, joined by
    `+`), `weight_all` and `weight_uncompared` (bits; the second without the types that
    the linkage model compares too), `priority` (the highest of the types). Values above
    `max_subjects` are left out and staged as `blocked_value`, as
    `identity.blocked_value` has them.

    Raises:
        UsageError: identifiers would pair more subjects than `max_shared_pairs`.
    """
    lake.stage("shared_value", _SHARED)
    lake.stage("blocked_value", _BLOCKED)
    _check_pairs(lake, settings.max_shared_pairs)
    lake.stage("value_pair", Query(_PAIRS))
    return lake.stage("deterministic_edge", _EDGES)


def _check_pairs(lake: Lake, most: int) -> None:
    costs = lake.rows(_COSTS)
    total = sum(pairs for _, pairs in costs)
    if total > most:
        listed = "; ".join(f"{type_}: {pairs:,}" for type_, pairs in costs)
        raise UsageError(
            f"shared identifiers would pair {total:,} subjects, more than "
            f"max_shared_pairs = {most:,} ({listed}); give the first a smaller "
            "max_subjects in config/identity.yaml, so that values on too many people "
            "join nobody"
        )


_SHARED = """
with holder as (
    select i.namespace, i.type, i.encoding, i.token, i.subject_id, s.kind,
        sum(i.observations) as observations, max(coalesce(t.trust, 1)) as trust
    from scoped_identifier as i join identity.subject as s using (subject_id)
    left join source_trust as t on t.type = i.type and t.source = i.source
    group by all
)
select h.*, r.weight_bits, r.max_subjects, r.joins_device, r.is_compared, r.priority,
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

_COSTS = """
select type, sum(pairs)::bigint as pairs from (
    select type, case when joins_device
        then count(*) filter (kind = 'device') * count(*) filter (kind <> 'device')
        else count(*) * (count(*) - 1) // 2 end as pairs
    from shared_value where subjects <= max_subjects
    group by namespace, type, encoding, token, joins_device
)
group by type order by pairs desc, type
"""

_PAIRS = """
select least(a.subject_id, b.subject_id) as subject_id_l,
    greatest(a.subject_id, b.subject_id) as subject_id_r,
    a.type, a.is_compared, a.weight_bits * least(a.trust, b.trust) as weight_bits,
    a.priority
from shared_value as a join shared_value as b
    using (namespace, type, encoding, token)
where a.subject_id < b.subject_id and not a.joins_device
    and a.subjects <= a.max_subjects
union all
select least(d.subject_id, u.subject_id), greatest(d.subject_id, u.subject_id),
    d.type, d.is_compared,
    d.weight_bits * least(d.trust, u.trust) * u.observations
    / sum(u.observations) over (
        partition by d.namespace, d.type, d.encoding, d.token, d.subject_id
    ),
    d.priority
from shared_value as d join shared_value as u using (namespace, type, encoding, token)
where d.joins_device and d.kind = 'device' and u.kind <> 'device'
    and d.subjects <= d.max_subjects
"""

_EDGES = """
with by_type as (
    select subject_id_l, subject_id_r, type, is_compared, max(weight_bits) as weight,
        max(priority) as priority
    from value_pair group by all
)
select subject_id_l, subject_id_r, string_agg(type, '+' order by type) as type,
    sum(weight) as weight_all,
    coalesce(sum(weight) filter (not is_compared), 0) as weight_uncompared,
    max(priority) as priority
from by_type group by all
order by subject_id_l, subject_id_r
"""
