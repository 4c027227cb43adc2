"""Evidence of one person: shared identifiers, scores and human decisions, by pair."""

from __future__ import annotations

from dmp.core.sql import sql
from dmp.identity.decisions import IN_FORCE
from dmp.identity.linkage import (
    NO_PAIRS,
    LinkageModel,
    check_pair_ceiling,
    stage_scored_pairs,
)
from dmp.identity.records import stage_linkage_records
from dmp.identity.settings import IdentitySettings
from dmp.identity.signals import stage_deterministic_edges, stage_rules
from dmp.privacy import Vault
from dmp.storage.lake import Lake

_WEIGHT_LIMIT_BITS = 40.0


def stage_evidence(
    lake: Lake, vault: Vault, settings: IdentitySettings, model: LinkageModel | None
) -> None:
    """Stage `node`, one row a subject, and `evidence`, one row a pair with a weight.

    `node`: `subject_id, node` (numbered from 0 by subject), `is_comparable`.
    `evidence`: the two subjects and nodes; `weight` in bits, infinite for human
    decisions; `is_compared` where the model scored the pair, `is_deterministic` where
    they share an identifier. Where the model scored a pair, its score counts instead
    of the identifiers that it compares too.

    Raises:
        UsageError: the blocking rules would make too many pairs.
    """
    stage_rules(lake, settings)
    stage_deterministic_edges(lake)
    if model and settings.linkage:
        stage_linkage_records(lake, vault, settings.linkage)
        check_pair_ceiling(lake, settings.linkage)
        stage_scored_pairs(lake, model, settings.linkage)
    else:
        lake.stage("linkage_record", "select 0::bigint as subject_id limit 0")
        lake.stage("scored_pair", NO_PAIRS)
    lake.stage("decided_pair", sql(_DECIDED, in_force=IN_FORCE))
    lake.stage(
        "node",
        "select subject_id, row_number() over (order by subject_id) - 1 as node, "
        "subject_id in (select subject_id from linkage_record) as is_comparable "
        "from (select distinct subject_id from identity.subject) order by subject_id",
    )
    lake.stage("evidence", sql(_EVIDENCE, limit=_WEIGHT_LIMIT_BITS))


_DECIDED = """
select subject_id_l, subject_id_r,
    case arg_max(decision, decided_at) when 'must_link' then 'Infinity'::double
        else '-Infinity'::double end as weight
from ({in_force}) group by subject_id_l, subject_id_r
"""
_EVIDENCE = """
with pair as (
    select subject_id_l, subject_id_r,
        coalesce(
            d.weight,
            case when s.match_weight is not null then
                greatest(least(s.match_weight, $limit), -$limit)
                + coalesce(e.weight_uncompared, 0)
            end,
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
