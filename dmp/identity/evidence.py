"""Evidence of one person: shared identifiers, scores and human decisions, by pair."""

from __future__ import annotations

from dmp.core.sql import Name, sql
from dmp.identity.basis import Basis
from dmp.identity.blocking import check_pair_ceiling, stage_blocking_keys
from dmp.identity.linkage import NO_PAIRS, stage_scored_pairs
from dmp.identity.records import stage_linkage_records
from dmp.identity.signals import stage_deterministic_edges
from dmp.privacy import Vault
from dmp.storage.lake import Lake

_WEIGHT_LIMIT_BITS = 40.0


def stage_evidence(lake: Lake, vault: Vault, basis: Basis) -> None:
    """Stage `node`, one row a subject, and `evidence`, one row a pair with a weight.

    Both are about the subjects of the scratch table `scope`; decisions are those of
    `decision_in_force`. Stages `blocking_key` too.
    `node`: `subject_id, node` (numbered from 0 by subject), `is_comparable`.
    `evidence`: the two subjects and nodes; `because`, what it comes from in words;
    `priority` of the identifiers shared, else 0; `weight` in bits, infinite for human
    decisions; `is_compared` where the model scored the pair, `is_deterministic` where
    they share an identifier. Where the model scored a pair, its score counts instead
    of the identifiers that it compares too.

    Raises:
        UsageError: blocking rules or identifiers would make too many pairs.
    """
    stage_deterministic_edges(lake, basis.settings)
    _stage_scores(lake, vault, basis)
    lake.stage("decided_pair", _DECIDED)
    weigh(lake, basis, Name("scope"))


def weigh(lake: Lake, basis: Basis, of: Name) -> None:
    """Stage `node` and `evidence` anew for the subjects of a table.

    The pairs that made a cluster have overcome the prior of two records at random, so
    an inner pair counts against one person by no more than what its values say.
    """
    model, linkage = basis.model, basis.settings.linkage
    lake.stage(
        "node",
        sql(
            "select subject_id, row_number() over (order by subject_id) - 1 as node, "
            "subject_id in (select subject_id from linkage_record) as is_comparable "
            "from {of} order by subject_id",
            of=of,
        ),
    )
    lake.stage(
        "evidence",
        sql(
            _EVIDENCE,
            limit=_WEIGHT_LIMIT_BITS,
            threshold=linkage.threshold_bits if linkage else 0.0,
            prior=model.prior_bits if model else 0.0,
        ),
    )


def _stage_scores(lake: Lake, vault: Vault, basis: Basis) -> None:
    if basis.linkage is None:
        lake.stage("linkage_record", "select 0::bigint as subject_id limit 0")
        lake.stage("blocking_key", _NO_KEYS)
        lake.stage("scored_pair", NO_PAIRS)
        return
    model, settings = basis.linkage
    stage_linkage_records(lake, vault, settings, of=Name("scope"))
    stage_blocking_keys(lake, settings, basis.key)
    check_pair_ceiling(lake, settings)
    stage_scored_pairs(lake, model, settings, basis.key)


_NO_KEYS = "select 0::bigint as subject_id, []::uinteger[] as blocking_keys limit 0"


_DECIDED = """
select subject_id_l, subject_id_r,
    case arg_max(decision, decided_at) when 'must_link' then 'Infinity'::double
        else '-Infinity'::double end as weight,
    arg_max(decision_id, decided_at) as decision_id
from decision_in_force group by subject_id_l, subject_id_r
"""
_EVIDENCE = """
with pair as (
    select subject_id_l, subject_id_r,
        coalesce(
            d.weight,
            case when s.match_weight is not null then
                greatest(least(case when s.is_inner then
                    greatest(s.match_weight, least(0, s.match_weight - $prior))
                    else s.match_weight end - $threshold, $limit), -$limit)
                + coalesce(e.weight_uncompared, 0)
            end,
            e.weight_all
        ) as weight,
        s.match_weight is not null as is_compared,
        e.weight_all is not null as is_deterministic,
        coalesce(e.priority, 0) as priority,
        case when d.weight is not null then concat_ws(' ', 'decision', d.decision_id)
            when s.match_weight is null then e.type
            else concat_ws('+', e.type, 'linkage') end as because
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
